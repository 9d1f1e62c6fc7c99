"""What the loop needs to know of a problem: a module with parameters, and the loss of a batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from elman.data import Batch


@dataclass(frozen=True)
class Loss:
    """The loss of one batch, as a sum and a count: averages of averages are never taken."""

    nats: torch.Tensor
    """Sum of -ln p over the real targets (padding left out), a scalar with its graph."""
    count: int
    """How many targets that is."""
    state: Any = None
    """The recurrent state after the last step: a tensor, a tuple of states, or None."""
    correct: int | None = None
    """How many targets were the likeliest; None where nobody asks."""
    read: int | None = None
    """How many symbols were read; None: as many as there are targets."""


class Task(Protocol):
    """A model and what it is asked."""

    @property
    def module(self) -> torch.nn.Module:
        """Whose parameters are trained; its `state_dict()` is what `model.safetensors` holds."""

    def loss(self, batch: Batch, state: Any) -> Loss:
        """The loss of `batch`, from `state` (None: the initial one)."""
