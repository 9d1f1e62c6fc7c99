"""Long short-term memory."""

from __future__ import annotations

from typing import Any

from elman.cells.cell import Cell
from elman.cells.functions import sigmoid, tanh


class LSTM(Cell):
    """A memory c that is changed only by forgetting (f) and adding (i g), and shown through an output gate (o).

        i_t = σ(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi)        f_t, o_t likewise
        g_t = tanh(W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)
        c_t = f_t c_{t-1} + i_t g_t
        h_t = o_t tanh(c_t)

    Variant: `torch.nn.LSTM`, gates in its order i, f, g, o, no peepholes.

    Source: Hochreiter and Schmidhuber, Long short-term memory, Neural Computation 9 (1997); the forget gate is of Gers,
    Schmidhuber and Cummins (2000).
    """

    name = "lstm"
    gates = ("i", "f", "g", "o")
    state = ("h", "c")
    forget_gate = "f"

    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        """One step."""
        i, f, o = sigmoid(x.i + h.i), sigmoid(x.f + h.f), sigmoid(x.o + h.o)
        g = tanh(x.g + h.g)
        c = f * s.c + i * g
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * tanh(c)}
