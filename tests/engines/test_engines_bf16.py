"""Products of bfloat16 numbers: as exact as bfloat16 allows, on every build of the kernels, forward and backward."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import elman.nn
from elman.engines import fused
from elman.errors import EngineError, InputError
from elman.nn import Recurrent

needs_kernels = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")
SHAPES = [  # steps, sequences, inputs, units, both directions: below, at and beyond lines of 32, tiles of 16 and panels
    (5, 1, 3, 5, False),
    (7, 13, 33, 64, True),
    (20, 40, 65, 100, True),
    (3, 17, 32, 31, False),
    (40, 33, 128, 130, False),
]


@pytest.fixture(params=fused.instruction_sets() or ["none"], autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "INSTRUCTION_SET", request.param if request.param != "none" else "")


def distance(a: Any, b: Any) -> float:
    return float((a.double() - b.double()).norm() / b.double().norm())


def errors(cell: str, steps: int, batch: int, inputs: int, units: int, *, both: bool, ragged: bool) -> list[float]:
    """Relative error of the output, of ∂L/∂x and of each weight's gradient, against float64."""
    ours = getattr(elman.nn, cell)(inputs, units, bidirectional=both, engine="fused", precision="bf16")
    exact = getattr(nn, cell)(inputs, units, bidirectional=both, dtype=torch.float64)
    exact.load_state_dict(ours.state_dict())
    g = torch.Generator().manual_seed(7)
    x = torch.randn(steps, batch, inputs, generator=g)
    lengths = torch.randint(1, steps + 1, (batch,), generator=g)
    lengths[0] = steps
    found = []
    for module in (ours, exact):
        rows = x.to(next(module.parameters()).dtype, copy=True).requires_grad_()
        fed = pack_padded_sequence(rows, lengths, enforce_sorted=False) if ragged else rows
        output = module(fed)[0]
        output = output.data if ragged else output  # of a PackedSequence, not of a tensor
        weight = torch.randn(output.shape, generator=torch.Generator().manual_seed(8))
        (output * weight).sum().backward()
        found.append([output.detach(), rows.grad, *(p.grad for p in module.parameters())])
    return [distance(a, b) for a, b in zip(*found, strict=True)]


@needs_kernels
@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_error_is_that_of_bfloat16(cell: str, ragged: bool) -> None:
    for steps, batch, inputs, units, both in SHAPES:
        found = errors(cell, steps, batch, inputs, units, both=both, ragged=ragged)
        assert max(found) < 1.5e-2, (steps, batch, inputs, units)
        assert min(found) > 1e-5, "nothing was rounded"


@needs_kernels
def test_two_runs_are_bitwise_equal() -> None:
    module = elman.nn.LSTM(40, 50, precision="bf16")
    x = torch.randn(9, 6, 40)
    assert torch.equal(module(x)[0], module(x)[0])


@needs_kernels
def test_nan_stays_in_its_sequence() -> None:
    module = elman.nn.GRU(6, 20, precision="bf16")
    x = torch.randn(5, 4, 6)
    x[2, 1] = float("nan")
    bad = module(x)[0].isnan().any(-1)
    assert bad[2:, 1].all()
    assert not bad[:, [0, 2, 3]].any()


def test_where_it_can_not_be_had() -> None:
    with pytest.raises(InputError, match="unknown precision 'half'; there are: float32, bf16"):
        Recurrent("gru", 3, 4, precision="half")
    with pytest.raises(InputError, match="precision='bf16' is the fused engine's"):
        elman.nn.GRU(3, 4, engine="loop", precision="bf16")
    with pytest.raises(EngineError, match="for float32 weights"):
        elman.nn.GRU(3, 4, dtype=torch.float64, precision="bf16")(torch.zeros(2, 1, 3, dtype=torch.float64))
    cho = Recurrent("gru-cho", 3, 4, precision="bf16")
    cho(torch.zeros(2, 1, 3))
    assert "no effect" in str(cho.engine_reason)
