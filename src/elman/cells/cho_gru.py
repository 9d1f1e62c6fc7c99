"""Gated recurrent unit, reset before the recurrent product (Cho 2014)."""

from __future__ import annotations

from typing import Any

from elman.cells.cell import Cell
from elman.cells.functions import sigmoid, tanh


class ChoGRU(Cell):
    """The GRU as published: the reset gate acts on the state before the recurrent product of the candidate.

        r_t = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)
        z_t = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)
        n_t = tanh(W_in x_t + b_in + W_hn (r_t h_{t-1}) + b_hn)
        h_t = (1 - z_t) n_t + z_t h_{t-1}

    Variant: z = 1 keeps the old state, as in equation 7 of the paper. Needs a matrix product in mid-step, so it runs on the loop engine.

    Source: Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014 (arXiv 1406.1078), equations 5 to 8.
    """

    name = "gru-cho"
    gates = ("r", "z", "n")
    state = ("h",)
    forget_gate = "z"

    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        """One step."""
        r, z = sigmoid(x.r + h.r), sigmoid(x.z + h.z)
        n = tanh(x.n + h(r * s.h).n)
        return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * s.h}
