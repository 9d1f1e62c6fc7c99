"""The progress display, on a terminal and without one."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from training_toy import SETTINGS, train

from elman.training import ProgressListener, TrainingSettings


def shown(*, terminal: bool, settings: TrainingSettings = SETTINGS, path: Path, **more: Any) -> str:
    console = Console(file=StringIO(), force_terminal=terminal, width=100)
    listener = ProgressListener(console, **more)
    train(path, settings, listener=listener)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_plain_lines(tmp_path: Path) -> None:
    lines = shown(terminal=False, path=tmp_path, seconds_between_lines=0.0).splitlines()
    assert len(lines) == 24 + 3
    assert lines[0].startswith("epoch 1/3, step 1/24: loss ")
    assert all(word in lines[-2] for word in ("epoch 3/3, step 24/24", "loss", "val", "rate", "/s", "left"))
    assert lines[-1].startswith("epoch 3  val 1.")
    assert "[" in lines[-1]  # the toy's samples look like lists: no markup is read out of them


def test_lines_are_rare(tmp_path: Path) -> None:
    assert len(shown(terminal=False, path=tmp_path, seconds_between_lines=60).splitlines()) == 3


def test_the_bar_leaves_the_cursor_visible(tmp_path: Path) -> None:
    text = shown(terminal=True, path=tmp_path)
    assert "epoch 3/3" in text
    assert "val 1." in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_time_left_ends_with_the_minutes() -> None:
    listener = ProgressListener(Console(file=StringIO()))
    listener.started(TrainingSettings(epochs=100, minutes=2), batches=1000, step=0)
    assert listener._left(10, listener.began + 60) == "1:00"
    assert listener._left(10, listener.began + 200) == "0:00"
    listener.started(TrainingSettings(epochs=1), batches=1000, step=500)
    assert listener._left(750, listener.began + 30) == "0:30"


def test_a_sample_does_not_steer_the_terminal() -> None:
    console = Console(file=StringIO())
    listener = ProgressListener(console)
    row = {"epoch": 1, "validation_nats": 2.0, "validation_count": 1}
    listener.epoch_ended(row, ["a\x1b[2Jb", "[red]c[/red]", "Zoë"])
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue() == "epoch 1  val 2.000  a\N{REPLACEMENT CHARACTER}[2Jb, [red]c[/red], Zoë\n"


def test_a_refused_step_is_shown() -> None:
    console = Console(file=StringIO())
    ProgressListener(console).nonfinite({"step": 7, "tensor": "gradient of head.bias", "value": "nan"})
    assert isinstance(console.file, StringIO)
    assert console.file.getvalue() == "step 7: the gradient of head.bias is nan; this step was not applied\n"
