"""The fused engine: a cell's compiled program run by the C++ kernels, as one autograd node for each layer."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from elman.engines.layer import ParameterShapes
from elman.engines.layout import LayerCall, LayerResult
from elman.equations.program import Program, compile_step
from elman.equations.tracing import Trace
from elman.errors import CellError, EngineError, ShapeError

_kernels: Any
try:
    _kernels = import_module("elman._kernels")
except ImportError:  # installed without a C++ compiler
    _kernels = None

OPERATIONS = (
    "+", "-", "*", "/", "negative", "sigmoid", "tanh", "relu", "softsign", "softplus", "exp", "log", "sqrt",
    "absolute", "sign", "positive", "maximum", "minimum",
)  # fmt: skip
#: Which build of the kernels runs; empty: the fastest that this processor can.
INSTRUCTION_SET = ""
COLUMN, STATE_OLD, STATE_NEW, VECTOR, SAVED, GRADIENT = range(6)
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_p")


def instruction_sets() -> tuple[str, ...]:
    """Builds of the kernels that this processor can run, fastest first; empty if Elman was installed without them."""
    return tuple(_kernels.instruction_sets()) if _kernels is not None else ()


def obstacle(t: Trace, dtype: torch.dtype, device: torch.device) -> str | None:
    """Why the fused engine can't run this cell here, or None."""
    if _kernels is None:
        return "Elman was installed without a C++ compiler, so its fused engine is missing"
    if t.obstacle:
        return t.obstacle
    if device.type != "cpu":
        return f"it runs on the CPU, and the weights are on {device.type}"
    if dtype not in (torch.float32, torch.float64):
        return f"it computes in float32 and float64, and the weights are {dtype}"
    try:
        plan_of(t)
    except (CellError, ValueError) as error:  # the kernels bound the size of a program
        return str(error)
    return None


@dataclass(frozen=True)
class Plan:
    """A cell's program in the kernels' terms.

    Attributes:
        kernel: the C++ object.
        keeps: the states, after the first, of which going back needs the value at every step.
        saved: how many other quantities are recorded going forward for going back.
    """

    kernel: Any
    keeps: frozenset[int]
    saved: int


@cache
def plan_of(t: Trace) -> Plan:
    """Translate a cell's compiled program; once for each cell."""
    programs = compile_step(t)
    summed = programs.summed_gates
    columns = [("a", k) for k in summed]
    columns += [("x", k) for k in t.x_gates if k not in summed] + [("h", k) for k in t.h_gates if k not in summed]
    x_block = [t.x_gates.index(k) if kind in "ax" else -1 for kind, k in columns]
    h_block = [t.h_gates.index(k) if kind in "ah" else -1 for kind, k in columns]
    saved = [name for name in programs.saved if name.removeprefix("q.") not in t.state or not name.startswith("q.")]
    slots = _Slots(t, {f"{kind}.{k}": c for c, (kind, k) in enumerate(columns)}, saved)
    forward = _program(programs.forward, slots.computed_from, slots.recorded)
    backward = _program(programs.backward, slots.given_back, slots.computed_from)
    kernel = _kernels.Plan(x_block, h_block, len(t.state), len(t.vectors), len(saved), *forward, *backward)
    keeps = frozenset(index for kind, index, _ in backward[2] if kind in (STATE_OLD, STATE_NEW) and index > 0)
    return Plan(kernel, keeps, len(saved))


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
    code = [[OPERATIONS.index(i.operation), i.result, i.operands[0], i.operands[-1]] for i in p.code]
    inputs = [[*of_input(name), place] for place, name in enumerate(p.inputs)]
    outputs = [[*of_output(name), place] for name, place in p.outputs]
    return code, list(p.constants), inputs, outputs, p.registers


class _Pool(threading.local):
    """Memory that calls hand on to each other: a fresh page costs more than what is computed on it."""

    def __init__(self) -> None:
        self.free: dict[int, list[Tensor]] = defaultdict(list)

    def take(self, size: int) -> Tensor:
        """At least `size` bytes; the least power of two times 4096 that holds them."""
        rounded = max(4096, 1 << (size - 1).bit_length()) if size else 4096
        found = self.free[rounded]
        return found.pop() if found else torch.empty(rounded, dtype=torch.uint8)

    def give(self, memory: Tensor) -> None:
        """Hand memory on; a few pieces of each size are kept."""
        kept = self.free[memory.numel()]
        if len(kept) < 8:
            kept.append(memory)


_pool = _Pool()


class _Records:
    """What going forward records for going back; handed on when the graph that holds it is gone."""

    def __init__(self, sizes: list[int]) -> None:
        self.pieces = [_pool.take(size) for size in sizes]

    @property
    def addresses(self) -> list[int]:
        return [piece.data_ptr() for piece in self.pieces]

    def __del__(self) -> None:
        for piece in self.pieces:
            _pool.give(piece)


def run(t: Trace, call: LayerCall) -> LayerResult:
    """Run one layer; see `LayerCall` for shapes.

    Raises:
        ShapeError: a weight has another shape, dtype or device than the rows ask for; the kernels only see addresses.
        EngineError: (going back twice) the loop engine has second derivatives.
    """
    plan = plan_of(t)
    _check(t, call)
    weights = [direction.get(name) for direction in call.directions for name in PARAMETERS]
    tensors = [call.rows, *call.state, *weights]
    recording = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in tensors)
    rows, *finals = _Layer.apply(  # type: ignore[no-untyped-call]
        plan, call.batch_sizes, len(call.state), recording, *tensors
    )
    return LayerResult(rows, tuple(finals))


def _check(t: Trace, call: LayerCall) -> None:
    shapes = ParameterShapes(t, call.state[0].shape[-1]).of(call.rows.shape[1], bias=True)
    for direction in call.directions:
        for name, shape in shapes.items():
            weight = direction.get(name)
            if weight is None and name.startswith("bias"):
                continue
            if weight is None or weight.shape != shape or weight.dtype != call.rows.dtype or not weight.is_cpu:
                found = "missing" if weight is None else f"{list(weight.shape)} of {weight.dtype} on {weight.device}"
                raise ShapeError(f"{name} should be {list(shape)} of {call.rows.dtype} on cpu; it is {found}")


class _Direction:
    """One direction of a layer: its kernel call and the addresses that go with it."""

    def __init__(
        self, plan: Plan, sizes: list[int], rows: Tensor, weights: Sequence[Tensor | None], units: int, *, reverse: bool
    ) -> None:
        threads = max(1, min(torch.get_num_threads(), sizes[0]))
        self.call = _kernels.Call(
            plan.kernel, INSTRUCTION_SET, rows.dtype == torch.float64, rows.shape[1], units, sizes, reverse, threads
        )
        self.weights = [0 if w is None else w.data_ptr() for w in weights]

    def scratch(self, *, back: bool) -> Tensor:
        return _pool.take(self.call.scratch(back) + 64)


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, plan: Plan, sizes: list[int], states: int, recording: bool, *tensors: Tensor | None
    ) -> tuple[Tensor, ...]:
        tensors = tuple(None if x is None else x.detach().contiguous() for x in tensors)
        rows, initial, weights = tensors[0], tensors[1 : 1 + states], tensors[1 + states :]
        assert rows is not None  # noqa: S101
        directions = len(weights) // len(PARAMETERS)
        units = initial[0].shape[-1]  # type: ignore[union-attr]
        y = rows.new_empty(rows.shape[0], directions * units)
        last = [torch.empty_like(s) for s in initial]  # type: ignore[arg-type]
        records = []
        for d in range(directions):
            mine = weights[d * len(PARAMETERS) : (d + 1) * len(PARAMETERS)]
            direction = _Direction(plan, sizes, rows, mine, units, reverse=d == 1)
            size = rows.shape[0] * units * rows.element_size()
            kept = [size if recording and k in plan.keeps else 0 for k in range(states)]
            record = _Records([size for size in kept if size] + ([size] * plan.saved if recording else []))
            addresses = iter(record.addresses)
            history = [next(addresses) if size else 0 for size in kept]
            saved = list(addresses) if recording else [0] * plan.saved
            scratch = direction.scratch(back=False)
            direction.call.forward(
                rows.data_ptr(), rows.shape[1], direction.weights, [s[d].data_ptr() for s in initial], [s[d].data_ptr() for s in last],  # type: ignore[index]
                y[:, d * units :].data_ptr(), y.shape[1], history, saved, scratch.data_ptr(),
            )  # fmt: skip
            _pool.give(scratch)
            records.append((record, history, saved))
        if recording:
            ctx.save_for_backward(*tensors, y)
            ctx.plan, ctx.sizes, ctx.states, ctx.records = plan, sizes, states, records
        return (y, *last)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor | None, *grad_last: Tensor | None) -> tuple[Any, ...]:
        if torch.is_grad_enabled():
            raise EngineError("the fused engine has no second derivatives; engine='loop' has")
        *tensors, y = ctx.saved_tensors
        rows, initial, weights = tensors[0], tensors[1 : 1 + ctx.states], tensors[1 + ctx.states :]
        units = initial[0].shape[-1]
        grad_y = None if grad_y is None else grad_y.contiguous()
        grad_last = tuple(None if g is None else g.contiguous() for g in grad_last)
        grad_rows = torch.empty_like(rows) if ctx.needs_input_grad[4] else None
        grad_initial = [torch.empty_like(s) for s in initial]
        grad_weights: list[Tensor | None] = [None if w is None else torch.empty_like(w) for w in weights]
        for d, (_, history, saved) in enumerate(ctx.records):
            part = slice(d * len(PARAMETERS), (d + 1) * len(PARAMETERS))
            direction = _Direction(ctx.plan, ctx.sizes, rows, weights[part], units, reverse=d == 1)
            scratch = direction.scratch(back=True)
            direction.call.backward(
                rows.data_ptr(), rows.shape[1], direction.weights, [s[d].data_ptr() for s in initial],
                y[:, d * units :].data_ptr(), y.shape[1], history, saved,
                0 if grad_y is None else grad_y[:, d * units :].data_ptr(), y.shape[1],
                [0 if g is None else g[d].data_ptr() for g in grad_last],
                0 if grad_rows is None else grad_rows.data_ptr(), rows.shape[1], d == 1,
                [0 if g is None else g.data_ptr() for g in grad_weights[part]],
                [g[d].data_ptr() for g in grad_initial], scratch.data_ptr(),
            )  # fmt: skip
            _pool.give(scratch)
        return (None, None, None, None, grad_rows, *grad_initial, *grad_weights)
