"""The loss on data that is not trained on."""

from __future__ import annotations

from collections.abc import Callable

import torch

from elman.data import Batches
from elman.training.task import Task


@torch.no_grad()
def evaluate(task: Task, batches: Batches, after_batch: Callable[[], None] = lambda: None) -> tuple[float, int]:
    """Sum of nats and number of targets over all of `batches`, in their fixed order; the state is carried where they say so.

    Leaves the module in evaluation mode (no dropout).
    """
    task.module.eval()
    nats, count, state = 0.0, 0, None
    for key in batches.plan(None):
        batch = batches.batch(key)
        loss = task.loss(batch, state if batch.carry else None)
        nats, count, state = nats + loss.nats.item(), count + loss.count, loss.state
        after_batch()
    return nats, count
