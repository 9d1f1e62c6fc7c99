"""How far a comparison is: a line before everything that takes time, on standard error, with the time that is left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console

from elman.reports.wording import duration, visible


class Progress:
    """Counts runs; what one of a row took, the others of that row will take, and rows not yet seen as much as those seen.

    Args:
        runs: rows by title, one entry for each seed, in the order in which they are trained.
        console: where to; None: standard error.
        quiet: say nothing.
    """

    def __init__(self, runs: Sequence[str], console: Console | None = None, *, quiet: bool = False) -> None:
        self.left = list(runs)
        self.total = len(runs)
        self.console = console or Console(stderr=True, quiet=quiet)
        self.taken: dict[str, list[float]] = defaultdict(list)

    def begins(self, title: str, seed: int) -> None:
        """A run is trained now, or goes on."""
        seconds = self.estimate()
        left = "" if seconds is None else f"; about {duration(seconds)} left"
        self.say(f"run {self.total - len(self.left) + 1} of {self.total}: {title}, seed {seed}{left}")

    def ended(self, title: str, seconds: float) -> None:
        """A run is there, now or from before; its training took so long."""
        self.left.remove(title)
        self.taken[title].append(seconds)

    def estimate(self) -> float | None:
        """Seconds of training that are left; None while nothing is known."""
        known = [seconds for row in self.taken.values() for seconds in row]
        if not known:
            return None
        mean = sum(known) / len(known)
        return sum(sum(row) / len(row) if (row := self.taken.get(title)) else mean for title in self.left)

    def say(self, line: str) -> None:
        """A line of its own."""
        self.console.print(visible(line), markup=False, highlight=False, soft_wrap=True)
