"""The fused engine: a cell's compiled program run by the C++ kernels, as one autograd node for each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

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
    _kernels.look_at(Tensor, torch.nn.Parameter)
except ImportError:  # installed without a C++ compiler
    _kernels = None

#: Which build of the kernels runs; empty: the fastest that this processor can.
INSTRUCTION_SET = ""
PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_p")
#: The same beside a table, which holds what the weights of the input would compute.
OF_TABLE = ("", "weight_hh", "", "bias_hh", "weight_p")


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
        self._last: tuple[Any, list[int], Any] = None, [], None

    def kernel(self, call: LayerCall, threads: int) -> Any:
        """As `kernel_for`, and the same again for a call of the same sizes: making it takes a tenth of a small layer's time."""
        asked = (*_asked(call), threads)
        known, sizes, kernel = self._last  # another thread may be about to replace it
        if known != asked or sizes != call.batch_sizes:
            kernel = kernel_for(self.plan, call, threads)
            self._last = asked, call.batch_sizes, kernel
        return kernel


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
    kernel, given = fitted(t, kept.kernel, call, torch.get_num_threads())
    if torch.is_grad_enabled():
        tensors = (given.rows, *given.states, *given.weights)
        if any(x is not None and x.requires_grad for x in tensors):
            y, *last = _Layer.apply(kept.packed, kernel, given.tokens, len(given.states), *tensors)  # type: ignore[no-untyped-call]
            return LayerResult(y, tuple(last))
    y, last, _ = kernel.forward(kept.packed, True, False, *given, 0)
    return LayerResult(y, tuple(last))


_outside_of_graph = outside(run)


class Given(NamedTuple):
    """The tensors of a call as the kernels read them: states in the cell's order or none for zeros, and five weights of each direction.

    Those are `PARAMETERS`, with None for what a cell does without.
    """

    rows: Tensor
    tokens: Tensor | None
    states: list[Tensor]
    weights: list[Tensor | None]


def fitted(t: Trace, make: Callable[[LayerCall, int], Any], call: LayerCall, threads: int) -> tuple[Any, Given]:
    """The kernels' side of a call, from `make(call, threads)`, and its tensors in the form in which the kernels read them.

    Raises:
        ShapeError: see `run`.
    """
    names = PARAMETERS if call.tokens is None else OF_TABLE
    weights = [w.get(name) for w in call.directions for name in names]
    given = Given(call.rows, call.tokens, list(call.state), weights)
    try:
        kernel = make(call, threads)
        if kernel.fits(*given):
            return kernel, given
    except (TypeError, ValueError):
        check(t, call)
        raise
    check(t, call)
    given = Given(
        _plain(call.rows),
        call.tokens,
        [_plain(s) for s in call.state],
        [w if w is None else _plain(w) for w in weights],
    )
    if not kernel.fits(*given):
        raise ShapeError(
            "the fused engine reads numbers in memory, and some of these tensors have none (fake, mapped); engine='loop' takes any"
        )
    return kernel, given


def _plain(tensor: Tensor) -> Tensor:
    return tensor.as_subclass(Tensor).contiguous()


def kernel_for(plan: Any, call: LayerCall, threads: int) -> Any:
    """The kernels' side of a call: sizes, and how the work is dealt out to threads."""
    return _kernels.LayerCall(plan, *_asked(call), call.batch_sizes, threads)


def _asked(call: LayerCall) -> tuple[str, str, int, int, int]:
    numbers = call.precision if call.rows.dtype is torch.float32 else "float64"
    inputs = call.rows.shape[-1] if call.tokens is None else 1
    return INSTRUCTION_SET, numbers, inputs, call.units, len(call.directions)


def records_at(address: int, size: int) -> Any:
    """What was recorded in memory that is somebody else's."""
    return _kernels.Records(address, size)


def head_of_rows(threads: int) -> Any:
    """The kernels' side of the end of a language model; see `head.nats_of_rows`."""
    return _kernels.HeadOfRows(INSTRUCTION_SET, threads)


def check(t: Trace, call: LayerCall) -> None:
    """Say what does not fit, if something does not: the kernels know only that.

    Raises:
        ShapeError: see `run`.
    """
    sizes = call.batch_sizes
    if call.rows.dim() == 3 and (call.tokens is not None or list(call.rows.shape[:2]) != [len(sizes), *sizes[:1]]):
        raise ShapeError(
            f"rows should be [steps, sequences, inputs] for batch sizes {sizes}; they are {list(call.rows.shape)}"
        )
    call = call.spelled_out(len(t.state))
    rows = call.rows
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
    if len(call.state) != len(t.state):
        raise ShapeError(f"cell {t.name} has the states {', '.join(t.state)}; there are {len(call.state)}")
    shape = (len(call.directions), *sizes[:1], call.units)
    for state in call.state:
        if state.shape != shape or state.dtype is not rows.dtype or not state.is_cpu:
            what = f"{list(state.shape)} of {state.dtype} on {state.device}"
            raise ShapeError(f"a state should be {list(shape)} of {rows.dtype} on cpu; it is {what}")
    shapes = ParameterShapes(t, call.units).of(rows.shape[1], bias=True)
    for direction in call.directions:
        for name, wanted in shapes.items():
            if call.tokens is None or name in OF_TABLE:
                _check_weight(name, direction.get(name), wanted, rows.dtype)


def _check_weight(name: str, weight: Tensor | None, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if weight is None and name.startswith("bias"):
        return
    if weight is None or weight.shape != shape or weight.dtype is not dtype or not weight.is_cpu:
        what = "missing" if weight is None else f"{list(weight.shape)} of {weight.dtype} on {weight.device}"
        raise ShapeError(f"{name} should be {list(shape)} of {dtype} on cpu; it is {what}")


def _check_tokens(t: Trace, call: LayerCall, tokens: Tensor) -> None:
    count, width = sum(call.batch_sizes), len(call.directions) * len(t.x_gates) * call.units
    if tokens.shape != (count,) or tokens.dtype is not torch.int64 or not tokens.is_cpu or not tokens.is_contiguous():
        what = f"{list(tokens.shape)} of {tokens.dtype} on {tokens.device}"
        raise ShapeError(f"tokens should be [{count}] of torch.int64 on cpu, one behind the other; they are {what}")
    if call.rows.dim() != 2 or call.rows.shape[1] != width:
        raise ShapeError(f"the table should be [tokens, {width}]; it is {list(call.rows.shape)}")


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, packed: Any, kernel: Any, tokens: Tensor | None, states: int, *tensors: Tensor | None
    ) -> tuple[Tensor, ...]:
        rows, initial, weights = tensors[0], list(tensors[1 : 1 + states]), list(tensors[1 + states :])
        y, last, ctx.records = kernel.forward(packed, False, True, rows, tokens, initial, weights, 0)
        # Saved, the tokens too: whoever writes to one of these before going back is told so.
        ctx.save_for_backward(y, tokens, *tensors)
        ctx.kernel, ctx.states = kernel, states
        ctx.set_materialize_grads(False)
        return (y, *last)

    @staticmethod
    def backward(ctx: Any, grad_y: Tensor | None, *grad_last: Tensor | None) -> tuple[Any, ...]:
        if torch.is_grad_enabled():
            raise EngineError("the fused engine has no second derivatives; engine='loop' has")
        y, tokens, rows, *others = ctx.saved_tensors
        given = Given(rows, tokens, others[: ctx.states], others[ctx.states :])
        found = gradients(ctx.kernel, ctx.records, given, y, grad_y, grad_last, ctx.needs_input_grad[4:])
        return (None, None, None, None, *found)


def gradients(
    kernel: Any, records: Any, given: Given, y: Tensor, grad_y: Tensor | None, grad_last: Sequence[Tensor | None],
    wanted: tuple[bool, ...],
) -> list[Tensor | None]:  # fmt: skip
    """Gradients of rows, states and weights where they are wanted, from those that were sent to the outputs and the last states."""
    grad_y, *last = (g if g is None or g.is_contiguous() else g.contiguous() for g in (grad_y, *grad_last))
    found: list[Tensor | None] = kernel.backward(records, *given, y, grad_y, last, wanted)
    return found
