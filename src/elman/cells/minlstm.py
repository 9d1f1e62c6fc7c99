"""minLSTM: an LSTM whose gates see the input only."""

from __future__ import annotations

from typing import Any

from elman.cells.cell import Cell
from elman.cells.functions import sigmoid, softplus


class MinLSTM(Cell):
    """Forget and input gate depend on the input alone and are scaled to sum to one.

        f_t = σ(k_f) / (σ(k_f) + σ(k_i)) = σ(softplus(-k_i) - softplus(-k_f)),   k_f = W_if x_t + b_if,  k_i = W_ii x_t + b_ii
        n_t = W_in x_t + b_in
        h_t = f_t h_{t-1} + (1 - f_t) n_t

    Variant: the time-independent form; the quotient is written with softplus, which does not become 0 / 0 where both gates close.

    Source: Feng et al., Were RNNs all we needed?, 2024 (arXiv 2410.01201), section 3.2 and appendix B.
    """

    name = "minlstm"
    gates = ("i", "f", "n")
    state = ("h",)
    forget_gate = "f"

    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        """One step."""
        f = sigmoid(softplus(-x.i) - softplus(-x.f))
        n = x.n
        return {"f": f, "n": n, "h": f * s.h + (1 - f) * n}
