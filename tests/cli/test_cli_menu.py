"""`elman` alone, `--help`, `--version`: at once, and without what takes long to import."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import Said, command, environment, run

VERBS = (
    *("demo", "recipes", "train", "sample", "predict", "evaluate", "compare", "coach"),
    *("explain", "worked", "check", "inspect", "laws", "data", "doctor"),
)
HEAVY = ("torch", "numpy", "sympy", "plotly", "safetensors")


def test_the_menu_names_what_to_try_and_is_quick(tmp_path: Path) -> None:
    """Under 0.3 s of processor time, the interpreter's own start included: the clock on the wall depends on who else is busy."""
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(command(), cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 0.3
    assert done.stderr == ""
    for piece in ("elman demo", "elman explain", "elman train", "elman sample", "--help"):
        assert piece in done.stdout
    assert len(done.stdout.splitlines()) < 20


WATCH = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout

from elman.cli.main import main

told = {}
for words in json.loads(sys.argv[1]):
    sys.argv = ["elman", *words]
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as leave:
            code = leave.code or 0
    told[" ".join(words)] = [code, out.getvalue(), err.getvalue(), [m for m in HEAVY if m in sys.modules]]
print(json.dumps(told))
"""


def test_no_help_imports_torch(tmp_path: Path) -> None:
    """Every `--help`, the menu, the version and the list of recipes, in one process that looks at itself after each."""
    asked = [
        [],
        ["--help"],
        ["-h"],
        ["--version"],
        *([verb, "--help"] for verb in VERBS),
        ["recipes"],
        ["recipes", "--json"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", f"HEAVY = {HEAVY}\n{WATCH}", json.dumps(asked)],
        cwd=tmp_path, env=environment(COLUMNS="100"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert len(told) == len(asked)
    for words, (code, out, err, heavy) in told.items():
        assert (code, err, heavy) == (0, "", []), words
        assert out.strip(), words
    for verb in VERBS:
        assert verb in told["--help"][1]
        assert "--help" in told[f"{verb} --help"][1]
    for option in (
        "--set",
        "--data",
        "--run",
        "--epochs",
        "--minutes",
        "--seed",
        "--size",
        "--cell",
        "--resume",
        "--json",
    ):
        assert option in told["train --help"][1]
    for option in (
        "--prompt",
        "--length",
        "--temperature",
        "--top-k",
        "--top-p",
        "--count",
        "--category",
        "--seed",
        "--json",
    ):
        assert option in told["sample --help"][1]
    assert told["--version"][1].startswith("elman ")


def test_the_package_itself_imports_nothing_heavy(tmp_path: Path) -> None:
    code = f"import sys, elman, elman.errors, elman.cli.main\nassert not [m for m in {HEAVY} if m in sys.modules]"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), check=True)


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_says_what_it_does(verb: str, elman: Callable[..., Said]) -> None:
    said = elman(verb, "--help")
    assert said.code == 0
    assert said.err == ""
    assert f"elman {verb}" in said.out


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    """`elman recipes names | head -1`: no traceback."""
    process = subprocess.Popen(
        command("explain", "lstm", "--gradients"),
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    process.wait(60)
    assert "Traceback" not in error
    assert "Exception" not in error


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_terminal_that_knows_few_letters(encoding: str, home: Path) -> None:
    """Windows pipes are cp1252, some containers ASCII: equations and names come out with substitutes rather than not at all."""
    said = run("explain", "lstm", cwd=home, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert "Traceback" not in said.err
    assert said.code == 0
    assert "tanh" in said.out
