"""How far reading is: nothing in the first two seconds, then a bar on a terminal, or a line every few seconds elsewhere."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

T = TypeVar("T")

QUIET = 2.0
"""Seconds before anything is said."""
BETWEEN_LINES = 5.0


def watched(
    items: Iterable[T],
    doing: str,
    total: int | None = None,
    *,
    size: Callable[[T], int] = lambda _: 1,
    console: Console | None = None,
) -> Iterator[T]:
    """The items, unchanged; meanwhile standard error tells how many of `total` have gone by (or how much, by `size`)."""
    began, done = time.monotonic(), 0
    display: _Display | None = None
    try:
        for item in items:
            yield item
            done += size(item)
            if display is None:
                if time.monotonic() - began < QUIET:
                    continue
                display = _Display(console or Console(stderr=True), doing, total)
            display.show(done)
    finally:
        if display is not None:
            display.stop()


class _Display:
    def __init__(self, console: Console, doing: str, total: int | None) -> None:
        self.console, self.doing, self.total = console, doing, total
        self.shown = -math.inf
        self.interval = 0.1 if console.is_terminal else BETWEEN_LINES
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.bar.start()
        self.line = self.bar.add_task(doing, total=total)

    def show(self, done: int) -> None:
        now = time.monotonic()
        if now - self.shown < self.interval:
            return
        self.shown = now
        self.bar.update(self.line, completed=done)
        if not self.console.is_terminal:
            of = "" if self.total is None else f" of {self.total:,}"
            self.console.print(f"{self.doing}: {done:,}{of}", markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        self.bar.stop()
