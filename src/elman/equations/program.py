"""Compile a step into two pointwise programs, forward and backward: short lists of instructions over named registers, as data.

A program acts on each unit alone; matrix products and time are the engine's. Around one step the engine does

    forward:   affine maps -> [forward program] -> new state, saved quantities
    backward:  gradient of the new state, saved quantities -> [backward program] -> gradients of the affine maps and of the old state

Where a gate uses its two affine maps only as their sum, the program takes that sum ("a.i"), so that an engine can accumulate both
products in one place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

from elman.equations.derivation import Derivation, derive
from elman.equations.expression import Expr, fold, number, rebuild, substitute, symbol, symbols, walk
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
    summed = _summed_gates(trace)
    derivation = derive(
        replace(trace, assignments=tuple((name, _sum_maps(e, summed)) for name, e in trace.assignments))
    )
    gradients = _gradients(derivation, summed)
    forward = _inline({name: expr for name, expr in derivation.tape if isinstance(expr, Expr)})
    needed = {leaf.arguments for leaf in symbols(*gradients.values())}
    # The old state, the per-unit weights and the new state's gradient are the engine's to give again; the rest must be saved.
    saved = tuple(f"{kind}.{name}" for kind, name in sorted(needed) if kind in ("q", "x", "h", "a"))
    results = {f"q.{k}": symbol("q", k) for k in trace.state}
    results |= {name: symbol(*name.split(".")) for name in saved}
    return Programs(
        forward=_lower({name: forward[e.arguments[1]] if e.arguments[0] == "q" else e for name, e in results.items()}),
        backward=_lower(gradients),
        saved=saved,
        summed_gates=summed,
    )


def compile_named(trace: Trace) -> tuple[Program, tuple[str, ...]]:
    """Compile a traced step forward alone, with every named quantity ("q.k") among the outputs; and which gates it takes summed.

    Raises:
        CellError: the step is not pointwise.
    """
    if trace.obstacle:
        raise CellError(f"cell {trace.name} can't become a pointwise program: {trace.obstacle}")
    summed = _summed_gates(trace)
    named = _inline({name: _sum_maps(expr, summed) for name, expr in trace.assignments})
    return _lower({f"q.{name}": expr for name, expr in named.items()}), summed


def _summed_gates(trace: Trace) -> tuple[str, ...]:
    """Gates of which x.k and h.k occur only side by side in one sum."""
    both = [k for k in trace.gates if k in trace.x_gates and k in trace.h_gates]
    expressions = [expr for _, expr in trace.assignments]
    left = {leaf.arguments for leaf in symbols(*(_sum_maps(e, tuple(both)) for e in expressions))}
    return tuple(k for k in both if ("x", k) not in left and ("h", k) not in left)


def _sum_maps(expr: Expr, gates: tuple[str, ...]) -> Expr:
    """The tree with x.k + h.k, wherever both stand in one chain of sums, as the one symbol a.k."""
    partner = {symbol(a, k): (symbol(b, k), symbol("a", k)) for k in gates for a, b in ("xh", "hx")}

    def visit(node: Expr, children: tuple[Expr, ...]) -> Expr:
        node = rebuild(node, children)
        if node.operation != "+" or not any(c in partner for c in _addends(children[1])):
            return node
        addends = _addends(node)
        for found in [a for a in addends if a in partner and partner[a][0] in addends]:
            if found in addends:
                other, both = partner[found]
                addends[addends.index(found)] = both
                addends.remove(other)
        return _total(addends)

    summed: Expr = fold(expr, visit)
    return summed


def _addends(node: Expr) -> list[Expr]:
    """What a chain of sums adds, from left to right."""
    found = []
    stack = [node]
    while stack:
        top = stack.pop()
        if top.operation == "+":
            stack.extend(reversed(top.children))
        else:
            found.append(top)
    return found


def _gradients(derivation: Derivation, summed: tuple[str, ...]) -> dict[str, Expr]:
    """What the backward program computes, written with its inputs only."""
    trace = derivation.trace
    totals: dict[str, Expr] = {}

    def gradient(kind: str, name: str) -> Expr:
        """The sum over a symbol's paths, with every δ written out."""
        return _total([substitute(t.expr, written_out) for t in derivation.terms.get((kind, name), ())])

    def written_out(node: Expr) -> Expr | None:
        return totals[node.arguments[1]] if node.arguments[:1] == ("d",) else None

    for name in derivation.order:
        inner = gradient("q", name)
        totals[name] = symbol("d", name) + inner if name in trace.state else inner
    maps = [("a", k) for k in summed]
    maps += [("x", k) for k in trace.x_gates if k not in summed] + [("h", k) for k in trace.h_gates if k not in summed]
    wanted = [*maps, *(("s", k) for k in trace.state), *(("p", k) for k in trace.vectors)]
    return {f"{kind}.{name}": gradient(kind, name) for kind, name in wanted}


def _total(terms: list[Expr]) -> Expr:
    total = terms[0] if terms else number(0)
    for term in terms[1:]:
        total = total + term
    return total


def _inline(tape: dict[str, Expr]) -> dict[str, Expr]:
    """Each named quantity written with the program's inputs only; shared parts stay shared."""
    inlined: dict[str, Expr] = {}
    for name, expr in tape.items():
        inlined[name] = substitute(expr, lambda n: inlined[n.arguments[1]] if n.arguments[:1] == ("q",) else None)
    return inlined


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
    """Leave out what costs an instruction for nothing, such as multiplying by one; powers become products."""
    zero, one = number(0), number(1)

    def visit(node: Expr, children: tuple[Expr, ...]) -> Expr:
        if node.operation == "power":
            return reduce(lambda power, _: power * children[0], range(node.arguments[1] - 1), children[0])
        match node.operation, children:
            case ("+", (left, right)) if left is zero or right is zero:
                return right if left is zero else left
            case ("*", (left, right)) if left is one or right is one:
                return right if left is one else left
            case ("*", (left, right)) if left is zero or right is zero:
                return zero
        return rebuild(node, children)

    cheaper: Expr = fold(expr, visit)
    return cheaper
