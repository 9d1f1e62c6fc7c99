"""Independently recurrent neural network."""

from __future__ import annotations

from typing import Any

from elman.cells.cell import Cell
from elman.cells.functions import relu


class IndRNN(Cell):
    """Each unit remembers itself alone, by one weight u; units meet only between layers.

        h_t = relu(W_ih x_t + b_ih + u h_{t-1})

    Variant: relu, as in the paper's experiments; no recurrent matrix and so no second bias.

    Source: Li, Li, Cook, Zhu and Gao, Independently recurrent neural network, CVPR 2018 (arXiv 1803.04831), equation 2.
    """

    name = "indrnn"
    gates = ("h",)
    state = ("h",)
    vectors = ("u",)

    def step(self, x: Any, h: Any, s: Any, p: Any) -> dict[str, Any]:
        """One step."""
        return {"h": relu(x.h + p.u * s.h)}
