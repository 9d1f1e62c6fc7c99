"""The fused engine: a cell's compiled program run by the C++ kernels, as one autograd node for each layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from elman.engines.graphs import outside
from elman.engines.layer import ParameterShapes
from elman.engines.layout import LayerCall, LayerResult
from elman.engines.plans import plan_numbers
from elman.equations.tracing import Trace
from elman.errors import CellError, EngineError, ShapeError

_kernels: Any
try:
    _kernels = import_module("elman._kernels")
except ImportError:  # installed without a C++ compiler
    _kernels = None

#: Which build of the kernels runs; empty: the fastest that this processor can.
INSTRUCTION_SET = ""
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


@cache
def plan_of(t: Trace) -> Any:
    """A cell's plan, once for each cell."""
    return make_plan(plan_numbers(t))


def make_plan(numbers: tuple[Any, ...]) -> Any:
    """The kernels' own form of a plan.

    Raises:
        ValueError: the numbers don't hold together, or are more than the kernels have room for.
    """
    return _kernels.Plan(*numbers)


class Kept:
    """What the engine keeps of a layer from one call to the next.

    Attributes:
        plan: the cell's program.
        packed: the weights in the kernels' order, packed again when a number changes.
    """

    def __init__(self, t: Trace) -> None:
        self.plan = plan_of(t)
        self.packed = _kernels.PackedWeights()
        self._shapes = cache(lambda inputs, units: _shapes(t, inputs, units))

    def weights(self, call: LayerCall) -> list[Tensor | None]:
        """The weights of both directions, checked: the kernels only see addresses."""
        shapes = self._shapes(call.rows.shape[1] if call.tokens is None else None, call.state[0].shape[-1])
        dtype, found = call.rows.dtype, []
        for direction in call.directions:
            for name, shape in shapes:
                weight = direction.get(name) if shape else None
                if weight is None:
                    if shape and not name.startswith("bias"):
                        raise ShapeError(f"{name} should be {list(shape)} of {dtype} on cpu; it is missing")
                elif weight.shape != shape or weight.dtype is not dtype or not weight.is_cpu:
                    what = f"{list(weight.shape)} of {weight.dtype} on {weight.device}"
                    raise ShapeError(f"{name} should be {list(shape)} of {dtype} on cpu; it is {what}")
                found.append(weight)
        return found


def _shapes(t: Trace, inputs: int | None, units: int) -> tuple[tuple[str, tuple[int, ...]], ...]:
    shapes = ParameterShapes(t, units).of(inputs or 1, bias=True)
    if inputs is None:  # a table holds what the weights of the input would compute
        shapes = {name: shape for name, shape in shapes.items() if not name.endswith("_ih")}
    return tuple((name, shapes.get(name, ())) for name in PARAMETERS)


def run(t: Trace, call: LayerCall) -> LayerResult:
    """Run one layer; see `LayerCall` for shapes.

    Raises:
        ShapeError: a state or weight has another shape, dtype or device than the rows ask for, or the rows another number than the batch
            sizes.
        EngineError: (going back twice) the loop engine has second derivatives.
    """
    if torch.compiler.is_dynamo_compiling():  # by itself, as a graph broke above
        return _outside_of_graph(t, call)
    kept = call.kept.get("fused")
    if kept is None:
        kept = call.kept["fused"] = Kept(t)
    check(t, call)
    rows, tokens, weights = call.rows, call.tokens, kept.weights(call)
    kernel = kernel_for(kept.plan, call, torch.get_num_threads())
    tensors = [rows, *call.state, *weights]
    if torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in tensors):
        y, *last = _Layer.apply(kept, kernel, tokens, len(call.state), *tensors)  # type: ignore[no-untyped-call]
        return LayerResult(y, tuple(last))
    return forward(kept, kernel, tokens, len(call.state), in_order(tensors, rows=0))[0]


_outside_of_graph = outside(run)


def kernel_for(plan: Any, call: LayerCall, threads: int) -> Any:
    """The kernels' side of a call: sizes, and how the work is dealt out to threads."""
    rows = call.rows
    return _kernels.Call(
        plan, INSTRUCTION_SET, call.precision if rows.dtype is torch.float32 else "float64",
        rows.shape[1] if call.tokens is None else 1, call.state[0].shape[-1], len(call.directions), call.batch_sizes, threads,
    )  # fmt: skip


def records_at(address: int, size: int) -> Any:
    """What was recorded in memory that is somebody else's."""
    return _kernels.Records(address, size)


def check(t: Trace, call: LayerCall) -> None:
    """Rows and states fit each other: the kernels only see addresses."""
    rows, sizes = call.rows, call.batch_sizes
    if call.tokens is not None:
        _check_tokens(t, call, call.tokens)
    if (
        rows.dim() != 2
        or (call.tokens is None and rows.shape[0] != sum(sizes))
        or rows.dtype not in (torch.float32, torch.float64)
        or not rows.is_cpu
    ):
        what = f"{list(rows.shape)} of {rows.dtype} on {rows.device}"
        raise ShapeError(
            f"rows should be [{sum(sizes)}, inputs] of float32 or float64 on cpu, as the batch sizes say; they are {what}"
        )
    shape = (len(call.directions), *sizes[:1], call.state[0].shape[-1])
    for state in call.state:
        if state.shape != shape or state.dtype is not rows.dtype or not state.is_cpu:
            what = f"{list(state.shape)} of {state.dtype} on {state.device}"
            raise ShapeError(f"a state should be {list(shape)} of {rows.dtype} on cpu; it is {what}")


def _check_tokens(t: Trace, call: LayerCall, tokens: Tensor) -> None:
    count, width = sum(call.batch_sizes), len(call.directions) * len(t.x_gates) * call.state[0].shape[-1]
    if tokens.shape != (count,) or tokens.dtype is not torch.int64 or not tokens.is_cpu or not tokens.is_contiguous():
        what = f"{list(tokens.shape)} of {tokens.dtype} on {tokens.device}"
        raise ShapeError(f"tokens should be [{count}] of torch.int64 on cpu, one behind the other; they are {what}")
    if call.rows.dim() != 2 or call.rows.shape[1] != width:
        raise ShapeError(f"the table should be [tokens, {width}]; it is {list(call.rows.shape)}")


def forward(
    kept: Kept,
    kernel: Any,
    tokens: Tensor | None,
    states: int,
    tensors: list[Any],
    *,
    recording: bool = False,
    records_to: int = 0,
) -> tuple[LayerResult, Any]:
    """Outputs, last states, and what was recorded: at the address `records_to`, or in memory of the engine's own if that is 0."""
    rows, initial, weights = tensors[0], tensors[1 : 1 + states], tensors[1 + states :]
    y = rows.new_empty(
        ((rows if tokens is None else tokens).shape[0], len(weights) // len(PARAMETERS) * initial[0].shape[-1])
    )
    last = [torch.empty_like(s) for s in initial]
    records = kernel.forward(
        kept.packed, not recording, recording, rows.data_ptr(), rows.stride(0), _addresses(weights), _addresses(initial),
        _addresses(last), y.data_ptr(), y.shape[1], 0 if tokens is None else tokens.data_ptr(), rows.shape[0], records_to,
    )  # fmt: skip
    return LayerResult(y, tuple(last)), records


def _addresses(tensors: Sequence[Tensor | None]) -> list[int]:
    return [0 if x is None else x.data_ptr() for x in tensors]


def in_order(tensors: Sequence[Tensor | None], rows: int = -1) -> list[Any]:
    """Contiguous; rows may lie apart, as the kernels know their distance."""
    return [
        x if x is None or x.is_contiguous() or (k == rows and x.stride(1) == 1) else x.contiguous()
        for k, x in enumerate(tensors)
    ]


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, kept: Kept, kernel: Any, numbers: Tensor | None, states: int, *given: Tensor | None
    ) -> tuple[Tensor, ...]:
        tensors = in_order(given, rows=0)
        (y, last), ctx.records = forward(kept, kernel, numbers, states, tensors, recording=True)
        # Saved, the numbers too: whoever writes to one of these before going back is told so.
        ctx.save_for_backward(*tensors, y, numbers)
        ctx.kernel, ctx.states = kernel, states
        ctx.set_materialize_grads(False)
        return (y, *last)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor | None, *grad_last: Tensor | None) -> tuple[Any, ...]:
        if torch.is_grad_enabled():
            raise EngineError("the fused engine has no second derivatives; engine='loop' has")
        *saved, tokens = ctx.saved_tensors
        found = gradients(
            ctx.kernel, ctx.records, tokens, ctx.states, saved, (grad_y, *grad_last), ctx.needs_input_grad[4:]
        )  # fmt: skip
        return (None, None, None, None, *found)


def gradients(
    kernel: Any, records: Any, tokens: Tensor | None, states: int, saved: Sequence[Any], sent: Sequence[Tensor | None],
    wanted: Sequence[bool],
) -> list[Tensor | None]:  # fmt: skip
    """Gradients of rows, states and weights, from those that were sent to the outputs and the last states."""
    *tensors, y = saved
    rows, initial, weights = tensors[0], tensors[1 : 1 + states], tensors[1 + states :]
    grad_y, *last = in_order(sent)
    grad_rows = torch.empty(rows.shape, dtype=rows.dtype) if wanted[0] else None
    grad_initial = [torch.empty_like(s) for s in initial]
    grad_weights = [
        torch.empty_like(w) if w is not None and wanted_w else None
        for w, wanted_w in zip(weights, wanted[1 + states :], strict=True)
    ]
    kernel.backward(
        records, rows.data_ptr(), rows.stride(0), _addresses(weights), _addresses(initial), y.data_ptr(), y.shape[1],
        0 if grad_y is None else grad_y.data_ptr(), y.shape[1], _addresses(last),
        0 if grad_rows is None else grad_rows.data_ptr(), rows.shape[1], _addresses(grad_weights), _addresses(grad_initial),
        0 if tokens is None else tokens.data_ptr(), rows.shape[0],
    )  # fmt: skip
    return [grad_rows, *grad_initial, *grad_weights]
