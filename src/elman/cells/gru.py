"""Gated recurrent unit, reset after the recurrent product (torch, cuDNN)."""

from __future__ import annotations

from typing import Any

from elman.cells.cell import Cell
from elman.cells.functions import sigmoid, tanh


class GRU(Cell):
    """The state is a moving mean of itself and a candidate n; z says how much of the old one stays.

        r_t = σ(W_ir x_t + b_ir + W_hr h_{t-1} + b_hr)
        z_t = σ(W_iz x_t + b_iz + W_hz h_{t-1} + b_hz)
        n_t = tanh(W_in x_t + b_in + r_t (W_hn h_{t-1} + b_hn))
        h_t = (1 - z_t) n_t + z_t h_{t-1}

    Variant: `torch.nn.GRU` and cuDNN, gates in the order r, z, n; the reset gate acts after the recurrent product, its bias
    included, and z = 1 keeps the old state. Cho's original resets before the product: `gru-cho`.

    Source: Cho et al., Learning phrase representations using RNN encoder-decoder, EMNLP 2014 (arXiv 1406.1078), in the form of
    its first version and of cuDNN.
    """

    name = "gru"
    gates = ("r", "z", "n")
    state = ("h",)
    forget_gate = "z"

    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        """One step."""
        r, z = sigmoid(x.r + h.r), sigmoid(x.z + h.z)
        n = tanh(x.n + r * h.n)
        return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * s.h}
