"""Inputs and states as users of torch.nn give them, brought into the engines' layout and back, with errors that speak shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import PackedSequence

from elman.errors import InputError, ShapeError


class Rows(NamedTuple):
    """An input as rows, step after step, or as [T, B, I], and what is needed to give outputs back in the form it came in."""

    rows: Tensor
    steps: int
    batch: int
    packed: PackedSequence | None
    batched: bool
    batch_first: bool
    sizes: list[int] | None = None

    def batch_sizes(self) -> list[int]:
        """How many sequences are still running at each step."""
        return [self.batch] * self.steps if self.sizes is None else self.sizes

    def output(self, rows: Tensor) -> Tensor | PackedSequence:
        """Output rows in the form of the input."""
        if self.packed is not None:
            return PackedSequence(
                rows, self.packed.batch_sizes, self.packed.sorted_indices, self.packed.unsorted_indices
            )
        padded = rows if rows.dim() == 3 else rows.reshape(self.steps, self.batch, rows.shape[-1])
        if not self.batched:
            return padded[:, 0]
        return padded.transpose(0, 1) if self.batch_first else padded

    def order(self, state: Tensor, *, back: bool = False) -> Tensor:
        """A state [layers, B, H] in the order in which a PackedSequence sorted its sequences, or back."""
        if self.packed is None:
            return state
        indices = self.packed.unsorted_indices if back else self.packed.sorted_indices
        return state if indices is None else state.index_select(1, indices)


def to_rows(
    name: str, value: Tensor | PackedSequence, input_size: int, dtype: torch.dtype, *, batch_first: bool
) -> Rows:
    """Check an input and lay it out in the order of the steps.

    Raises:
        ShapeError: wrong rank, or another number of inputs. InputError: another dtype than the weights.
    """
    if isinstance(value, PackedSequence):
        sizes = value.batch_sizes.tolist()
        data = value.data
        _check_features(name, data, "[rows, inputs]", input_size, dtype)
        return Rows(data, len(sizes), sizes[0], value, batched=True, batch_first=batch_first, sizes=sizes)
    if not isinstance(value, Tensor):
        raise ShapeError(f"{name}: Expected input to be a tensor or a PackedSequence, got {type(value).__name__}")
    axes = "[sequences, steps, inputs]" if batch_first else "[steps, sequences, inputs]"
    if value.dim() not in (2, 3):
        raise ShapeError(
            f"{name}: Expected input to be 2D or 3D, [steps, inputs] or {axes}; got {value.dim()}D instead: {list(value.shape)}"
        )
    batched = value.dim() == 3
    _check_features(name, value, axes if batched else "[steps, inputs]", input_size, dtype)
    steps_first = value.unsqueeze(1) if not batched else value.transpose(0, 1).contiguous() if batch_first else value
    steps, batch, _ = steps_first.shape
    return Rows(steps_first, steps, batch, None, batched, batch_first)


def to_symbol_rows(symbols: Tensor | PackedSequence, inputs: Tensor, *, batch_first: bool) -> Rows:
    """The layout of symbols that each stand for a row of `inputs` [V, I]; these are the rows."""
    if isinstance(symbols, PackedSequence):
        sizes = symbols.batch_sizes.tolist()
        return Rows(inputs, len(sizes), sizes[0], symbols, batched=True, batch_first=batch_first, sizes=sizes)
    steps, batch = symbols.T.shape if batch_first else symbols.shape
    return Rows(inputs, steps, batch, None, batched=True, batch_first=batch_first)


def check_told(name: str, symbols: Tensor | PackedSequence, told: tuple[Tensor, Tensor], *, batch_first: bool) -> None:
    """Raise ShapeError, unless there is a number for each sequence."""
    numbers, rows = told
    if isinstance(symbols, PackedSequence) or rows.dim() != 2 or numbers.dtype != torch.int64:
        raise ShapeError(
            f"{name}: told is for symbols that are not packed: int64 numbers [sequences], and rows [C, inputs]"
        )
    if numbers.shape != (symbols.shape[0 if batch_first else 1],):
        raise ShapeError(f"{name}: told has numbers {list(numbers.shape)} for symbols {list(symbols.shape)}")


def looked_up(
    symbols: Tensor | PackedSequence, inputs: Tensor, told: tuple[Tensor, Tensor] | None, *, batch_first: bool
) -> Tensor | PackedSequence:
    """The row of `inputs` for each symbol, in the symbols' own form, and behind it what the sequence is told."""
    if isinstance(symbols, PackedSequence):
        return symbols._replace(data=functional.embedding(symbols.data, inputs))
    rows = functional.embedding(symbols, inputs)
    if told is None:
        return rows
    each = functional.embedding(told[0], told[1])
    return torch.cat([rows, (each[:, None] if batch_first else each).expand(*symbols.shape, -1)], -1)


def to_table(
    symbols: Tensor,
    inputs: Tensor,
    told: tuple[Tensor, Tensor] | None,
    directions: Sequence[Mapping[str, Tensor]],
    *,
    batch_first: bool,
) -> tuple[Tensor, Tensor]:
    """W x + b for all that may be read, [rows, gates * H] of all directions side by side, and the row of each symbol.

    Where sequences are told something, W [x, y] = W_x x + W_y y: two small products instead of one for all pairs.
    """
    products = []
    for w in directions:
        weight, bias = w["weight_ih"], w.get("bias_ih")
        product = functional.linear(inputs, weight[:, : inputs.shape[1]], bias)
        if told is not None:
            more = functional.linear(told[1], weight[:, inputs.shape[1] :])
            product = (product[:, None] + more).flatten(0, 1)
        products.append(product)
    if told is not None:
        if (
            not 0 <= int(told[0].min()) <= int(told[0].max()) < len(told[1])
        ):  # else it would stand for another symbol's row
            raise IndexError(f"a sequence is told a number outside 0 to {len(told[1]) - 1}")
        symbols = symbols * len(told[1]) + (told[0][:, None] if batch_first else told[0])
    return symbols, products[0] if len(products) == 1 else torch.cat(products, 1)


def _check_features(name: str, value: Tensor, axes: str, input_size: int, dtype: torch.dtype) -> None:
    if value.shape[-1] != input_size:
        raise ShapeError(
            f"{name}: input.size(-1) must be equal to input_size. Expected {input_size}, got {value.shape[-1]}: "
            f"the input is {axes} = {list(value.shape)}"
        )
    if value.dtype != dtype and not torch.is_autocast_enabled(value.device.type):
        raise InputError(
            f"RNN input dtype ({value.dtype}) does not match weight dtype ({dtype}): convert one with .to({dtype})"
        )


def to_states(
    name: str, names: tuple[str, ...], given: Any, rows: Rows, layers: int, directions: int, units: int
) -> tuple[Tensor, ...]:
    """Initial states [layers * directions, B, H] in the cell's order; none if None.

    Raises:
        ShapeError: another number of states, rank or size than expected.
    """
    if given is None:
        return ()
    full = (layers * directions, rows.batch, units)
    parts = tuple(given) if isinstance(given, (tuple, list)) else (given,)
    if len(parts) != len(names) or not all(isinstance(p, Tensor) for p in parts):
        what = f"the tuple ({', '.join(names)})" if len(names) > 1 else f"one tensor, {names[0]}"
        got = f"{len(parts)} of them" if not isinstance(given, Tensor) else "one tensor"
        raise ShapeError(
            f"{name}: the state is {what}, each [layers x directions, batch, units] = {list(full)}; got {got}"
        )
    return tuple(rows.order(_checked(name, k, p, full, rows)) for k, p in zip(names, parts, strict=True))


def _checked(name: str, state: str, tensor: Tensor, full: tuple[int, int, int], rows: Rows) -> Tensor:
    if tensor.dtype != rows.rows.dtype and not torch.is_autocast_enabled(tensor.device.type):
        raise ShapeError(
            f"{name}: state {state} is {tensor.dtype}, the input {rows.rows.dtype}: convert one with .to()"
        )
    wanted = full if rows.batched else (full[0], full[2])
    axes = "[layers x directions, batch, units]" if rows.batched else "[layers x directions, units]"
    if tuple(tensor.shape) == wanted:
        return tensor if rows.batched else tensor.unsqueeze(1)
    hint = ""
    if tensor.dim() == len(wanted) - 1 and tuple(tensor.shape) == wanted[1:]:
        hint = ": is the layer axis missing?"
    elif tensor.dim() == 3 and rows.batched and tuple(tensor.shape) == (full[1], full[0], full[2]):
        hint = ": the layer axis comes first, also where batch_first=True"
    elif tensor.dim() == 3 and tensor.shape[1] != full[1] and tensor.shape[2] == full[2]:
        hint = f": the state is of a batch of {tensor.shape[1]}, the input of {full[1]}"
    kind = "unbatched 2-D" if not rows.batched else "batched 3-D"
    rank = (
        f"For {kind} input, hx should also be {len(wanted)}-D but got {tensor.dim()}-D: "
        if tensor.dim() != len(wanted)
        else ""
    )
    raise ShapeError(
        f"{name}: {rank}Expected hidden size {wanted}, got {list(tensor.shape)}: state {state} is {axes} = {list(wanted)}{hint}"
    )
