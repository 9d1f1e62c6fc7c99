"""Compile a step into two pointwise programs, forward and backward: short lists of instructions over named registers, as data.

A program acts on each unit alone; matrix products and time are the engine's. Around one step the engine does

    forward:   affine maps -> [forward program] -> new state, saved quantities
    backward:  gradient of the new state, saved quantities -> [backward program] -> gradients of the affine maps and of the old state

Where a gate uses its two affine maps only as their sum, the program takes that sum ("a.i"), so that an engine can accumulate both
products in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

from elman.equations.derivation import Derivation, derive
from elman.equations.expression import Expr, number, rebuild, substitute, symbol, symbols, walk
from elman.equations.tracing import Trace
from elman.errors import CellError


@dataclass(frozen=True)
class Instruction:
    """`registers[result] = operation(operands)`. An operand >= 0 is a register; -1 - k is the k-th constant."""

    operation: str
    result: int
    operands: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """Instructions over registers, each of which holds one number for every unit of a tile.

    Attributes:
        inputs: names in the order of the registers 0, 1, ... that hold them at the start. "a.k": x.k + h.k; "x.k", "h.k": affine
            maps; "s.k": old state; "p.k": per-unit weights; "q.k": saved by the forward program; "d.k": gradient of a new state.
        constants: numbers that instructions refer to.
        code: the instructions in order.
        outputs: names and the registers (or constants) that hold them at the end.
        registers: how many are needed.
    """

    inputs: tuple[str, ...]
    constants: tuple[float, ...]
    code: tuple[Instruction, ...]
    outputs: tuple[tuple[str, int], ...]
    registers: int


@dataclass(frozen=True)
class Programs:
    """Both directions of one step; `saved` names what the forward program hands to the backward one."""

    forward: Program
    backward: Program
    saved: tuple[str, ...]
    summed_gates: tuple[str, ...]


def compile_step(trace: Trace) -> Programs:
    """Compile a traced step.

    Raises:
        CellError: the step is not pointwise; `trace.obstacle` says why. Such cells run on the loop engine.
    """
    if trace.obstacle:
        raise CellError(f"cell {trace.name} can't become a pointwise program: {trace.obstacle}")
    derivation = derive(trace)
    summed = _summed_gates(trace)
    gradients = _gradients(derivation, summed)
    forward = {name: _sum_maps(expr, summed) for name, expr in derivation.tape if isinstance(expr, Expr)}
    needed = {leaf.arguments for leaf in symbols(*gradients.values())}
    # The old state, the per-unit weights and the new state's gradient are the engine's to give again; the rest must be saved.
    saved = tuple(f"{kind}.{name}" for kind, name in sorted(needed) if kind in ("q", "x", "h", "a"))
    results = {f"q.{k}": symbol("q", k) for k in trace.state}
    results |= {name: symbol(*name.split(".")) for name in saved}
    return Programs(
        forward=_lower({name: _inline(expr, forward) for name, expr in results.items()}),
        backward=_lower(gradients),
        saved=saved,
        summed_gates=summed,
    )


def _summed_gates(trace: Trace) -> tuple[str, ...]:
    """Gates of which x.k and h.k occur only side by side in one sum."""
    both = [k for k in trace.gates if k in trace.x_gates and k in trace.h_gates]
    expressions = [expr for _, expr in trace.assignments]
    left = {leaf.arguments for leaf in symbols(*(_sum_maps(e, tuple(both)) for e in expressions))}
    return tuple(k for k in both if ("x", k) not in left and ("h", k) not in left)


def _sum_maps(expr: Expr, gates: tuple[str, ...]) -> Expr:
    """The tree with x.k + h.k, wherever both stand in one chain of sums, as the one symbol a.k."""

    def replace(node: Expr) -> Expr | None:
        if node.operation != "+":
            return None
        addends = _addends(node)
        pairs = [k for k in gates if symbol("x", k) in addends and symbol("h", k) in addends]
        if not pairs:
            return None
        for k in pairs:
            addends[addends.index(symbol("x", k))] = symbol("a", k)
            addends.remove(symbol("h", k))
        total = _sum_maps(addends[0], gates)
        for addend in addends[1:]:
            total = total + _sum_maps(addend, gates)
        return total

    return substitute(expr, replace)


def _addends(node: Expr) -> list[Expr]:
    if node.operation != "+":
        return [node]
    left, right = node.children
    return [*_addends(left), *_addends(right)]


def _gradients(derivation: Derivation, summed: tuple[str, ...]) -> dict[str, Expr]:
    """What the backward program computes, written with its inputs only."""
    trace = derivation.trace
    totals: dict[str, Expr] = {}
    for name in derivation.order:
        terms = [t.expr for t in derivation.terms.get(("q", name), ())]
        terms = [
            substitute(
                e, lambda n: totals.get(n.arguments[1]) if n.operation == "symbol" and n.arguments[0] == "d" else None
            )
            for e in terms
        ]
        if name in trace.state:
            terms.insert(0, symbol("d", name))
        totals[name] = _total(terms)

    def gradient(kind: str, name: str) -> Expr:
        terms = derivation.terms.get((kind, name), ())
        return _total(
            [
                substitute(
                    t.expr,
                    lambda n: totals[n.arguments[1]] if n.operation == "symbol" and n.arguments[0] == "d" else None,
                )
                for t in terms
            ]
        )

    wanted = (
        [("x", k) for k in trace.x_gates]
        + [("h", k) for k in trace.h_gates]
        + [("s", k) for k in trace.state]
        + [("p", k) for k in trace.vectors]
    )
    gradients = {
        f"{kind}.{name}": gradient(kind, name) for kind, name in wanted if not (kind == "h" and name in summed)
    }
    return {
        name.replace("x.", "a.") if name[:2] == "x." and name[2:] in summed else name: _sum_maps(e, summed)
        for name, e in gradients.items()
    }


def _total(terms: list[Expr]) -> Expr:
    total = terms[0] if terms else number(0)
    for term in terms[1:]:
        total = total + term
    return total


def _inline(expr: Expr, definitions: dict[str, Expr]) -> Expr:
    """The tree with named quantities replaced by what they are computed from; shared parts stay shared."""

    def replace(node: Expr) -> Expr | None:
        if node.operation == "symbol" and node.arguments[0] == "q":
            return _inline(definitions[node.arguments[1]], definitions)
        return None

    return substitute(expr, replace)


def _lower(results: dict[str, Expr]) -> Program:
    """Number the nodes of all results (equal trees are one node, so each is computed once) and give them registers."""
    results = {name: _cheaper(expr) for name, expr in results.items()}
    nodes = list(walk(*results.values()))
    inputs = [n for n in nodes if n.operation == "symbol"]
    constants = [n for n in nodes if n.operation == "number"]
    computed = [n for n in nodes if n.operation not in ("symbol", "number")]
    last_use = {child: at for at, n in enumerate(computed) for child in n.children}
    last_use |= dict.fromkeys(results.values(), len(computed))
    place: dict[Expr, int] = {n: k for k, n in enumerate(inputs)} | {n: -1 - k for k, n in enumerate(constants)}
    free: list[int] = []
    registers = len(inputs)
    code = []
    for at, node in enumerate(computed):
        operands = tuple(place[c] for c in node.children)
        # A register is free again after the last use of what it holds; the result may take it over at once.
        free.extend(sorted({place[c] for c in node.children if last_use[c] == at and place[c] >= 0}))
        if free:
            place[node] = free.pop()
        else:
            place[node] = registers
            registers += 1
        code.append(
            Instruction(node.arguments[0] if node.operation == "call" else node.operation, place[node], operands)
        )
    return Program(
        inputs=tuple(".".join(n.arguments) for n in inputs),
        constants=tuple(float(n.arguments[0]) for n in constants),
        code=tuple(code),
        outputs=tuple((name, place[expr]) for name, expr in results.items()),
        registers=registers,
    )


def _cheaper(expr: Expr) -> Expr:
    """Multiplying by one, adding zero and the like cost an instruction each: leave them out."""
    zero, one = number(0), number(1)

    def simplify(node: Expr) -> Expr | None:
        if not node.children:
            return None
        children = tuple(_cheaper(c) for c in node.children)
        match node.operation, children:
            case ("+", (left, right)) if left is zero or right is zero:
                return right if left is zero else left
            case ("*", (left, right)) if left is one or right is one:
                return right if left is one else left
            case ("*", (left, right)) if left is zero or right is zero:
                return zero
        return rebuild(node, children)

    return substitute(expr, simplify)
