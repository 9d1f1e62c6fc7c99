"""Derive the equations of backpropagation through time from a step.

Reverse accumulation over the named quantities: SymPy gives the derivative of each assignment by each of its leaves, the chain rule
joins them. The result is what a course asks a student to write: one line a quantity, with the paths along the state (unit by unit)
kept apart from those through the weight matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy

from elman.cells.functions import REDUCTIONS
from elman.equations.expression import Expr, fold, rebuild, symbol, symbols
from elman.equations.symbolic import from_sympy, to_sympy
from elman.equations.tracing import Trace

Leaf = tuple[str, str]  # kind and name of a symbol


@dataclass(frozen=True)
class Term:
    """One path of a gradient: `expr` is what flows back from the quantity `via` that was computed with this one."""

    via: str
    expr: Expr


@dataclass(frozen=True)
class Special:
    """An assignment that is not unit by unit: the recurrent map of a gate, or a mean over the units, of one named quantity."""

    kind: str  # "map" or "mean"
    gate: str
    argument: str


@dataclass(frozen=True)
class Derivation:
    """The derived backward pass of one step.

    Attributes:
        trace: the step it belongs to.
        tape: what is computed going forward, in order: every named quantity, and the sums inside its function as `a_name`.
        order: the quantities in the order in which going back their gradient is complete.
        terms: for every leaf (kind, name), its gradient as a list of paths. Kind "q": within the step; "s": to the previous step,
            unit by unit; "x", "h": to the affine maps; "p": to per-unit weights.
        slopes: how the new state depends on the old one. For each row (a state, or the argument of a product in mid-step) the
            derivative, unit by unit, by each source it depends on: ("s", old state) with no matrix passed, ("h", gate) the
            recurrent map of a gate, ("q", name) a product or mean in mid-step.
    """

    trace: Trace
    tape: tuple[tuple[str, Expr | Special], ...]
    order: tuple[str, ...]
    terms: dict[Leaf, tuple[Term, ...]]
    slopes: dict[str, dict[Leaf, Expr]]


def derive(trace: Trace) -> Derivation:
    """Derive the backward equations of a traced step.

    Raises:
        CellError: SymPy's derivative can't be written with the functions of a step.
    """
    tape = _tape(trace)
    values = {to_sympy(rhs): name for name, rhs in tape if isinstance(rhs, Expr) and rhs.operation == "call"}
    terms: dict[Leaf, list[Term]] = {}
    for name, rhs in reversed(tape):
        if name not in trace.state and ("q", name) not in terms:
            continue  # computed for people to see; nothing flows back from it
        if isinstance(rhs, Special):
            received = symbol("d", name)
            term = Expr("map_transposed", rhs.gate, received) if rhs.kind == "map" else Expr("call", "mean", received)
            terms.setdefault(("q", rhs.argument), []).append(Term(name, term))
            continue
        for leaf in symbols(rhs):
            path = sympy.Symbol(f"d.{name}", real=True) * partial(rhs, leaf, values)
            if path != 0:
                terms.setdefault(leaf.arguments, []).append(Term(name, from_sympy(path)))
    order = tuple(name for name, _ in reversed(tape))
    return Derivation(trace, tape, order, {k: tuple(v) for k, v in terms.items()}, _slopes(trace, tape, values))


def partial(rhs: Expr, leaf: Expr, values: dict[Any, str]) -> Any:
    """∂ rhs / ∂ leaf as a SymPy expression, with function values that have a name written by that name."""
    gradient = sympy.diff(to_sympy(rhs), to_sympy(leaf))
    return _tidy(gradient.xreplace({value: sympy.Symbol(f"q.{name}", real=True) for value, name in values.items()}))


def _tidy(gradient: Any) -> Any:
    """C - a b f + ... as it stands, but common factors out where that is shorter."""
    factored = sympy.factor_terms(gradient)
    return factored if sympy.count_ops(factored) <= sympy.count_ops(gradient) else gradient


def _tape(trace: Trace) -> tuple[tuple[str, Expr | Special], ...]:
    """The assignments with the inside of each function, and what goes into a matrix product or a mean, under a name of its own."""
    tape: list[tuple[str, Expr | Special]] = []
    taken = {name for name, _ in trace.assignments}

    def fresh(stem: str) -> str:
        name = stem
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    def named(stem: str, expr: Expr) -> Expr:
        """A symbol for `expr`, which goes onto the tape if it has no name yet."""
        if expr.operation == "symbol" and expr.arguments[0] == "q":
            return expr
        name = fresh(stem)
        tape.append((name, expr))
        return symbol("q", name)

    def split(name: str, expr: Expr) -> Expr:
        """`expr` without maps and means, which go onto the tape before it."""

        def visit(node: Expr, children: tuple[Any, ...]) -> Expr:
            is_mean = node.operation == "call" and node.arguments[0] in REDUCTIONS
            if node.operation != "map" and not is_mean:
                return rebuild(node, children)
            argument = named(f"u_{name}", children[0]).arguments[1]
            result = fresh(f"m_{name}")
            tape.append((result, Special("mean" if is_mean else "map", "" if is_mean else node.arguments[0], argument)))
            return symbol("q", result)

        result: Expr = fold(expr, visit)
        return result

    for name, expr in trace.assignments:
        plain = split(name, expr)
        if plain.operation == "call":
            arguments = [a if a.operation in ("symbol", "number") else named(f"a_{name}", a) for a in plain.children]
            plain = rebuild(plain, tuple(arguments))
        tape.append((name, plain))
    return tuple(tape)


def _slopes(
    trace: Trace, tape: tuple[tuple[str, Expr | Special], ...], values: dict[Any, str]
) -> dict[str, dict[Leaf, Expr]]:
    """Forward accumulation, unit by unit: what each quantity is by the old state, the recurrent maps and the mid-step products."""
    slopes: dict[str, dict[Leaf, Any]] = {}
    for name, rhs in tape:
        if isinstance(rhs, Special):
            slopes[name] = {("q", name): sympy.Integer(1)}  # it mixes the units: a source of its own
            continue
        row: dict[Leaf, Any] = {}
        for leaf in symbols(rhs):
            kind, key = leaf.arguments
            inner = slopes[key] if kind == "q" else {(kind, key): sympy.Integer(1)} if kind in ("s", "h") else {}
            for source, slope in inner.items():
                row[source] = row.get(source, 0) + partial(rhs, leaf, values) * slope
        slopes[name] = row
    rows = [*trace.state, *(rhs.argument for _, rhs in tape if isinstance(rhs, Special))]
    return {row: {source: from_sympy(_tidy(e)) for source, e in slopes[row].items() if e != 0} for row in rows}
