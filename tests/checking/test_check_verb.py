"""`elman check`: exit codes, JSON, starters, and a class of submissions."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from elman.checking.worksheets import WORKSHEETS, worksheet
from elman.cli.main import main


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Elman = Callable[..., Said]


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Elman:
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["elman", "check", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as leave:
            code = leave.code if isinstance(leave.code, int) else 0
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Said(code, out, err)

    return call


def test_the_list(verb: Elman) -> None:
    said = verb("--list")
    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines() if line[:1].strip()][: len(WORKSHEETS)]
    assert {row["name"] for row in json.loads(verb("--list", "--json").out)} == set(WORKSHEETS)
    assert all(name in said.out for name in WORKSHEETS)


def test_from_the_starter_to_the_solution(verb: Elman, tmp_path: Path) -> None:
    said = verb("--start", "vanilla-rnn")
    assert said.code == 0
    assert "h_t = tanh" in said.out
    starter = (tmp_path / "vanilla_rnn.py").read_text()
    assert starter.startswith("# worksheet: vanilla-rnn\n")
    assert "class VanillaRNN" in starter
    assert verb("--start", "vanilla-rnn").code == 2, "the student's work is not overwritten"
    assert (tmp_path / "vanilla_rnn.py").read_text() == starter
    said = verb("vanilla_rnn.py")
    assert said.code == 1
    assert "still waits for code" in said.out
    (tmp_path / "vanilla_rnn.py").write_text(worksheet("vanilla-rnn").solution)
    said = verb("vanilla_rnn.py", "--seed", 3)
    assert (said.code, said.err) == (0, "")
    assert said.out == verb("vanilla_rnn.py", "--seed", 3).out
    assert "3 of 3 right" in said.out
    document = json.loads(verb("vanilla_rnn.py", "--json", "--solution").out)
    assert document["right"] is True
    assert "tanh" in document["solution"]


def test_other_forms(verb: Elman, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(worksheet("bag-of-words").solution.replace("sorted(", "list("))
    said = verb("a.py", "--format", "otter", "--results", "results.json")
    assert said.code == 1
    assert "q2 (a text with repeated words) results: All test cases passed!" in said.out
    results = json.loads((tmp_path / "results.json").read_text())
    assert [t["status"] for t in results["tests"]] == ["failed", "passed", "passed"]
    assert sum(t["score"] for t in results["tests"]) == 2
    assert "explanation" in verb("--solution", "--worksheet", "bag-of-words", "--json").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("none.py", "can't be read"),
        ("other.py", "it defines nothing that a worksheet asks for"),
        ("marked.py", "there are: "),
        ("other.py --worksheet nonsense", "there is no worksheet"),
        ("--start nonsense", "there is no worksheet"),
        ("", "--list shows the worksheets"),
        ("other.py --list", "give one of"),
        ("binary.py", "not UTF-8"),
        ("zero.py", "zero byte"),
        (".", "can't be read"),
        ("other.py --format html", "unknown format"),
        ("--submissions nowhere --out g.csv", "there is no folder"),
        ("--submissions empty --out g.csv", "no submissions"),
        ("--submissions empty", "--out"),
        ("other.py --settings bad.toml", "secnods"),
        ("other.py --settings broken.toml", "not valid TOML"),
    ],
)
def test_what_is_not_a_worksheet_is_one_sentence(words: str, says: str, verb: Elman, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("x = 1\n")
    (tmp_path / "marked.py").write_text("# worksheet: nonsense\n")
    (tmp_path / "binary.py").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "zero.py").write_bytes(b"x = 1\0")
    (tmp_path / "bad.toml").write_text("secnods = 3\n")
    (tmp_path / "broken.toml").write_text("seconds = \n")
    (tmp_path / "empty").mkdir()
    said = verb(*words.split())
    assert said.code == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 1
    assert says in said.err


def test_a_file_that_is_not_python_yet(verb: Elman, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("# worksheet: rnn-step\nclass RNN\n")
    said = verb("a.py")
    assert said.code == 1
    assert "not Python yet: line 2" in said.out


SETTINGS = """\
seconds = 1
seed = 5

[points]
rnn-step = 9

[points.bag-of-words]
"the vocabulary of four texts" = 4
"""


def rows(path: Path) -> dict[str, dict[str, str]]:
    with path.open(newline="") as stream:
        return {row["student"]: row for row in csv.DictReader(stream)}


def test_a_class(verb: Elman, tmp_path: Path) -> None:
    """Good, wrong, empty, hostile, unreadable: everybody gets a row."""
    folder = tmp_path / "class"
    (folder / "dora").mkdir(parents=True)
    (folder / "__pycache__").mkdir()
    step, bag = worksheet("rnn-step"), worksheet("bag-of-words")
    files = {
        "anna.py": step.solution_file(),
        "ben.py": step.solution.replace("np.dot(self.W_hh, self.h)", "np.dot(self.h, self.W_hh)"),
        "carl.py": step.starter_file(),
        "dora/homework.py": bag.solution.replace("sorted(", "list("),
        "eve.py": "# worksheet: rnn-step\nimport os\nos._exit(0)\n",
        "fred.py": "# worksheet: rnn-step\nwhile True: pass\n",
        "=gina.py": "print('hello')\n",
        "notes.md": "not a submission",
        "__pycache__/anna.py": "not a submission",
        ".hidden.py": "not a submission",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "hans.py").write_bytes(b"\xff\xfe")
    (folder / "ivan.py").symlink_to(folder / "anna.py")
    os.mkfifo(folder / "jane.py")
    (folder / "karl").mkdir()
    (folder / "karl" / "notebook.ipynb").write_text("{}")
    long_name = "lena" * 63
    (folder / f"{long_name}.PY").write_text(files["carl.py"])
    (tmp_path / "check.toml").write_text(SETTINGS)
    said = verb(
        "--submissions", folder, "--out", "grades.csv", "--settings", "check.toml", "--results", "results", "--json"
    )
    assert said.code == 0
    grades = rows(tmp_path / "grades.csv")
    assert set(grades) == {
        "anna",
        "ben",
        "carl",
        "dora",
        "eve",
        "fred",
        "'=gina",
        "hans",
        "ivan",
        "jane",
        "karl",
        long_name,
    }
    points = {name: (row["points"], row["of"]) for name, row in grades.items()}
    assert points["anna"] == ("9", "9")
    assert points["ben"] == points["carl"] == points["eve"] == points["fred"] == ("0", "9")
    assert points["dora"] == ("2", "6")
    assert grades["ben"]["mistakes"] == "recurrent-transposed"
    assert "which worksheet" in grades["'=gina"]["problem"]
    assert "UTF-8" in grades["hans"]["problem"]
    assert "is a link" in grades["ivan"]["problem"]
    assert "is a pipe or a device" in grades["jane"]["problem"]
    assert "no file that ends with .py or .txt" in grades["karl"]["problem"]
    document: dict[str, Any] = json.loads(said.out)
    assert document["seed"] == 5
    assert {m["mistake"]: m["count"] for m in document["mistakes"]}["recurrent-transposed"] == 1
    written = sorted(p.parent.name for p in (tmp_path / "results").rglob("results.json"))
    assert len(written) == 7
    scores = json.loads((tmp_path / "results" / written[0] / "results.json").read_text())
    assert sum(t["max_score"] for t in scores["tests"]) == pytest.approx(9)
    plain = verb("--submissions", folder, "--out", "grades.csv", "--settings", "check.toml")
    assert "12 submissions, 1 right, 5 could not be judged (seed 5)" in plain.out
    assert "recurrent-transposed" in plain.out


def test_points_for_a_question_that_is_not_there(verb: Elman, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(worksheet("bag-of-words").solution_file())
    (tmp_path / "check.toml").write_text('[points.bag-of-words]\n"the moon" = 3\n')
    said = verb("a.py", "--settings", "check.toml")
    assert said.code == 2
    assert "there is no question 'the moon'" in said.err


def test_a_class_that_is_interrupted_keeps_its_grades(
    verb: Elman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at the third submission: the grades of the first two are in the table, their results in the folder."""
    from elman.checking import grading

    (tmp_path / "class").mkdir()
    for name in "abcd":
        (tmp_path / "class" / f"{name}.py").write_text(worksheet("bag-of-words").solution_file())
    judged: list[Path] = []
    check = grading.check

    def check_two(path: Path, *rest: Any, **named: Any) -> Any:
        if len(judged) == 2:
            raise KeyboardInterrupt
        judged.append(path)
        return check(path, *rest, **named)

    monkeypatch.setattr(grading, "check", check_two)
    said = verb("--submissions", "class", "--out", "grades.csv", "--results", "results")
    assert said.code == 130
    assert set(rows(tmp_path / "grades.csv")) == {"a", "b"}
    assert len(list((tmp_path / "results").rglob("results.json"))) == 2


def test_results_into_a_folder_that_cannot_be_made(verb: Elman, tmp_path: Path) -> None:
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "a.py").write_text(worksheet("bag-of-words").solution_file())
    (tmp_path / "file").write_text("in the way")
    said = verb("--submissions", "class", "--out", "grades.csv", "--results", "file/results")
    assert said.code == 2
    assert "can't be made" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("# worksheet: ../../etc/passwd", "says `# worksheet: ../../etc/passwd`; there are: "),
        ("# worksheet: rnn-stepp (mine)", "says `# worksheet: rnn-stepp`; there are: "),
        ("# worksheet:", "which worksheet is this?"),
        ("x = " + "(" * 99 + "1" + ")" * 99 + "\ny = " + "-" * 99_999 + "1", "which worksheet is this?"),
    ],
)
def test_a_file_that_does_not_say_which_worksheet_it_is(mark: str, says: str, verb: Elman, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"{mark}\nimport os\n")
    said = verb("a.py")
    assert said.code == 2
    assert says in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("nested", ["-" * 99_999 + "1", "lambda: " * 20_000 + "0", "a" + ".b" * 99_999])
def test_what_is_nested_too_deeply_is_told(nested: str, verb: Elman, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(f"# worksheet: rnn-step\nx = {nested}\n")
    said = verb("a.py")
    assert said.code == 1
    assert "nested too deeply" in said.out


def test_a_pipe_is_no_submission(verb: Elman, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.py")
    (tmp_path / "b.py").symlink_to("/dev/zero")
    for name in ("a.py", "b.py"):
        said = verb(name, "--worksheet", "rnn-step")
        assert said.code == 2
        assert "is a pipe or a device; a submission is a file" in said.err
