"""Long short-term memory with peephole connections."""

from __future__ import annotations

from typing import Any

from elman.cells.cell import Cell
from elman.cells.functions import sigmoid, tanh


class PeepholeLSTM(Cell):
    """An LSTM whose gates also see the memory, each unit its own.

        i_t = σ(W_ii x_t + b_ii + W_hi h_{t-1} + b_hi + p_i c_{t-1})        f_t likewise
        g_t = tanh(W_ig x_t + b_ig + W_hg h_{t-1} + b_hg)
        c_t = f_t c_{t-1} + i_t g_t
        o_t = σ(W_io x_t + b_io + W_ho h_{t-1} + b_ho + p_o c_t)
        h_t = o_t tanh(c_t)

    Variant: the output gate sees the new memory, the two others the old one; p is one number a unit (a diagonal matrix).

    Source: Gers, Schraudolph and Schmidhuber, Learning precise timing with LSTM recurrent networks, JMLR 3 (2002).
    """

    name = "lstm-peephole"
    gates = ("i", "f", "g", "o")
    state = ("h", "c")
    vectors = ("i", "f", "o")
    forget_gate = "f"

    def step(self, x: Any, h: Any, s: Any, p: Any) -> dict[str, Any]:
        """One step."""
        i = sigmoid(x.i + h.i + p.i * s.c)
        f = sigmoid(x.f + h.f + p.f * s.c)
        g = tanh(x.g + h.g)
        c = f * s.c + i * g
        o = sigmoid(x.o + h.o + p.o * c)
        return {"i": i, "f": f, "g": g, "c": c, "o": o, "h": o * tanh(c)}
