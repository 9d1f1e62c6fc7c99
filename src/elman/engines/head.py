"""The end of a language model, as one autograd node: logits of every row, and the cross entropy with what followed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from elman.engines import fused
from elman.engines.graphs import outside
from elman.errors import EngineError, ShapeError


def nats_of_rows(rows: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    """The sum of -ln softmax(W x_n + b)[target_n] over the rows that count, by the kernels: on the CPU, in float32 or float64.

    Args:
        rows: x [N, H].
        weight: W [V, H].
        bias: b [V], or None.
        targets: int64 [N], from 0 to V - 1; -1 for a row that does not count.

    Raises:
        ShapeError: a tensor has another shape, dtype or device than the others ask for. IndexError: a target is no symbol's number.
        EngineError: (going back twice) the kernels have no second derivatives.
    """
    if torch.compiler.is_dynamo_compiling():
        return _outside_of_graph(rows, weight, bias, targets)
    nats: Tensor = _Nats.apply(rows, weight, bias, targets)  # type: ignore[no-untyped-call]
    return nats


_outside_of_graph = outside(nats_of_rows)


class _Nats(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
        rows, weight, targets = rows.contiguous(), weight.contiguous(), targets.contiguous()
        ctx.kernel = fused.head_of_rows(torch.get_num_threads())
        nats = ctx.kernel.forward(rows, weight, bias, targets)
        if nats is None:
            given = ", ".join(
                "none" if x is None else f"{list(x.shape)} of {x.dtype} on {x.device}"
                for x in (rows, weight, bias, targets)
            )
            raise ShapeError(
                f"rows [N, H], weight [V, H], bias [V] or none and targets [N] of torch.int64 belong on the cpu, of one type; got {given}"
            )
        # Whoever writes to one of these before going back is told so.
        ctx.save_for_backward(rows, weight, bias, targets)
        return torch.tensor(nats, dtype=rows.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise EngineError("the fused engine has no second derivatives; engine='loop' has")
        return *ctx.kernel.backward(*ctx.saved_tensors, grad.item(), *ctx.needs_input_grad[:3]), None
