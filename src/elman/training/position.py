"""Where a training stands: all that the loop remembers besides weights, optimiser and generators."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from torch import Tensor

from elman.training.evaluation import Totals
from elman.training.schedules import Plateau
from elman.training.step import Applied


@dataclass
class EpochSums:
    """What the running epoch has added up so far."""

    nats: float = 0.0
    count: int = 0
    correct: int | None = None
    norms: list[float] = field(default_factory=list)
    clipped: int = 0
    skipped: int = 0
    rate: float = 0.0
    """Of the last step."""

    def add(self, step: Applied) -> None:
        """One more step."""
        self.nats += step.nats
        self.count += step.count
        if step.correct is not None:
            self.correct = (self.correct or 0) + step.correct
        self.norms.append(step.norm)
        self.clipped += step.clipped
        self.rate = step.rate

    def figures(self) -> dict[str, Any]:
        """For a row of metrics.jsonl. The norms are those before clipping."""
        return {
            **Totals(self.nats, self.count, self.correct).named("train"),
            "rate": self.rate,
            "gradient_norm": {"median": median(self.norms), "max": max(self.norms)} if self.norms else None,
            "clipped": self.clipped,
            "skipped": self.skipped,
        }


@dataclass
class Position:
    """A training can be stopped after any step and go on from here, bit for bit."""

    shuffle: Tensor
    """State of the shuffle generator before the epoch's plan was drawn: on resume the plan is drawn again."""
    epoch: int = 0
    """Finished epochs."""
    batch: int = 0
    """Finished batches of the running epoch."""
    step: int = 0
    """Finished batches in all, skipped ones included."""
    skips: int = 0
    """Batches that were left out in all, because something was not finite."""
    best: float | None = None
    """Lowest validation loss so far, nats per target."""
    stale: int = 0
    """Epochs since then."""
    plateau: Plateau = field(default_factory=Plateau)
    sums: EpochSums = field(default_factory=EpochSums)
    carry: Any = None
    """Recurrent state after the last batch, detached."""

    def judge(self, nats: float | None, count: int) -> bool:
        """Whether this validation is the best so far. A loss that was not finite (None) never is; without data, each one is."""
        if count == 0:
            return True
        loss = None if nats is None else nats / count
        improved = loss is not None and (self.best is None or loss < self.best)
        self.best = loss if improved else self.best
        self.stale = 0 if improved else self.stale + 1
        return improved

    def next_epoch(self, shuffle: Tensor) -> None:
        """Close the running epoch."""
        self.epoch += 1
        self.batch = 0
        self.sums = EpochSums()
        self.shuffle = shuffle
