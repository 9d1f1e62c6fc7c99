"""What README says is run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
CELL = """
from elman.cells import Cell, sigmoid, tanh

class MyCell(Cell):
    def step(self, x, h, s):
        return dict(h=tanh(x.h + h.h) + 0.1 * s.h)
"""


@pytest.mark.parametrize("code", [code for kind, code in BLOCKS if kind == "python"])
def test_python_blocks_run(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


def elman_lines() -> list[str]:
    lines = [line.split("#")[0].strip() for kind, code in BLOCKS if kind == "sh" for line in code.splitlines()]
    return [line.removeprefix(".venv/bin/") for line in lines if line.startswith(".venv/bin/elman")]


def test_the_commands_are_there() -> None:
    assert len(elman_lines()) >= 9
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for kind, code in BLOCKS:
        for target in re.findall(r"^make ([\w-]+)", code, re.MULTILINE) if kind == "sh" else []:
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In README's order, with less training."""
    from elman.cli.main import main
    from elman.runs import train

    monkeypatch.chdir(tmp_path)
    (tmp_path / "mycell.py").write_text(CELL)
    rows = [f"film {k} was {word},{mood}" for k in range(40) for word, mood in (("good", "for"), ("bad", "against"))]
    (tmp_path / "reviews.csv").write_text("text,label\n" + "\n".join(rows) + "\n")
    (tmp_path / "my.txt").write_text("one fish two fish red fish blue fish\n" * 60)
    (tmp_path / "my.toml").write_text(
        '[data]\nsource = "file"\nkind = "continuous"\n[training]\nepochs = 1\nbatch_size = 2\nsteps = 16\n'
    )
    small = ["--epochs", "1", "--set", "training.batch_size=512"]
    train("names-quick", epochs=1, **{"training.batch_size": 512})
    for line in elman_lines():
        words = shlex.split(line)
        if words[1] == "train":
            words += small if "my.toml" not in words else []
        if words[1] == "compare":
            words += ["--seeds", "1", "--set", "training.epochs=1"]
        if "code" in words:
            words += ["--set", "data.max_characters=30000", "--set", "sample.length=20"]
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as stopped:
            main()
        assert not stopped.value.code, line


def test_what_explain_is_said_to_print() -> None:
    import elman

    printed = elman.explain("lstm").text()
    for kind, code in BLOCKS:
        for line in code.splitlines() if kind == "text" else []:
            assert line.rstrip() in printed
