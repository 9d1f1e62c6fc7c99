"""The loss on data that is not trained on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from elman.data import Batches
from elman.training.task import Task


@dataclass(frozen=True)
class Totals:
    """Sums over data: nats, targets, and how many of these were the likeliest (None where nobody asks)."""

    nats: float
    count: int
    correct: int | None = None

    def named(self, part: str) -> dict[str, float | int]:
        """For a row of metrics.jsonl: `part_nats`, `part_count`, and `part_correct` where it is known."""
        found = {f"{part}_nats": self.nats, f"{part}_count": self.count}
        return found if self.correct is None else {**found, f"{part}_correct": self.correct}


@torch.no_grad()
def evaluate(task: Task, batches: Batches, after_batch: Callable[[], None] = lambda: None) -> Totals:
    """The loss over all of `batches`, in their fixed order; the state is carried where they say so.

    Leaves the module in evaluation mode (no dropout).
    """
    task.module.eval()
    nats, count, correct, state = 0.0, 0, None, None
    for key in batches.plan(None):
        batch = batches.batch(key)
        loss = task.loss(batch, state if batch.carry else None)
        nats, count, state = nats + loss.nats.item(), count + loss.count, loss.state
        if loss.correct is not None:
            correct = (correct or 0) + loss.correct
        after_batch()
    return Totals(nats, count, correct)
