"""minGRU: a GRU whose gates see the input only."""

from __future__ import annotations

from typing import Any

from elman.cells.cell import Cell
from elman.cells.functions import sigmoid


class MinGRU(Cell):
    """Gate and candidate depend on the input alone, so the recurrence is linear in the state and has no matrix.

        z_t = σ(W_iz x_t + b_iz)
        n_t = W_in x_t + b_in
        h_t = (1 - z_t) h_{t-1} + z_t n_t

    Variant: the plain form (no log-space, no positive candidate); z = 1 takes the new value, as in the paper.

    Source: Feng et al., Were RNNs all we needed?, 2024 (arXiv 2410.01201), section 3.1.
    """

    name = "mingru"
    gates = ("z", "n")
    state = ("h",)

    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        """One step."""
        z = sigmoid(x.z)
        n = x.n
        return {"z": z, "n": n, "h": (1 - z) * s.h + z * n}
