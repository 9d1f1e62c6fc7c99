"""`Recurrent.read`: symbols that stand for rows of a matrix, against the same rows looked up one by one."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

import elman.nn
from elman.engines import fused
from elman.errors import ShapeError
from elman.nn import Recurrent


def results(
    module: Recurrent, symbols: torch.Tensor, inputs: torch.Tensor, state: Any, *, looked_up: bool
) -> list[Any]:
    inputs = inputs.clone().requires_grad_()
    state = None if state is None else state.clone().requires_grad_()
    module.zero_grad()
    output, final = module(inputs[symbols], state) if looked_up else module.read(symbols, inputs, state)
    finals = final if isinstance(final, tuple) else (final,)
    weight = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view(output.shape)
    ((output * weight).sum() + sum((f * f).sum() for f in finals)).backward()
    return [output, *finals, inputs.grad, *(p.grad for p in module.parameters())] + (
        [] if state is None else [state.grad]
    )


@pytest.mark.parametrize("kernels", fused.instruction_sets() or [""])
@pytest.mark.parametrize("cell", ["elman", "gru", "lstm", "mingru", "indrnn", "gru-cho"])
@pytest.mark.parametrize(("layers", "both", "batch_first"), [(1, False, True), (2, True, False), (1, True, True)])
def test_the_same_as_looking_up(
    cell: str, layers: int, both: bool, batch_first: bool, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "INSTRUCTION_SET", kernels)
    for symbols, features, units, steps, batch in ((5, 7, 9, 6, 4), (11, 20, 70, 9, 13)):
        module = Recurrent(
            cell, features, units, layers, batch_first=batch_first, bidirectional=both, dtype=torch.float64
        )
        inputs = torch.randn(symbols, features, dtype=torch.float64)
        tokens = torch.randint(symbols, (batch, steps) if batch_first else (steps, batch))
        state = torch.randn(layers * (1 + both), batch, units, dtype=torch.float64) if cell == "gru" else None
        expected = results(module, tokens, inputs, state, looked_up=True)
        got = results(module, tokens, inputs, state, looked_up=False)
        for a, b in zip(expected, got, strict=True):
            assert torch.allclose(a, b, rtol=1e-11, atol=1e-11)


def packed_results(module: Recurrent, symbols: PackedSequence, inputs: torch.Tensor, *, looked_up: bool) -> list[Any]:
    inputs = inputs.clone().requires_grad_()
    module.zero_grad()
    rows = symbols._replace(data=nn.functional.embedding(symbols.data, inputs))
    output, final = module(rows) if looked_up else module.read(symbols, inputs)
    for there, wanted in zip(output[1:], symbols[1:], strict=True):
        assert there is wanted or torch.equal(there, wanted), "packed as the symbols are"
    finals = final if isinstance(final, tuple) else (final,)
    padded, _ = nn.utils.rnn.pad_packed_sequence(output, batch_first=True)
    weight = torch.linspace(-1, 1, padded.numel(), dtype=padded.dtype).view(padded.shape)
    ((padded * weight).sum() + sum((f * f).sum() for f in finals)).backward()
    return [padded, *finals, inputs.grad, *(p.grad for p in module.parameters())]


@pytest.mark.parametrize("engine", ["fused", "loop"])
@pytest.mark.parametrize("lengths", [[4, 9, 1, 6], [7, 7, 7], [1], [12, 3]], ids=str)
@pytest.mark.parametrize(("cell", "layers", "both"), [("gru", 1, False), ("lstm", 2, True), ("elman", 1, True)])
def test_packed_symbols(cell: str, layers: int, both: bool, lengths: list[int], engine: str) -> None:
    """Ragged sequences, in no order of length: values, final states and all gradients."""
    module = Recurrent(cell, 6, 10, layers, bidirectional=both, dtype=torch.float64, engine=engine)
    draw = torch.Generator().manual_seed(1)
    tokens = torch.randint(4, (len(lengths), max(lengths)), generator=draw)
    symbols = nn.utils.rnn.pack_padded_sequence(tokens, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    inputs = torch.randn(4, 6, dtype=torch.float64, generator=draw)
    expected = packed_results(module, symbols, inputs, looked_up=True)
    for a, b in zip(expected, packed_results(module, symbols, inputs, looked_up=False), strict=True):
        assert torch.allclose(a, b, rtol=1e-11, atol=1e-11)


def test_without_biases_and_in_bf16() -> None:
    module = elman.nn.GRU(6, 40, bias=False)
    inputs, tokens = torch.randn(4, 6), torch.randint(4, (7, 5))
    assert torch.allclose(module.read(tokens, inputs)[0], module(inputs[tokens])[0], atol=1e-6)
    if fused.instruction_sets():
        rounded = elman.nn.GRU(6, 40, precision="bf16")
        assert torch.allclose(rounded.read(tokens, inputs)[0], rounded(inputs[tokens])[0], atol=2e-2)


def test_few_symbols_and_frozen_inputs() -> None:
    module, inputs = elman.nn.LSTM(6, 8), nn.functional.one_hot(torch.arange(6)).float()
    tokens = torch.tensor([[0, 5]])
    assert torch.allclose(module.read(tokens, inputs)[0], module(inputs[tokens])[0], atol=1e-6)
    long = torch.randint(6, (9, 3))
    module.read(long, inputs)[0].sum().backward()
    assert module.weight_ih_l0.grad is not None


def test_what_does_not_fit() -> None:
    module = elman.nn.GRU(6, 8)
    with pytest.raises(ShapeError, match="symbols are int64 of two axes"):
        module.read(torch.zeros(3, 4), torch.randn(2, 6))
    with pytest.raises(ShapeError, match="Expected 6, got 5"):
        module.read(torch.zeros(3, 4, dtype=torch.int64), torch.randn(2, 5))
    packed = nn.utils.rnn.pack_padded_sequence(torch.zeros(4, 3, 1), torch.tensor([4, 2, 1]))
    with pytest.raises(ShapeError, match="packed"):
        module.read(packed, torch.randn(2, 6))
    with pytest.raises(ShapeError, match="packed"):
        module.read(packed._replace(data=packed.data[:, 0]), torch.randn(2, 6))
    for wrong in (-1, 2):
        with pytest.raises(IndexError):
            module.read(torch.full((3, 4), wrong), torch.randn(2, 6))


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("engine", ["auto", "loop"])
@pytest.mark.parametrize("both", [False, True])
def test_sequences_that_are_told_something(both: bool, engine: str, batch_first: bool) -> None:
    module = Recurrent("gru", 9, 6, batch_first=batch_first, bidirectional=both, engine=engine, dtype=torch.float64)
    inputs, rows = (torch.randn(s, dtype=torch.float64, requires_grad=True) for s in ((5, 7), (3, 2)))
    tokens, kinds = torch.randint(5, (4, 11) if batch_first else (11, 4)), torch.tensor([2, 0, 2, 1])
    each = rows[kinds][:, None] if batch_first else rows[kinds]
    spelled_out = torch.cat([inputs[tokens], each.expand(*tokens.shape, 2)], -1)
    leaves = [inputs, rows, *module.parameters()]
    found, wanted = (
        [y, *torch.autograd.grad(y.square().sum(), leaves)]
        for y in (module.read(tokens, inputs, told=(kinds, rows))[0], module(spelled_out)[0])
    )
    assert all(torch.allclose(a, b, rtol=1e-11, atol=1e-11) for a, b in zip(found, wanted, strict=True))


def test_told_what_does_not_fit() -> None:
    module, inputs, rows = Recurrent("gru", 9, 6), torch.randn(2, 7), torch.randn(3, 2)
    tokens, kinds = torch.zeros(5, 4, dtype=torch.int64), torch.zeros(4, dtype=torch.int64)
    for told in ((kinds[:3], rows), (kinds.int(), rows), (kinds, rows[0]), (kinds[:, None], rows)):
        with pytest.raises(ShapeError, match="told"):
            module.read(tokens, inputs, told=told)
    with pytest.raises(ShapeError, match="told"):
        module.read(nn.utils.rnn.pack_padded_sequence(tokens, torch.full((4,), 5)), inputs, told=(kinds, rows))
    with pytest.raises(ShapeError):
        module.read(tokens, inputs, told=(kinds, torch.randn(3, 4)))
    for wrong in (-1, 3):
        with pytest.raises(IndexError, match="told a number outside 0 to 2"):
            module.read(tokens, inputs, told=(kinds + wrong, rows))
