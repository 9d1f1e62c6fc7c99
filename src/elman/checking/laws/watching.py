"""What the recurrent parts of a module are given in a call: how large they take the batch to be, and whether one reads backwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import permutations
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from elman.nn import Recurrent

LAYERS = (nn.RNNBase, Recurrent)
CELLS = (nn.RNNCellBase, nn.Linear)
"""Called once a step in a loop over time."""


class Calls:
    """Inputs of layers and cells in one call of a module, each [T, B, I] with both orders of axes as they came."""

    def __init__(self) -> None:
        self.layers: list[tuple[Any, Tensor | PackedSequence]] = []
        self.cells: dict[int, list[Tensor]] = {}

    def keep(self, part: nn.Module, given: tuple[Any, ...]) -> None:
        """For a hook."""
        if not given:
            return
        if isinstance(part, LAYERS) and isinstance(given[0], (Tensor, PackedSequence)):
            self.layers.append((part, given[0]))
        elif isinstance(given[0], Tensor) and given[0].dim() == 2:
            self.cells.setdefault(id(part), []).append(given[0])

    def batches(self) -> set[int]:
        """Sizes that layers, and cells that are called once a step, took the batch to have."""
        found = set()
        for layer, given in self.layers:
            if isinstance(given, PackedSequence):
                found.add(int(given.batch_sizes[0]))
            elif given.dim() >= 2:
                found.add(given.shape[0 if layer.batch_first else 1])
        return found | {calls[0].shape[0] for calls in self.cells.values() if len(calls) > 1}

    def both_ways(self) -> bool:
        """Whether one part read the same steps as another, in the opposite order."""
        read = [s for layer, given in self.layers if (s := _by_step(layer, given)) is not None]
        read += [torch.stack(calls) for calls in self.cells.values() if len(calls) > 1 and _alike(calls)]
        return any(
            one.shape == other.shape and torch.equal(one, other.flip(0)) and not torch.equal(one, other)
            for one, other in permutations(read, 2)
        )


@contextmanager
def watched_calls(module: nn.Module) -> Iterator[Calls]:
    """Keeps what the layers and cells of a module are given."""
    calls = Calls()
    hooks = [m.register_forward_pre_hook(calls.keep) for m in module.modules() if isinstance(m, (*LAYERS, *CELLS))]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def _by_step(layer: Any, given: Tensor | PackedSequence) -> Tensor | None:
    if isinstance(given, PackedSequence):
        batch = int(given.batch_sizes[0])
        even = bool((given.batch_sizes == batch).all())
        return given.data.reshape(len(given.batch_sizes), batch, -1) if even else None
    return given.transpose(0, 1) if layer.batch_first and given.dim() == 3 else given


def _alike(calls: list[Tensor]) -> bool:
    return all(c.shape == calls[0].shape for c in calls)
