"""Many-to-one: what is read of the outputs of all steps, once a text has been read. Padding is never read."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence


class Pooling(nn.Module):
    """One vector for each sequence from its outputs o_1 ... o_T (T is its own length) and its final states.

    - last: the final state of every direction of the last layer: the state after the last real step, and for the backward
      direction after the first one;
    - mean: (1 / T) Σ o_t; max: the largest of each unit (Collobert and Weston 2008);
    - attention: Σ a_t o_t with a = softmax(vᵀ tanh(W o_t + b)) (Yang et al. 2016);
    - concat: last, mean and max side by side (Howard and Ruder 2018).

    Args:
        kind: one of these names.
        units: H. directions: D; outputs have D * H numbers.
    """

    def __init__(self, kind: str, units: int, directions: int) -> None:
        super().__init__()
        self.kind = kind
        self.directions = directions
        width = units * directions
        self.size = 3 * width if kind == "concat" else width
        self.score = nn.Linear(width, width, device="meta") if kind == "attention" else None
        self.query = nn.Parameter(torch.empty(width)) if kind == "attention" else None
        if self.score is not None and not torch.empty(0).is_meta:
            self.score.to_empty(device="cpu")

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Uniform between ±1/√(D H)."""
        for parameter in self.parameters():
            bound = 1 / math.sqrt(parameter.shape[-1])
            parameter.uniform_(-bound, bound, generator=generator)

    def forward(self, outputs: PackedSequence, final: Any) -> Tensor:
        """Pooled [B, size] from packed outputs and final states [L * D, B, H] (the first of them, where a cell has several)."""
        h = final[0] if isinstance(final, tuple) else final
        last = torch.cat(list(h[-self.directions :]), 1)
        if self.kind == "last":
            return last
        padded, lengths = pad_packed_sequence(outputs, batch_first=True)  # zeros beyond each length
        inside = torch.arange(padded.shape[1]) < lengths[:, None]
        if self.kind == "attention":
            return (self.attention(padded, inside)[:, :, None] * padded).sum(1)
        mean = padded.sum(1) / lengths[:, None].to(padded)
        if self.kind == "mean":
            return mean
        largest = padded.masked_fill(~inside[:, :, None], -math.inf).amax(1)
        return largest if self.kind == "max" else torch.cat([last, mean, largest], 1)

    def attention(self, outputs: Tensor, inside: Tensor) -> Tensor:
        """The weights a [B, T] of outputs [B, T, D * H]: they sum to 1 over the steps that are inside."""
        if self.score is None or self.query is None:
            raise ValueError(f"pooling {self.kind} has no attention")
        scores = torch.tanh(self.score(outputs)) @ self.query
        return scores.masked_fill(~inside, -math.inf).softmax(1)
