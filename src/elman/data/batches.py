"""What the training loop sees of the data: batches of whole numbers with their lengths."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor


class Batch(NamedTuple):
    """B sequences of up to T steps, on the CPU.

    `targets` are what follows each input; of texts with labels, the class of each. Beyond a length inputs and targets are 0:
    that is padding and must not be counted.
    """

    inputs: Tensor  # [B, T] int64
    targets: Tensor  # [B, T] int64, or [B] for texts with labels
    lengths: Tensor  # [B] int64, each at least 1
    categories: Tensor | None  # [B] int64
    carry: bool  # start from the state in which the previous batch ended
    weights: Tensor | None = (
        None  # [B, T] float32: inputs are the features of a bag of words, and this is what each counts
    )


class Batches(Protocol):
    """One part of the data, cut into batches."""

    symbols: int
    """Targets in an epoch, padding not counted."""

    def plan(self, generator: torch.Generator | None) -> list[Any]:
        """The keys of an epoch's batches, in order (JSON can hold them); without a generator always the same."""

    def batch(self, key: Any) -> Batch:
        """The batch of one key."""


def windows(numbers: Tensor, starts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Inputs and targets `[B, T]` of B stretches of one long row of numbers.

    Row b has `numbers[starts[b] + t]` as input and the number after it as target for t < `lengths[b]`, and 0 beyond.
    """
    places, inside = _places(starts, lengths)
    return numbers[places] * inside, numbers[places + 1] * inside


def stretches(numbers: Tensor, starts: Tensor, lengths: Tensor) -> Tensor:
    """B stretches of one long row of numbers as `[B, T]`, with 0 beyond the length of each."""
    places, inside = _places(starts, lengths)
    return numbers[places] * inside


def _places(starts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Where in the row each position is, `[B, T]` (0 for those beyond a length), and which are inside."""
    steps = torch.arange(int(lengths.max()))
    inside = steps < lengths[:, None]
    return (starts[:, None] + steps) * inside, inside
