"""What `Recurrent.record` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence


@dataclass(frozen=True)
class Recording:
    """Everything that layers computed over an input.

    Attributes:
        output, state: as the module returns them.
        layers: `layers[l][d]["f"]` is quantity f of layer l in direction d (1: from each sequence's end) at every step, in the form
            of the input: [T, B, H], [B, T, H], [T, H] or a `PackedSequence`. The names are those of the cell's equations, in their
            order; the new states are among them. Step t of direction 1 is what was computed at input t.
        engine: that ran.
        reason: why that one.
    """

    output: Tensor | PackedSequence
    state: Any
    layers: tuple[tuple[dict[str, Tensor | PackedSequence], ...], ...]
    engine: str
    reason: str
