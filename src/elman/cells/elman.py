"""The simple recurrent network of Jeff Elman (1990), with a choice of nonlinearity."""

from __future__ import annotations

from typing import Any

from elman.cells import functions
from elman.cells.cell import Cell
from elman.errors import InputError

NONLINEARITIES = ("tanh", "relu", "softsign", "sigmoid")


class Elman(Cell):
    """The new state is a squashed sum of what comes in and what was there.

        h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh),   f: tanh, relu, softsign or sigmoid

    Variant: `torch.nn.RNN` for tanh and relu, with its two biases. With relu, an identity matrix for W_hh and zero biases at the
    start it is the IRNN of Le, Jaitly and Hinton (2015, arXiv 1504.00941): see `elman.nn.initialise`.

    Source: J. L. Elman, Finding structure in time, Cognitive Science 14 (1990).

    Raises:
        InputError: an unknown nonlinearity.
    """

    name = "elman"
    gates = ("h",)
    state = ("h",)

    def __init__(self, nonlinearity: str = "tanh") -> None:
        if nonlinearity not in NONLINEARITIES:
            raise InputError(f"unknown nonlinearity {nonlinearity!r}; an Elman cell knows {', '.join(NONLINEARITIES)}")
        self.nonlinearity = nonlinearity
        self.name = "elman" if nonlinearity == "tanh" else f"elman-{nonlinearity}"

    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        """One step."""
        f = getattr(functions, self.nonlinearity)
        return {"h": f(x.h + h.h)}
