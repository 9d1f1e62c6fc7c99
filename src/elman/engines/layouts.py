"""Weights as courses write them, brought into torch.nn's names, blocks and orientation.

| layout | equation | shapes |
|---|---|---|
| "columns" | W_x x_t + W_h h_{t-1} + b | input [H, I], recurrent [H, H] |
| "rows" | x_t U + h_{t-1} W + b | input [I, H], recurrent [H, H] |
| "concatenated" | W [h_{t-1}, x_t] + b | weights [H, H + I], given as `recurrent` |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from elman.cells import registry
from elman.cells.cell import Cell
from elman.engines.layer import Array, to_float64
from elman.equations.tracing import trace
from elman.errors import InputError, ShapeError

LAYOUTS = ("columns", "rows", "concatenated")


def from_layout(
    cell: str | Cell,
    layout: str,
    *,
    input: Any = None,  # noqa: A002 - the word of the courses
    recurrent: Any,
    bias: Any = None,
) -> dict[str, Array]:
    """torch.nn's `weight_ih_l0`, `weight_hh_l0` and, where there is a bias, `bias_ih_l0` and a zero `bias_hh_l0`.

    Args:
        cell: a name or an object.
        layout: see the table above.
        input: the input's matrix for each gate, as a dict by gate; for a cell with one gate the matrix alone will do.
        recurrent: the same for the recurrent matrix.
        bias: one vector a gate, or None: courses have one bias where torch has two.

    Raises:
        InputError: unknown layout. ShapeError: a gate is missing or a matrix does not fit.
    """
    if layout not in LAYOUTS:
        raise InputError(f"unknown layout {layout!r}; there are: {', '.join(LAYOUTS)}")
    t = trace(registry.get(cell))
    gates = t.x_gates
    h = _by_gate("recurrent", recurrent, gates)
    units = next(iter(h.values())).shape[0] if layout != "rows" else next(iter(h.values())).shape[1]
    if layout == "concatenated":
        x = {k: w[:, units:] for k, w in h.items()}
        h = {k: w[:, :units] for k, w in h.items()}
    else:
        x = _by_gate("input", input, gates)
    if layout == "rows":
        x, h = ({k: w.T for k, w in side.items()} for side in (x, h))
    for name, side, columns in (("input", x, next(iter(x.values())).shape[1]), ("recurrent", h, units)):
        wrong = [k for k in gates if side[k].shape != (units, columns)]
        if wrong or columns == 0:
            raise ShapeError(
                f"layout {layout!r}: the {name} matrices don't fit each other for {units} units; look at gate {(wrong or gates)[0]!r}"
            )
    weights = {
        "weight_ih_l0": np.concatenate([x[k] for k in gates]),
        "weight_hh_l0": np.concatenate([h[k] for k in gates]),
    }
    if bias is not None:
        b = _by_gate("bias", bias, gates, rank=1)
        weights["bias_ih_l0"] = np.concatenate([b[k] for k in gates])
        weights["bias_hh_l0"] = np.zeros(len(gates) * units)
    return weights


def _by_gate(what: str, given: Any, gates: tuple[str, ...], rank: int = 2) -> dict[str, Array]:
    if not isinstance(given, Mapping):
        if len(gates) != 1:
            raise ShapeError(f"{what} must be given for each gate, as a dict with {', '.join(gates)}")
        given = {gates[0]: given}
    missing = [k for k in gates if k not in given]
    if missing or len(given) != len(gates):
        raise ShapeError(f"{what} needs exactly the gates {', '.join(gates)}; got {', '.join(given)}")
    arrays = {k: to_float64(v) for k, v in given.items()}
    wrong = [k for k, a in arrays.items() if a.ndim != rank]
    if wrong:
        raise ShapeError(f"{what} of gate {wrong[0]!r} must have {rank} axes; got {arrays[wrong[0]].ndim}")
    return arrays
