"""How long the work took. Kept apart from metrics.jsonl, which is the same for every run of the same recipe."""

from __future__ import annotations

import time

from elman.storage import LineLog


class Stretch:
    """A stretch of work: an epoch, or the part of one between two interruptions. Each leaves a row in timing.jsonl."""

    def __init__(self, log: LineLog) -> None:
        self.log = log
        self.began = time.monotonic()
        self.symbols = 0

    def close(self, epoch: int) -> None:
        """Write the row, start the next stretch. Where nothing was trained on, there is none."""
        if self.symbols == 0:
            return
        now = time.monotonic()
        self.log.append({"epoch": epoch, "seconds": round(now - self.began, 3), "symbols": self.symbols})
        self.began, self.symbols = now, 0
