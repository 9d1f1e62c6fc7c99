"""Mistakes that any gated cell knows: gates in another order, weights of another gate, another activation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import permutations

import numpy as np

from elman.checking.worksheets.arithmetic import sigmoid
from elman.checking.worksheets.worksheet import Array, Wrong


def permuted(gates: str, known: Collection[str] = ()) -> dict[str, str]:
    """Mistakes by name, each with the order in which it takes the gates; without the right one, and those with names of their own."""
    orders = ("".join(order) for order in permutations(gates))
    return {f"gates-permuted@{', '.join(order)}": order for order in orders if order != gates and order not in known}


def borrowed(gates: str, parts: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Mistakes by name, each with the part of the weights, the gate that it belongs to, and the gate that reads it."""
    return {
        f"gate-borrows@{part}[{of!r}] in {into}": (part, of, into)
        for part in parts
        for into in gates
        for of in gates
        if of != into
    }


def squashed(k: str, a: Array, wrong: Wrong) -> Array:
    """The sigmoid of a gate, or what a mistake puts in its place."""
    if wrong & {"gates-tanh", f"gate-activation@{k}"}:
        return np.asarray(np.tanh(a))
    return a if wrong & {"gates-not-activated", f"gate-not-activated@{k}"} else sigmoid(a)
