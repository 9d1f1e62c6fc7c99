"""Progress on the terminal: a live bar, or a plain line every few seconds where standard error goes to a file or a pipe."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from elman.training.settings import TrainingSettings


class ProgressListener:
    """Shows loss, validation, learning rate, speed and time left; and samples as they come."""

    def __init__(self, console: Console | None = None, seconds_between_lines: float = 5.0) -> None:
        self.console = console or Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.fields[epoch]}"),
            BarColumn(bar_width=None),
            TextColumn("{task.description}"),
            console=self.console,
            expand=True,
            disable=not self.console.is_terminal,
        )
        self.interval = 0.1 if self.console.is_terminal else seconds_between_lines
        self.validation = ""

    def started(self, settings: TrainingSettings, batches: int, step: int) -> None:
        """Show an empty bar."""
        self.settings, self.batches, self.first = settings, batches, step
        self.total = settings.epochs * batches
        self.symbols = 0
        self.began = self.shown = time.monotonic()
        self.bar.start()
        self.console.show_cursor(
            True
        )  # Rich hides it, and a second Ctrl-C leaves at once, with no chance to bring it back
        self.line = self.bar.add_task("starting", total=self.total, completed=step, epoch=self._epoch(step))
        if step:
            self._print(f"resumed after step {step:,} of {self.total:,}")

    def stepped(self, step: int, loss: float, rate: float, symbols: int) -> None:
        """Show where it is, not too often."""
        self.symbols += symbols
        self.latest = step, loss, rate
        if time.monotonic() - self.shown >= self.interval:
            self._show()

    def nonfinite(self, row: Mapping[str, Any]) -> None:
        """Say which batch was left out, and why."""
        self._print(f"step {row['step']}: the {row['tensor']} is {row['value']}; this step was not applied")

    def epoch_ended(self, row: Mapping[str, Any], samples: Sequence[str]) -> None:
        """Keep the validation loss for the bar; show the samples."""
        if row["validation_nats"] is not None and row["validation_count"]:
            self.validation = f"  val {row['validation_nats'] / row['validation_count']:.3f}"
            if "validation_correct" in row:
                self.validation += f" ({row['validation_correct'] / row['validation_count']:.1%} right)"
        if "validation_correct" in row:
            self._print(f"epoch {row['epoch']}{self.validation}")
        if samples:
            between = "\n" if any("\n" in text for text in samples) else ", "
            self._print(f"epoch {row['epoch']}{self.validation}  {between.join(samples)}")

    def ended(self) -> None:
        """Leave the terminal as it was."""
        if self.console.is_terminal and self.symbols:
            self._show()
        self.bar.stop()

    def _show(self) -> None:
        self.shown = now = time.monotonic()
        step, loss, rate = self.latest
        speed = self.symbols / (now - self.began)
        figures = (
            f"loss {loss:.3f}{self.validation}  rate {rate:.2g}  {speed / 1000:,.1f}k/s  {self._left(step, now)} left"
        )
        if self.console.is_terminal:
            self.bar.update(self.line, completed=step, description=figures, epoch=self._epoch(step))
        else:
            self._print(f"{self._epoch(step)}, step {step:,}/{self.total:,}: {figures}")

    def _epoch(self, step: int) -> str:
        return f"epoch {max(math.ceil(step / self.batches), 1)}/{self.settings.epochs}"

    def _left(self, step: int, now: float) -> str:
        """Time until the epochs or the minutes are used up, whichever comes first, as minutes:seconds."""
        seconds = (now - self.began) / max(step - self.first, 1) * (self.total - step)
        if self.settings.minutes is not None:
            seconds = min(seconds, max(60 * self.settings.minutes - (now - self.began), 0))
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes}:{rest:02}"

    def _print(self, text: str) -> None:
        """Samples are shown as they are, except for control characters: a model's text must not steer the terminal."""
        visible = "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text)
        self.console.print(visible, markup=False, highlight=False, soft_wrap=True)
