"""Every named quantity of a layer's steps, as rows: by the fused engine where the step is pointwise, else by the loop engine."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import torch
from torch import Tensor

from elman.cells.cell import Cell
from elman.engines import dispatch, fused, loop
from elman.engines.dispatch import Choice
from elman.engines.layout import LayerCall, LayerResult
from elman.engines.plans import forward_numbers
from elman.equations.program import compile_named
from elman.equations.tracing import Trace

#: For each direction: a quantity's name to its rows [sum of batch_sizes, H], in the input's layout.
Quantities = list[dict[str, Tensor]]


def choose(engine: str, t: Trace, **circumstances: Any) -> Choice:
    """As `dispatch.choose`, among the engines that show what is inside a step."""
    choice = dispatch.choose("auto" if engine == "torch" else engine, t, **circumstances)
    if choice.engine != "torch":
        return choice
    return Choice("loop", f"torch's kernels keep their gates to themselves; {choice.reason}")


def run(choice: Choice, cell: Cell, t: Trace, call: LayerCall) -> tuple[LayerResult, Quantities]:
    """Run one layer and keep everything it computes; see `LayerCall` for shapes. Nothing goes back through the quantities."""
    call = call.spelled_out(len(t.state))
    return _fused(t, call) if choice.engine == "fused" else _loop(cell, t, call)


@cache
def _plan_of(t: Trace) -> Any:
    """The forward program that gives every quantity: those that are no states as saved ones, later states as histories."""
    program, summed = compile_named(t)
    saved = [f"q.{name}" for name, _ in t.assignments if name not in t.state]
    history = [-1, *range(len(saved), len(saved) + len(t.state) - 1)]
    return fused.make_plan(forward_numbers(t, program, summed, saved, history))


def _fused(t: Trace, call: LayerCall) -> tuple[LayerResult, Quantities]:
    # One thread: then what is recorded lies in the order of the rows.
    kernel, given = fused.fitted(t, partial(fused.kernel_for, _plan_of(t)), call, threads=1)
    records = torch.empty(kernel.record_bytes, dtype=torch.uint8)
    y, last, _ = kernel.forward(fused.Kept(t).packed, False, True, *given, records.data_ptr())
    result = LayerResult(y, tuple(last))
    names = [name for name, _ in t.assignments if name not in t.state] + list(t.state[1:])
    directions, units, panel = len(call.directions), call.state[0].shape[-1], kernel.panel
    panels = -(-units // panel)  # of units, each with its rows below each other; the last 64 bytes are nobody's
    numbers = records[:-64].view(call.rows.dtype).view(directions, len(names), panels, len(call.rows), panel)
    rows = numbers.transpose(2, 3).reshape(directions, len(names), len(call.rows), panels * panel)[..., :units]
    found = [
        dict(zip(names, rows[d], strict=True)) | {t.state[0]: result.rows[:, d * units : (d + 1) * units]}
        for d in range(directions)
    ]
    return result, [{name: direction[name] for name, _ in t.assignments} for direction in found]


class _Watched(Cell):
    """A cell that keeps what its steps compute."""

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.steps: list[dict[str, Any]] = []

    def __call__(self, x: Any, h: Any, s: Any, p: Any) -> dict[str, Any]:
        computed = self.cell(x, h, s, p)
        self.steps.append({**computed, "": s[self.cell.state[0]]})
        return computed


def _loop(cell: Cell, t: Trace, call: LayerCall) -> tuple[LayerResult, Quantities]:
    watched = _Watched(cell)
    result = loop.run(watched, t, call)
    steps, found = len(call.batch_sizes), []
    for d in range(len(call.directions)):
        ran = watched.steps[d * steps : (d + 1) * steps]
        in_time = ran if d == 0 else ran[::-1]
        found.append({name: _rows([(step[name], step[""]) for step in in_time], call) for name, _ in t.assignments})
    return result, found


def _rows(values: list[tuple[Tensor | float, Tensor]], call: LayerCall) -> Tensor:
    """One quantity's values below each other; a constant, or one number for all units, is written out."""
    if not values:
        return call.rows.new_zeros(0, call.state[0].shape[-1])
    return torch.cat([torch.as_tensor(value).to(like).expand_as(like) for value, like in values])
