"""One step of training, from a batch to changed weights: forward, backward, clip, step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from elman.data import Batch
from elman.training.clipping import clip_by_norm, clip_by_value, global_norm
from elman.training.optimisers import set_rate
from elman.training.settings import TrainingSettings
from elman.training.task import Loss, Task


@dataclass(frozen=True)
class Applied:
    """A step that changed the weights."""

    nats: float
    count: int
    norm: float
    """Global norm of the gradient before clipping."""
    clipped: bool
    rate: float
    state: Any
    """The recurrent state after the batch."""
    correct: int | None
    read: int
    """Symbols that were read."""


@dataclass(frozen=True)
class Refused:
    """A step that changed nothing: here is the first tensor that was not finite, and what was in it."""

    tensor: str
    value: float


def train_step(
    task: Task, batch: Batch, state: Any, optimiser: torch.optim.Optimizer, settings: TrainingSettings, rate: float
) -> Applied | Refused:
    """Train on one batch. If the loss or any gradient is NaN or infinite, weights and optimiser stay as they are."""
    loss = task.loss(batch, state)
    optimiser.zero_grad()
    objective(loss, task.module, settings.l1).backward()  # type: ignore[no-untyped-call]

    gradients = [weight.grad for weight in task.module.parameters() if weight.grad is not None]
    nats, norm = loss.nats.item(), global_norm(gradients)
    if not (math.isfinite(nats) and math.isfinite(norm)):
        return culprit(nats, task.module)

    clipped = clip(gradients, norm, settings)
    set_rate(optimiser, rate)
    optimiser.step()
    read = loss.count if loss.read is None else loss.read
    return Applied(nats, loss.count, norm, clipped, rate, loss.state, loss.correct, read)


def objective(loss: Loss, module: torch.nn.Module, l1: float) -> torch.Tensor:
    """What is minimised: nats per target + λ Σ|w|. L2 is the optimiser's weight decay."""
    mean = loss.nats / loss.count
    if l1 == 0:
        return mean
    return mean + l1 * torch.stack([weight.abs().sum() for weight in module.parameters()]).sum()


def clip(gradients: list[torch.Tensor], norm: float, settings: TrainingSettings) -> bool:
    """Clip as the settings say; returns whether that changed anything."""
    if settings.clip_norm is not None:
        return clip_by_norm(gradients, norm, settings.clip_norm)
    if settings.clip_value is not None:
        return clip_by_value(gradients, settings.clip_value)
    return False


def culprit(nats: float, module: torch.nn.Module) -> Refused:
    """The first tensor that is not finite: the loss, or else the gradient of a named parameter."""
    if not math.isfinite(nats):
        return Refused("loss", nats)
    for name, weight in module.named_parameters():
        if weight.grad is not None and not (finite := weight.grad.isfinite()).all():
            return Refused(f"gradient of {name}", weight.grad[~finite][0].item())
    return Refused("global norm of the gradient", math.inf)
