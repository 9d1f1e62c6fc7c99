"""Minimal gated unit."""

from __future__ import annotations

from typing import Any

from elman.cells.cell import Cell
from elman.cells.functions import sigmoid, tanh


class MGU(Cell):
    """A GRU with one gate, which resets and updates.

        f_t = σ(W_if x_t + b_if + W_hf h_{t-1} + b_hf)
        n_t = tanh(W_in x_t + b_in + W_hn (f_t h_{t-1}) + b_hn)
        h_t = (1 - f_t) h_{t-1} + f_t n_t

    Variant: as published, f = 0 keeps the old state and the gate acts before the recurrent product. That product in mid-step
    makes it a cell for the loop engine.

    Source: Zhou, Wu, Zhang and Zhou, Minimal gated unit for recurrent neural networks, 2016 (arXiv 1603.09420), equation 8.
    """

    name = "mgu"
    gates = ("f", "n")
    state = ("h",)

    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        """One step."""
        f = sigmoid(x.f + h.f)
        n = tanh(x.n + h(f * s.h).n)
        return {"f": f, "n": n, "h": (1 - f) * s.h + f * n}
