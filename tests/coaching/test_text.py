"""Findings in the terminal and on the page, and the verb that reads them."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import pytest
from rich.console import Console

from elman.cli.main import main
from elman.coaching import NOTHING, Finding, print_advice
from elman.reports.advice import advice_section

FOUND = Finding(
    symptom="rate too high", sentence="The steps are too long.", figure="loss 1 & 2 <b> [red]\x1b[31m", option="training.rate=0.1",
    severity="serious",
)  # fmt: skip
QUIET = FOUND.model_copy(update={"option": None, "severity": "slight", "symptom": "dead units"})


def printed(findings: list[Finding]) -> str:
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    print_advice(findings, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_in_the_terminal() -> None:
    text = printed([FOUND, QUIET])
    assert text.index("rate too high") < text.index("dead units")
    assert text.count("try: --set training.rate=0.1") == 1
    assert "[red]" in text  # no markup
    assert "\x1b" not in text
    assert printed([]).strip() == NOTHING


def test_on_the_page() -> None:
    html = "\n".join(advice_section([FOUND, QUIET]))
    assert "<b>rate too high</b>" in html
    assert "1 &amp; 2 &lt;b&gt;" in html
    assert html.count("<code>--set training.rate=0.1</code>") == 1
    assert html.count("<li") == html.count("</li>") == 2
    assert "\x1b" not in html
    assert NOTHING in "\n".join(advice_section([]))


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["elman", *map(str, words)])
    code = 0
    try:
        main()
    except SystemExit as leave:
        code = int(leave.code or 0)
    return (code, *capsys.readouterr())


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "recipe.toml").write_text("")
    (folder / "results.json").write_text(json.dumps({"advice": [FOUND.model_dump()]}))
    return folder


def test_the_verb(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = said(monkeypatch, capsys, "coach", run)
    assert code == 0
    assert "try: --set training.rate=0.1" in out
    code, out, _ = said(monkeypatch, capsys, "coach", run, "--json")
    assert code == 0
    assert json.loads(out) == [FOUND.model_dump()]
    (run / "results.json").write_text('{"advice": []}')
    assert said(monkeypatch, capsys, "coach", run)[1].strip() == NOTHING


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "the training has not ended"),
        ("{}", "train it again"),
        ("[]", "train it again"),
        ("{", "results.json"),
        ('{"advice": 3}', "train it again"),
        ('{"advice": [{"symptom": 3}]}', "is damaged"),
        ('{"advice": ["x"]}', "is damaged"),
    ],
)
def test_what_can_not_be_read(
    content: str | None, sentence: str, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is None:
        (run / "results.json").unlink()
    else:
        (run / "results.json").write_text(content)
    code, out, err = said(monkeypatch, capsys, "coach", run)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_folder_that_is_no_run(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "nothing", tmp_path):
        code, _, err = said(monkeypatch, capsys, "coach", path)
        assert code == 2
        assert "it is no run folder" in err
    shutil.rmtree(run)
