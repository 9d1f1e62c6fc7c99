"""The fused engine one step at a time: packed weights, states and workspace in one C++ object, which a step finds warm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from elman.engines import fused
from elman.engines.dispatch import check_precision
from elman.engines.layer import ParameterShapes
from elman.equations.tracing import Trace
from elman.errors import InputError, ShapeError


class Symbols(NamedTuple):
    """What turns symbols into the first layer's input maps, and the last layer's output into logits. G gates of x, V symbols.

    Attributes:
        table: [V, G * H], the input map of each symbol without bias; None where `embedding` is there.
        embedding: [V, I], which the first layer reads; None where `table` is there.
        told: [B, G * H], added at every step; None for nothing.
        weight, bias: of the head, [V, H] and [V].
    """

    table: Tensor | None
    embedding: Tensor | None
    told: Tensor | None
    weight: Tensor
    bias: Tensor | None


def check_stored(precision: str, dtype: torch.dtype) -> None:
    """Complain of a precision that is not there, or that weights of this type can't be stored in.

    A stream's "bf16" is about memory: matrices are stored as bfloat16, which halves what a step reads; it multiplies and adds in float32.
    So it is there on every engine, unlike the bfloat16 products of whole sequences.

    Raises:
        InputError: as said.
    """
    check_precision(precision, "auto")
    if precision == "bf16" and dtype != torch.float32:
        raise InputError(f"precision 'bf16' is for weights in float32; these are {dtype}")


def round_matrices(module: nn.Module) -> None:
    """Round the matrices of a module, in place, as a stream in bf16 stores them; biases, per-unit weights and embeddings stay."""
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if weight.dim() == 2 and not name.startswith("embedding"):
                weight.copy_(rounded(weight))


def rounded(matrix: Tensor) -> Tensor:
    """The nearest numbers that bfloat16 has, in float32."""
    return matrix.bfloat16().float()


def open_stream(
    t: Trace,
    layers: Sequence[Mapping[str, Tensor]],
    batch: int,
    precision: str,
    *,
    inputs: int,
    symbols: Symbols | None = None,
) -> Any:
    """The C++ object of a stream: layers of one cell, their weights by torch.nn's names without suffix. It keeps nothing of them.

    Args:
        t: the traced cell.
        layers: weights of each.
        batch: sequences side by side.
        precision: "float32" or "bf16".
        inputs: of the first layer; of no meaning where there is a table of symbols.
        symbols: for a stream that reads symbols and gives logits.

    Raises:
        ShapeError: a weight has another shape, dtype or device than the others ask for. InputError: too little memory.
    """
    like = next(iter(layers[0].values()))
    units = next(layers[0][n].shape[0] // len(g) for n, g in _gates(t))
    shapes = ParameterShapes(t, units)
    table = symbols is not None and symbols.table is not None
    kept: list[Tensor | None] = []  # what is read must live until it is read
    for number, weights in enumerate(layers):
        wanted = shapes.of(units if number else inputs, bias=True)
        if number == 0 and table:
            wanted.pop("weight_ih", None)
        kept += [
            _checked(f"{name}_l{number}", weights.get(name), wanted[name], like) if name in wanted else None
            for name in fused.PARAMETERS
        ]
    count = 0
    if symbols is not None:
        count, blocks = symbols.weight.shape[0], len(t.x_gates) * units
        more: dict[str, tuple[int, ...]] = {
            "told": (batch, blocks), "table": (count, blocks), "embedding": (count, inputs),
            "weight": (count, units), "bias": (count,),
        }  # fmt: skip
        for name, shape in more.items():
            value = getattr(symbols, name)
            kept.append(None if value is None else _checked(name, value, shape, like))
    addresses = [0 if w is None else w.data_ptr() for w in kept]
    threads = max(1, torch.get_num_threads())
    numbers = "float64" if like.dtype == torch.float64 else precision
    weights_end = len(layers) * len(fused.PARAMETERS)
    too_many = InputError(f"there is not enough memory for a stream of {batch} x {units} units")
    if batch >= 1 << 31:
        raise too_many
    try:
        return import_module("elman._kernels").Stream(
            fused.plan_of(t), fused.INSTRUCTION_SET, numbers, 0 if table else inputs, units, batch, threads,
            addresses[:weights_end], count, *(addresses[weights_end:] or [0] * 5),
        )  # fmt: skip
    except MemoryError:
        raise too_many from None


def _gates(t: Trace) -> list[tuple[str, tuple[str, ...]]]:
    """Parameters of a layer and the blocks of units in them, those that there are."""
    return [(n, g) for n, g in (("weight_hh", t.h_gates), ("weight_ih", t.x_gates), ("weight_p", t.vectors)) if g]


def _checked(name: str, weight: Tensor | None, shape: tuple[int, ...], like: Tensor) -> Tensor | None:
    """The weight as the kernels read it. A missing bias is none."""
    if weight is None and "bias" in name:
        return None
    if weight is None or weight.shape != shape or weight.dtype != like.dtype or not weight.is_cpu:
        found = "missing" if weight is None else f"{list(weight.shape)} of {weight.dtype} on {weight.device}"
        raise ShapeError(f"{name} should be {list(shape)} of {like.dtype} on cpu; it is {found}")
    return weight.detach().contiguous()
