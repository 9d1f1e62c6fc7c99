"""Run a cell's step on symbols: which blocks it uses, and what it computes, by name and in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.cells.cell import Cell, Names
from elman.cells.functions import REDUCTIONS
from elman.equations.expression import Expr, lift, substitute, symbol, symbols, walk
from elman.errors import CellError


@dataclass(frozen=True)
class Trace:
    """A step as data.

    Attributes:
        name: of the cell.
        gates, state, vectors, forget_gate: as the cell declares them.
        x_gates: gates of which the input's affine map is used, in the order of `gates`: the blocks of `weight_ih`.
        h_gates: the same of the recurrent map: the blocks of `weight_hh`; none for a cell without recurrent product.
        plain_gates, mid_gates: those of them whose map acts on the previous output, and on another vector in mid-step.
        assignments: (name, expression) in an order in which each uses only earlier ones; symbols of kind "q" name those.
        obstacle: None, or why the step is more than arithmetic unit by unit (a product or a reduction in mid-step).
    """

    name: str
    gates: tuple[str, ...]
    state: tuple[str, ...]
    vectors: tuple[str, ...]
    forget_gate: str | None
    x_gates: tuple[str, ...]
    h_gates: tuple[str, ...]
    plain_gates: tuple[str, ...]
    mid_gates: tuple[str, ...]
    assignments: tuple[tuple[str, Expr], ...]
    obstacle: str | None


class _RecurrentSymbols(Names):
    """`h.k` on symbols; called with a vector it gives the recurrent map of that vector."""

    def __init__(self, gates: tuple[str, ...]) -> None:
        super().__init__("h", {k: symbol("h", k) for k in gates})
        self.__gates = gates

    def __call__(self, vector: Any) -> Names:
        if not symbols(lift(vector)):
            raise CellError("h(...) takes a vector that is computed in the step, not a number")
        return Names("h(...)", {k: Expr("map", k, lift(vector)) for k in self.__gates})


def trace(cell: Cell) -> Trace:
    """Trace `cell.step`.

    Raises:
        CellError: the step branches on values, uses a name that is not declared, or does not return its state.
    """
    _check_names(cell)
    x = Names("x", {k: symbol("x", k) for k in cell.gates})
    h = _RecurrentSymbols(tuple(cell.gates))
    s = Names("s", {k: symbol("s", k) for k in cell.state})
    p = Names("p", {k: symbol("p", k) for k in cell.vectors})
    try:
        with np.errstate(all="ignore"):  # of functions of constants; `lift` refuses what is not finite
            computed = {name: lift(value) for name, value in cell(x, h, s, p).items()}
    except (TypeError, ArithmeticError, np.exceptions.AxisError) as error:
        raise CellError(
            f"{cell.title}.step can't be run on symbols ({error}); it may use + - * / and the functions of elman.cells"
        ) from error
    for name in computed:
        _check_name(cell, name)
    assignments = _ordered(cell, computed)
    nodes = list(walk(*(e for _, e in assignments)))
    used = {n.arguments for n in nodes if n.operation == "symbol"}
    mapped = {n.arguments[0] for n in nodes if n.operation == "map"}
    reductions = sorted({n.arguments[0] for n in nodes if n.operation == "call"} & REDUCTIONS)
    obstacle = None
    if mapped:
        obstacle = f"it needs a matrix product in mid-step (gate {', '.join(sorted(mapped))})"
    elif reductions:
        obstacle = f"it needs a reduction over the units in mid-step ({', '.join(reductions)})"
    return Trace(
        name=cell.title,
        gates=tuple(cell.gates),
        state=tuple(cell.state),
        vectors=tuple(cell.vectors),
        forget_gate=cell.forget_gate,
        x_gates=tuple(k for k in cell.gates if ("x", k) in used),
        h_gates=tuple(k for k in cell.gates if ("h", k) in used or k in mapped),
        plain_gates=tuple(k for k in cell.gates if ("h", k) in used),
        mid_gates=tuple(k for k in cell.gates if k in mapped),
        assignments=assignments,
        obstacle=obstacle,
    )


def _check_names(cell: Cell) -> None:
    if not re.fullmatch(r"[\w.+-]{1,80}", cell.title):
        raise CellError(f"{cell.title!r} can't be a cell's name; use letters, digits and . + - _, 80 at most")
    for what in ("gates", "state", "vectors"):
        declared = getattr(cell, what)
        if isinstance(declared, str):
            raise CellError(
                f"{cell.title}.{what} must be a tuple of names, such as ({declared!r},); got the text {declared!r}"
            )
        for name in declared:
            _check_name(cell, name)
        if len(set(declared)) != len(declared):
            raise CellError(f"{cell.title}.{what} names something twice: {', '.join(declared)}")
    if not cell.state:
        raise CellError(f"{cell.title}.state is empty; a recurrent cell carries at least its output")
    if cell.forget_gate is not None and cell.forget_gate not in cell.gates:
        raise CellError(
            f"{cell.title}.forget_gate is {cell.forget_gate!r}, which is not among its gates {', '.join(cell.gates)}"
        )


def _check_name(cell: Cell, name: object) -> None:
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z][A-Za-z0-9_]{0,39}", name):
        raise CellError(
            f"{cell.title}: {name!r} can't be a name; use a letter, then letters, digits and underscores, 40 at most"
        )


def _ordered(cell: Cell, computed: dict[str, Expr]) -> tuple[tuple[str, Expr], ...]:
    """Refer to quantities by name where others use them, and sort so that each comes after what it uses."""
    owner: dict[Expr, str] = {}
    for name, expr in computed.items():
        if expr.operation not in ("symbol", "number") or expr.arguments[0] in ("x", "h"):
            owner.setdefault(expr, name)

    def by_name(name: str, expr: Expr) -> Expr:
        if owner.get(expr, name) != name:
            return symbol("q", owner[expr])
        return substitute(expr, lambda node: symbol("q", owner[node]) if node is not expr and node in owner else None)

    pending = {name: by_name(name, expr) for name, expr in computed.items()}
    done: dict[str, Expr] = {}
    while pending:
        ready = [
            n
            for n, e in pending.items()
            if all(k != "q" or q in done for k, q in (leaf.arguments for leaf in symbols(e)))
        ]
        if not ready:  # can't happen for a traced step; a parsed one may refer to itself
            raise CellError(f"{cell.title}: {', '.join(pending)} depend on each other in a circle")
        done[ready[0]] = pending.pop(ready[0])
    return tuple(done.items())
