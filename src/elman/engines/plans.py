"""A cell's compiled programs in the kernels' terms: plain numbers, which the C++ side checks and keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.equations.program import Program, compile_step
from elman.equations.tracing import Trace

OPERATIONS = (
    "+", "-", "*", "/", "negative", "sigmoid", "tanh", "relu", "softsign", "softplus", "exp", "log", "sqrt",
    "absolute", "sign", "positive", "maximum", "minimum",
)  # fmt: skip
#: What a register holds at the start, or where a result goes.
COLUMN, STATE_OLD, STATE_NEW, VECTOR, SAVED, GRADIENT = range(6)


def plan_numbers(t: Trace) -> tuple[Any, ...]:
    """What a plan of the kernels is made of: blocks of the weights, histories, and both programs of the cell."""
    programs = compile_step(t)
    columns, x_block, h_block = _columns(t, programs.forward, programs.summed_gates)
    saved = [name for name in programs.saved if name.removeprefix("q.") not in t.state or not name.startswith("q.")]
    slots = _Slots(t, columns, saved)
    forward = _program(programs.forward, slots.computed_from, slots.recorded)
    backward = _program(programs.backward, slots.given_back, slots.computed_from)
    # States, after the first, of which going back needs the value at every step: recorded after the saved quantities.
    kept = sorted({index for kind, index, _ in backward[2] if kind in (STATE_OLD, STATE_NEW) and index > 0})
    history = [len(saved) + kept.index(k) if k in kept else -1 for k in range(len(t.state))]
    return x_block, h_block, history, len(t.vectors), len(saved), *forward, *backward


def forward_numbers(
    t: Trace, program: Program, summed: Sequence[str], saved: Sequence[str], history: list[int]
) -> tuple[Any, ...]:
    """The same of a plan that only goes forward, and records what the caller wants: `saved` outputs, and states by `history`."""
    columns, x_block, h_block = _columns(t, program, summed)
    slots = _Slots(t, columns, saved)
    forward = _program(program, slots.computed_from, slots.recorded)
    return x_block, h_block, history, len(t.vectors), len(saved), *forward, [], [], [], [], 0


def _columns(t: Trace, forward: Program, summed: Sequence[str]) -> tuple[dict[str, int], list[int], list[int]]:
    """The affine maps that a program reads, by name in its own order, and of which block of each matrix each one is.

    The kernels pack weights in the order of the columns: then they lie as they are read.
    """
    columns = [("a", k) for k in summed]
    columns += [("x", k) for k in t.x_gates if k not in summed] + [("h", k) for k in t.h_gates if k not in summed]
    read = {name: place for place, name in enumerate(forward.inputs)}
    columns.sort(key=lambda column: read.get(".".join(column), len(read)))  # a gate that nothing uses comes last
    x_block = [t.x_gates.index(k) if kind in "ax" else -1 for kind, k in columns]
    h_block = [t.h_gates.index(k) if kind in "ah" else -1 for kind, k in columns]
    return {f"{kind}.{k}": c for c, (kind, k) in enumerate(columns)}, x_block, h_block


class _Slots:
    """What the names of a program's inputs and outputs are to the kernels."""

    def __init__(self, t: Trace, columns: dict[str, int], saved: Sequence[str]) -> None:
        self.columns = columns
        self.states = {name: k for k, name in enumerate(t.state)}
        self.vectors = {name: k for k, name in enumerate(t.vectors)}
        self.saved = {name: k for k, name in enumerate(saved)}

    def computed_from(self, name: str) -> tuple[int, int]:
        """What a step is computed from, and what its gradients are of."""
        kind, _, key = name.partition(".")
        if kind == "s":
            return STATE_OLD, self.states[key]
        return (VECTOR, self.vectors[key]) if kind == "p" else (COLUMN, self.columns[name])

    def recorded(self, name: str) -> tuple[int, int]:
        """What a step leaves behind."""
        return (SAVED, self.saved[name]) if name in self.saved else (STATE_NEW, self.states[name.removeprefix("q.")])

    def given_back(self, name: str) -> tuple[int, int]:
        """What going back starts from."""
        kind, _, key = name.partition(".")
        if kind == "d":
            return GRADIENT, self.states[key]
        return self.computed_from(name) if kind in "sp" else self.recorded(name)


def _program(p: Program, of_input: Any, of_output: Any) -> tuple[Any, ...]:
    """A program as lists of numbers, in which no instruction writes to an input's register: the kernels let inputs lie where they are."""
    moved = {k: p.registers + k for k in range(len(p.inputs))}
    now = {k: k for k in range(-len(p.constants), p.registers)}
    code = []
    for i in p.code:
        operands = [now[operand] for operand in i.operands]
        now[i.result] = moved.get(i.result, i.result)
        code.append([OPERATIONS.index(i.operation), now[i.result], operands[0], operands[-1]])
    inputs = [[*of_input(name), place] for place, name in enumerate(p.inputs)]
    outputs = [[*of_output(name), now[place]] for name, place in p.outputs]
    return code, list(p.constants), inputs, outputs, p.registers + len(p.inputs)
