"""Sides that are torch modules: ours, torch.nn padded and packed, and both in bfloat16."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import elman.nn
from bench.case import Case, LeftOutError, Side

BF16_TOLERANCE = 0.1  # torch.nn with weights and state in bfloat16, over hundreds of steps


def module_side(
    name: str,
    module: nn.Module,
    case: Case,
    *,
    packed: bool = False,
    dtype: torch.dtype = torch.float32,
    tolerance: float = 1e-4,
) -> Side:
    """A module with torch.nn's parameters and calls, on the case's weights."""
    module.load_state_dict(case.weights)
    module.to(dtype)
    xs, cotangent = case.xs.to(dtype), case.cotangent.to(dtype)
    given: Any = pack_padded_sequence(xs, case.lengths, enforce_sorted=False) if packed else xs
    if packed:
        cotangent = pack_padded_sequence(cotangent, case.lengths, enforce_sorted=False).data

    def forward() -> Any:
        with torch.no_grad():
            return module(given)[0]

    def step() -> None:
        module.zero_grad()
        output = module(given)[0]
        (output.data if packed else output).backward(cotangent)

    def output() -> Tensor:
        found: Tensor = pad_packed_sequence(forward(), total_length=case.workload.steps)[0] if packed else forward()
        return found.float()

    def gradients() -> dict[str, Tensor]:
        step()
        return {name: p.grad.float() for name, p in module.named_parameters() if p.grad is not None}

    return Side(name, forward, step, output, gradients, tolerance)


def padded(case: Case) -> Side:
    """torch.nn as it is mostly called. On ragged input it computes behind the ends, too, and does not need to look at them."""
    return module_side("torch padded", getattr(nn, case.cell)(**case.sizes), case)


def packed(case: Case) -> Side | None:
    """torch.nn's path for ragged input, which right last states need."""
    if not case.workload.ragged:
        return None
    return module_side("torch packed", getattr(nn, case.cell)(**case.sizes), case, packed=True)


def ours(case: Case) -> Side:
    """`elman.nn` as a user calls it."""
    return module_side("elman", getattr(elman.nn, case.cell)(**case.sizes), case, packed=case.workload.ragged)


def torch_bf16(case: Case) -> Side | None:
    """torch.nn converted to bfloat16."""
    if not case.workload.bf16:
        return None
    module = getattr(nn, case.cell)(**case.sizes)
    side = module_side("torch bf16", module, case, dtype=torch.bfloat16, tolerance=BF16_TOLERANCE)
    try:
        side.gradients()
    except RuntimeError as error:  # which processors its kernels take differs between versions
        raise LeftOutError(f"torch.nn.{case.cell} in bfloat16, which torch refuses here: {error}") from None
    return side


def ours_bf16(case: Case) -> Side | None:
    """`elman.nn` with products in bfloat16 and sums in float32, where this version has it."""
    kind = getattr(elman.nn, case.cell)
    if not case.workload.bf16 or "precision" not in inspect.signature(kind).parameters:
        return None
    return module_side("elman bf16", kind(**case.sizes, precision="bf16"), case, tolerance=BF16_TOLERANCE)


def builders(case: Case) -> list[Callable[[], Side | None]]:
    """Padded torch.nn comes first: it is what the others must agree with."""
    return [partial(build, case) for build in (padded, ours, packed, torch_bf16, ours_bf16)]
