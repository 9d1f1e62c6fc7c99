"""The weights of one recurrent layer, in torch.nn's names and block order, as NumPy blocks by gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.cells.cell import Cell
from elman.equations.tracing import Trace, trace
from elman.errors import ShapeError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ParameterShapes:
    """Names and shapes of one layer's parameters: I inputs, H units, one block of H rows for each gate that is used.

    `weight_ih` [gates of x * H, I], `weight_hh` [gates of h * H, H], `bias_ih`, `bias_hh`, and for cells with per-unit weights
    `weight_p` [vectors * H]. A cell without recurrent product has no `weight_hh` and `bias_hh`.
    """

    trace: Trace
    units: int

    def of(self, inputs: int, *, bias: bool) -> dict[str, tuple[int, ...]]:
        """Shapes by name (without layer suffix) in the order in which torch registers them."""
        t, H = self.trace, self.units
        shapes: dict[str, tuple[int, ...]] = {}
        if t.x_gates:
            shapes["weight_ih"] = (len(t.x_gates) * H, inputs)
        if t.h_gates:
            shapes["weight_hh"] = (len(t.h_gates) * H, H)
        if bias and t.x_gates:
            shapes["bias_ih"] = (len(t.x_gates) * H,)
        if bias and t.h_gates:
            shapes["bias_hh"] = (len(t.h_gates) * H,)
        if t.vectors:
            shapes["weight_p"] = (len(t.vectors) * H,)
        return shapes

    def gates_of(self, parameter: str) -> tuple[str, ...]:
        """The names of a parameter's blocks."""
        t = self.trace
        return {"weight_ih": t.x_gates, "bias_ih": t.x_gates, "weight_p": t.vectors}.get(parameter, t.h_gates)


class Layer:
    """One layer's weights in float64, checked, and cut into blocks by gate.

    Args:
        cell: whose layer it is.
        weights: arrays or tensors named `weight_ih_l0`, ... (or without `_l0`). A missing bias is zero and has no gradient.

    `inputs` is None for a cell that does not read its input.

    Raises:
        ShapeError: a name is unknown or missing, or a shape does not fit; the message says which.
    """

    def __init__(self, cell: Cell, weights: Mapping[str, Any]) -> None:
        self.cell = cell
        self.trace = trace(cell)
        self.inputs: int | None
        self.names: dict[str, str] = {}
        self.arrays: dict[str, Array] = {}
        for name, value in weights.items():
            self.names[name.removesuffix("_l0")] = name
            self.arrays[name.removesuffix("_l0")] = to_float64(value)
        self._check()

    def _check(self) -> None:
        t = self.trace
        first, gates = next(
            (n, g) for n, g in (("weight_ih", t.x_gates), ("weight_hh", t.h_gates), ("weight_p", t.vectors)) if g
        )
        if first not in self.arrays or self.arrays[first].ndim != (1 if first == "weight_p" else 2):
            given = ", ".join(self.names.values()) or "nothing"
            raise ShapeError(f"cell {t.name} needs {first}_l0 as blocks of units; the weights given are: {given}")
        rows = self.arrays[first].shape[0]
        if rows % len(gates) or rows == 0:
            raise ShapeError(
                f"{first}_l0 has {rows} rows; cell {t.name} stacks {len(gates)} blocks ({', '.join(gates)}) of one size"
            )
        self.units = rows // len(gates)
        self.inputs = self.arrays[first].shape[1] if first == "weight_ih" else None
        inputs = self.inputs or 0
        shapes = ParameterShapes(t, self.units).of(inputs, bias=True)
        for name, array in self.arrays.items():
            if name not in shapes:
                raise ShapeError(
                    f"cell {t.name} has no parameter {self.names[name]!r}; it has {', '.join(f'{n}_l0' for n in shapes)}"
                )
            if array.shape != shapes[name]:
                raise ShapeError(
                    f"{self.names[name]} must be {list(shapes[name])} for {inputs} inputs and {self.units} units; got {list(array.shape)}"
                )
        missing = [n for n in shapes if n.startswith("weight") and n not in self.arrays]
        if missing:
            raise ShapeError(f"cell {t.name} also needs {', '.join(f'{n}_l0' for n in missing)}")

    def blocks(self, parameter: str) -> dict[str, Any]:
        """A parameter's blocks by gate; 0.0 for each where a bias is absent."""
        gates = ParameterShapes(self.trace, self.units).gates_of(parameter)
        if parameter not in self.arrays:
            return dict.fromkeys(gates, 0.0)
        return dict(zip(gates, np.split(self.arrays[parameter], len(gates)), strict=True)) if gates else {}


def to_float64(value: Any) -> Array:
    """A float64 array from a tensor (detached), array or nested list."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().double().numpy()
    return np.asarray(value, dtype=np.float64)
