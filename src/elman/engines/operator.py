"""The fused engine as operators of torch, which a compiler takes into its graph as they are: `elman::layer`, `elman::layer_backward`.

Their arguments are tensors, numbers and the cell's text, so a graph says what it computes and can be run in another process.
Outside of a graph `fused.run` does the same with less around it.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from elman.engines import fused
from elman.engines.layer import ParameterShapes
from elman.engines.layout import LayerCall, LayerResult
from elman.equations.cell_text import cell_from_text, cell_to_text
from elman.equations.tracing import Trace, trace
from elman.errors import CellError, EngineError, ShapeError

# `weights`: those that there are, in torch.nn's order, of one direction after the other. `runs`: steps and sequences of each stretch of
# steps with the same number of sequences, so that a padded input of any size is two numbers. `record_bytes`: 0 where nobody goes back.
torch.library.define(
    "elman::layer",
    "(Tensor rows, Tensor[] states, Tensor[] weights, str cell, str precision, SymInt[] runs, SymInt record_bytes)"
    " -> (Tensor, Tensor[], Tensor)",
)
torch.library.define(
    "elman::layer_backward",
    "(Tensor? grad_rows, Tensor?[] grad_states, Tensor rows, Tensor[] states, Tensor[] weights, Tensor outputs, Tensor records,"
    " str cell, str precision, SymInt[] runs, bool[] wanted) -> Tensor[]",
)
_SPARE = 64  # bytes at the end, which the kernels leave alone: here they say how many threads recorded, and so where whose rows are


def obstacle(t: Trace) -> str | None:
    """Why a graph can't hold this cell, or None."""
    try:
        cell_to_text(t)
    except CellError as error:
        return str(error)
    return None


class Constants(NamedTuple):
    """What a graph knows of a layer besides its tensors: the cell's text, and how many bytes are recorded for each row."""

    cell: str
    precision: str
    row_bytes: int


def constants(t: Trace, dtype: torch.dtype, precision: str, units: int, directions: int) -> Constants:
    """See `Constants`; worked out before the graph, as it asks the kernels."""
    rows, state = torch.empty(1, 1, dtype=dtype), torch.empty(units)
    call = LayerCall(rows, [1], [{}] * directions, (state,), {}, precision)
    return Constants(cell_to_text(t), precision, fused.kernel_for(fused.plan_of(t), call, 1).record_bytes - _SPARE)


def run(
    known: Constants,
    call: LayerCall,
    steps: int,
    states: int,
) -> LayerResult:
    """Put one layer of a padded input into the graph that is being compiled: `steps` steps, of which the call has one batch size."""
    call = call.spelled_out(states)
    rows, (batch,) = call.rows, call.batch_sizes
    weights = [w for direction in call.directions for w in direction.values()]
    going_back = torch.is_grad_enabled() and any(x.requires_grad for x in (rows, *call.state, *weights))
    record_bytes = rows.shape[0] * known.row_bytes + _SPARE if going_back else 0
    y, last, _ = torch.ops.elman.layer(
        rows, list(call.state), weights, known.cell, known.precision, [steps, batch], record_bytes
    )
    return LayerResult(y, tuple(last))


class _Cell:
    """What the operators know of a cell: its trace, and the names of a direction's weights by how many they are."""

    def __init__(self, text: str) -> None:
        self.trace = trace(cell_from_text(text))
        names = [tuple(ParameterShapes(self.trace, 1).of(1, bias=bias)) for bias in (True, False)]
        self.names = {len(n): n for n in names}
        self.kept: Any = WeakIdKeyDictionary()

    def kept_of(self, first: Tensor, *, again: bool) -> Any:
        """What is kept of the layer with this first weight, as long as that lives, if the same weights may come again."""
        kept = self.kept.get(first) if again else None
        if kept is None:
            kept = fused.Kept(self.trace)
            if again:
                self.kept[first] = kept
        return kept


_cell = cache(_Cell)


def _call(
    rows: Tensor, states: list[Tensor], weights: list[Tensor], cell: str, precision: str, runs: list[int]
) -> LayerCall:
    """The arguments as the engine takes them, checked: the kernels only see addresses.

    Raises:
        ShapeError: they don't belong together.
    """
    sizes = [batch for steps, batch in zip(runs[::2], runs[1::2], strict=True) for _ in range(steps)]
    found = _cell(cell)
    directions = states[0].shape[0] if len(states) == len(found.trace.state) and states[0].dim() == 3 else 0
    if directions not in (1, 2):
        given = [list(s.shape) for s in states]
        raise ShapeError(
            f"states should be {', '.join(found.trace.state)}, each [directions, batch, units]; got {given}"
        )
    names = found.names.get(len(weights) // directions)
    if names is None or len(weights) != len(names) * directions:
        raise ShapeError(f"{directions} direction(s) of cell {found.trace.name} can't have {len(weights)} weights")
    each = [weights[d * len(names) : (d + 1) * len(names)] for d in range(directions)]
    return LayerCall(rows, sizes, [dict(zip(names, some, strict=True)) for some in each], tuple(states), {}, precision)


def _layer(
    rows: Tensor,
    states: list[Tensor],
    weights: list[Tensor],
    cell: str,
    precision: str,
    runs: list[int],
    record_bytes: int,
) -> tuple[Tensor, list[Tensor], Tensor]:
    call = _call(rows, states, weights, cell, precision, runs)
    kept = _cell(cell).kept_of(weights[0], again=not record_bytes)
    threads = torch.get_num_threads()
    kernel, given = fused.fitted(_cell(cell).trace, kept.kernel, call, threads)
    records = torch.empty(record_bytes, dtype=torch.uint8)
    if record_bytes:
        if record_bytes < kernel.record_bytes:
            raise EngineError("this graph was made by other kernels, which record less; compile it again")
        _threads_of(records)[:] = threads
    recording = bool(record_bytes)
    y, last, _ = kernel.forward(kept.packed, not recording, recording, *given, records.data_ptr())
    return y, last, records


def _layer_backward(
    grad_rows: Tensor | None, grad_states: list[Tensor | None], rows: Tensor, states: list[Tensor], weights: list[Tensor],
    outputs: Tensor, records: Tensor, cell: str, precision: str, runs: list[int], wanted: list[bool],
) -> list[Tensor]:  # fmt: skip
    if not records.numel():
        raise EngineError("nothing was recorded for going back: record_bytes was 0")
    call = _call(rows, states, weights, cell, precision, runs)
    found_cell = _cell(cell).trace
    make = partial(fused.kernel_for, fused.plan_of(found_cell))
    kernel, given = fused.fitted(found_cell, make, call, int(_threads_of(records)[0]))
    flags = iter(wanted[1:])
    # The kernels have a place for weights that a cell does without.
    asked = (wanted[0], *[True] * len(states), *[w is not None and next(flags) for w in given.weights])
    recorded = fused.records_at(records.data_ptr(), kernel.record_bytes)
    found = fused.gradients(kernel, recorded, given, outputs, grad_rows, grad_states, asked)
    return [g for g in found if g is not None]


def _threads_of(records: Tensor) -> Any:
    return records.numpy()[-_SPARE:].view(np.int64)


def _like_layer(rows: Tensor, states: list[Tensor], *others: Any) -> tuple[Tensor, list[Tensor], Tensor]:
    """Shapes without numbers, for a graph."""
    directions, _, units = states[0].shape
    outputs, record_bytes = rows.new_empty(rows.shape[0], directions * units), others[-1]
    return outputs, [s.new_empty(s.shape) for s in states], rows.new_empty(record_bytes, dtype=torch.uint8)


def _like_layer_backward(*arguments: Any) -> list[Tensor]:
    rows, states, weights = arguments[2:5]
    of_rows, *of_weights = arguments[-1]
    wanted = [w for w, flag in zip(weights, of_weights, strict=True) if flag]
    return [x.new_empty(x.shape) for x in ([rows] if of_rows else []) + states + wanted]


def _remember(ctx: Any, inputs: tuple[Any, ...], output: tuple[Any, ...]) -> None:
    rows, states, weights, *ctx.settings, _ = inputs
    ctx.save_for_backward(rows, *states, *weights, output[0], output[2])
    ctx.states = len(states)
    ctx.set_materialize_grads(False)


def _go_back(ctx: Any, grad_rows: Tensor | None, grad_states: list[Tensor | None], _: None) -> tuple[Any, ...]:
    rows, *tensors, outputs, records = ctx.saved_tensors
    states, weights = tensors[: ctx.states], tensors[ctx.states :]
    wanted = [ctx.needs_input_grad[0], *ctx.needs_input_grad[2]]
    found = iter(
        torch.ops.elman.layer_backward(
            grad_rows, list(grad_states), rows, states, weights, outputs, records, *ctx.settings, wanted
        )
    )
    of_rows = next(found) if wanted[0] else None
    of_states = [next(found) for _ in states]
    return of_rows, of_states, [next(found) if flag else None for flag in wanted[1:]], None, None, None, None


def _refuse(*_: Any) -> Any:
    raise EngineError("the fused engine has no second derivatives; engine='loop' has")


torch.library.impl("elman::layer", "CPU", _layer)
torch.library.impl("elman::layer_backward", "CPU", _layer_backward)
torch.library.register_fake("elman::layer", _like_layer)
torch.library.register_fake("elman::layer_backward", _like_layer_backward)
torch.library.register_autograd("elman::layer", _go_back, setup_context=_remember)
torch.library.register_autograd("elman::layer_backward", _refuse)
