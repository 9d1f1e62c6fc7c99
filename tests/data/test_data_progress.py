"""Progress while data is read: nothing at first, then a line now and then, and never a word on standard output."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from elman.data import progress
from elman.data.progress import watched


class Clock:
    """Each look at it is a second later."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize("terminal", [False, True])
def test_it_speaks_after_two_seconds(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = io.StringIO()
    console = Console(file=said, force_terminal=terminal, width=100)
    monkeypatch.setattr(progress, "time", Clock())
    assert list(watched(range(20), "reading [x] (texts)", 20, console=console)) == list(range(20))
    assert "reading [x] (texts)" in said.getvalue()
    if not terminal:
        assert said.getvalue().splitlines()[0] == "reading [x] (texts): 2 of 20"
        assert len(said.getvalue().splitlines()) == 4
    assert capsys.readouterr() == ("", "")


def test_what_is_quick_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(watched("abc", "reading")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_leaving_early_puts_the_terminal_back(monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    console = Console(file=said, force_terminal=True)
    monkeypatch.setattr(progress, "time", Clock())
    going = watched(range(100), "reading", console=console, size=lambda item: item)
    for _ in range(10):
        next(going)
    going.close()
    assert said.getvalue().rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in said.getvalue()
