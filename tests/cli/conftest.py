"""One furnished folder for all tests of the command line, and `elman(...)` without a process of its own."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli_home import furnish
from cli_process import Said, tree

from elman.cli.main import main

Elman = Callable[..., Said]


@dataclass(frozen=True)
class Furnished:
    """The folder, a copy to put back what a faulty command changed, and what was in it."""

    home: Path
    copy: Path
    before: dict[str, str]


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Furnished:
    home = tmp_path_factory.mktemp("cli") / "home"
    furnish(home)
    copy = shutil.copytree(home, home.with_name("copy"))
    return Furnished(home, copy, tree(home))


@pytest.fixture
def home(furnished: Furnished, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder; whatever the test does, it is the same afterwards."""
    monkeypatch.chdir(furnished.home)
    monkeypatch.delenv("ELMAN_DATA", raising=False)
    yield furnished.home
    after = tree(furnished.home)
    changed = sorted(name for name, _ in after.items() ^ furnished.before.items())
    if changed:
        monkeypatch.undo()
        shutil.rmtree(furnished.home)
        shutil.copytree(furnished.copy, furnished.home)
        pytest.fail(f"the command changed what it should not have touched: {', '.join(changed[:8])}")


@pytest.fixture
def elman(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Elman:
    """`elman("sample", "run", "--count", 3)`: exit code, standard output, standard error."""

    def call(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["elman", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else 0 if leave.code is None else 1
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call
