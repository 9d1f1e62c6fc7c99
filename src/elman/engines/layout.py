"""One layer's call, in the layout that all torch engines share: rows of all steps below each other, with the batch size of each step.

A padded input [T, B, I] is T * B rows with T equal batch sizes; a `PackedSequence` is already in this form. So sequences of
different lengths cost nothing extra, and every engine has one path for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor


class LayerCall(NamedTuple):
    """What an engine needs to run one layer, both directions of it if there are two.

    Attributes:
        rows: inputs [sum of batch_sizes, I], step after step; of sequences of one length also
            [T, B, I], and then the outputs are [T, B, D * H].
        batch_sizes: sequences that are still running at each step, never growing.
        directions: for each direction the weights by torch.nn's name without layer suffix (`weight_ih`, ...).
        state: each initial state [directions, B, H], in the cell's order; empty for zeros.
        precision: "float32", or "bf16" for products of numbers rounded to bfloat16, with sums in float32; the fused engine has it.
        tokens: numbers [sum of batch_sizes], for the fused engine: `rows` is then a table, whose row tokens[n] holds W x_n + b of all
            directions side by side, and the directions have no `weight_ih` and `bias_ih`.
        kept: where an engine keeps what it can use again at this layer's next call.
        hidden_size: H, where no state tells.
    """

    rows: Tensor
    batch_sizes: list[int]
    directions: Sequence[Mapping[str, Tensor]]
    state: tuple[Tensor, ...]
    kept: dict[str, Any]
    precision: str = "float32"
    tokens: Tensor | None = None
    hidden_size: int = 0

    @property
    def units(self) -> int:
        """H."""
        return self.state[0].shape[-1] if self.state else self.hidden_size

    def spelled_out(self, states: int) -> LayerCall:
        """The same with rows of rank two, and with `states` states of zeros where there were none."""
        rows = self.rows.flatten(0, 1) if self.rows.dim() == 3 else self.rows
        full = (len(self.directions), *self.batch_sizes[:1], self.hidden_size)
        return self._replace(rows=rows, state=self.state or tuple(rows.new_zeros(full) for _ in range(states)))


class LayerResult(NamedTuple):
    """Outputs [rows, directions * H] in the input's layout, and each final state [directions, B, H]: at each sequence's own end."""

    rows: Tensor
    state: tuple[Tensor, ...]
