"""What the logs of a training hold, with types: rows of metrics.jsonl and timing.jsonl. Losses are sums and counts."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict

from elman.training.scores import Score


class Contents(BaseModel):
    """Something read from a file; what a later version adds is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Norms(Contents):
    """Global norms of the gradient over an epoch's steps, before clipping."""

    median: float
    max: float


class Epoch(Contents):
    """A row of metrics.jsonl that closes an epoch, or ("stop") the part of one that was done. `test_*`: where it is watched."""

    kind: Literal["epoch", "stop"]
    epoch: int
    step: int
    train_nats: float | None
    train_count: int
    train_correct: int | None = None
    validation_nats: float | None
    validation_count: int
    validation_correct: int | None = None
    test_count: int = 0
    test_correct: int = 0
    rate: float | None = None
    gradient_norm: Norms | None = None
    clipped: int = 0
    skipped: int = 0
    best: bool = False

    @property
    def training(self) -> Score | None:
        """While the weights changed; None if nothing was trained or it was not finite."""
        return _score(self.train_nats, self.train_count)

    def accuracy(self, part: Literal["training", "validation"]) -> float | None:
        """Share that was told right; None for models that don't classify."""
        correct, count = {
            "training": (self.train_correct, self.train_count),
            "validation": (self.validation_correct, self.validation_count),
        }[part]
        return None if correct is None or not count else correct / count

    @property
    def validation(self) -> Score | None:
        """With the weights at the end."""
        return _score(self.validation_nats, self.validation_count)


class Refused(Contents):
    """A row of metrics.jsonl about a step that was not applied, since `tensor` was not finite."""

    epoch: int
    step: int
    batch: int
    tensor: str
    value: str


class Stretch(Contents):
    """A row of timing.jsonl."""

    seconds: float


def _score(nats: float | None, count: int) -> Score | None:
    return Score(nats, count) if nats is not None and math.isfinite(nats) and count else None
