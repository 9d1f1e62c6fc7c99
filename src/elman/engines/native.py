"""torch's own recurrent kernels for the three standard cells, recognised by their equations."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import torch
from torch import Tensor

from elman.cells import GRU, LSTM, Elman
from elman.cells.cell import Cell
from elman.engines.layout import LayerCall, LayerResult
from elman.equations.tracing import Trace, trace
from elman.errors import EngineError


@cache
def _standard() -> dict[object, str]:
    cells: dict[str, Cell] = {"lstm": LSTM(), "gru": GRU(), "rnn_tanh": Elman("tanh"), "rnn_relu": Elman("relu")}
    return {_identity(trace(cell)): kernel for kernel, cell in cells.items()}


def _identity(t: Trace) -> object:
    return t.gates, t.state, t.vectors, t.assignments


def kernel_of(t: Trace) -> str | None:
    """The name of torch's kernel with just these equations, or None. A cell that was read back from text is recognised too."""
    return _standard().get(_identity(t))


def run(t: Trace, call: LayerCall) -> LayerResult:
    """Run one layer with torch's kernel; see `LayerCall` for shapes.

    Raises:
        EngineError: torch has no kernel for these equations.
    """
    kernel = kernel_of(t)
    if kernel is None:
        raise EngineError(f"torch has no kernel for cell {t.name}; engine='loop' runs any cell")
    bias = "bias_ih" in call.directions[0]
    names = ["weight_ih", "weight_hh"] + (["bias_ih", "bias_hh"] if bias else [])
    weights = [direction[name] for direction in call.directions for name in names]
    state: list[Tensor] | Tensor = list(call.state) if kernel == "lstm" else call.state[0]
    function = getattr(torch, kernel)
    both = len(call.directions) == 2
    training = (
        torch.is_grad_enabled()
    )  # cuDNN computes gradients in training mode only; without dropout nothing else depends on it
    if all(a == b for a, b in pairwise(call.batch_sizes)):
        padded = call.rows.view(len(call.batch_sizes), call.batch_sizes[0], -1)
        output, *final = function(padded, state, weights, bias, 1, 0.0, training, both, False)
        output = output.reshape(call.rows.shape[0], -1)
    else:
        sizes = torch.tensor(call.batch_sizes, dtype=torch.int64)
        output, *final = function(call.rows, sizes, state, weights, bias, 1, 0.0, training, both)
    return LayerResult(output, tuple(final))
