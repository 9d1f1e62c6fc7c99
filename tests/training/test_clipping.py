"""Clipping against its equations and against `torch.nn.utils`."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from elman.training import clip_by_norm, clip_by_value, global_norm

numbers = st.floats(-100, 100, width=32)
gradients = st.lists(st.lists(numbers, min_size=1, max_size=6), min_size=1, max_size=4)


def parameters(values: list[list[float]]) -> list[Tensor]:
    made = [torch.zeros(len(row), requires_grad=True) for row in values]
    for parameter, row in zip(made, values, strict=True):
        parameter.grad = torch.tensor(row)
    return made


def grads(values: list[list[float]]) -> list[Tensor]:
    return [parameter.grad for parameter in parameters(values) if parameter.grad is not None]


@given(values=gradients, threshold=st.floats(0.01, 50))
def test_norm_as_in_torch(values: list[list[float]], threshold: float) -> None:
    mine, torchs = grads(values), parameters(values)
    norm = global_norm(mine)
    clipped = clip_by_norm(mine, norm, threshold)
    assert norm == pytest.approx(clip_grad_norm_(torchs, threshold).item(), rel=1e-5)
    assert clipped == (norm > threshold)
    for one, other in zip(mine, torchs, strict=True):
        torch.testing.assert_close(one, other.grad, rtol=1e-4, atol=1e-6)  # torch adds 1e-6 to the norm


@given(values=gradients, threshold=st.floats(0.01, 50))
def test_norm_keeps_the_direction_and_ends_at_the_threshold(values: list[list[float]], threshold: float) -> None:
    mine = grads(values)
    before = torch.cat(mine)
    norm = global_norm(mine)
    if clip_by_norm(mine, norm, threshold):
        assert global_norm(mine) == pytest.approx(threshold, rel=1e-5)
        torch.testing.assert_close(torch.cat(mine) * (norm / threshold), before, rtol=1e-4, atol=1e-4)
    else:
        assert torch.equal(torch.cat(mine), before)


@given(values=gradients, threshold=st.floats(0.01, 50))
def test_value_as_in_torch(values: list[list[float]], threshold: float) -> None:
    mine, torchs = grads(values), parameters(values)
    clipped = clip_by_value(mine, threshold)
    clip_grad_value_(torchs, threshold)
    for one, other in zip(mine, torchs, strict=True):
        assert other.grad is not None
        assert torch.equal(one, other.grad)
    assert clipped == any(not torch.equal(one, torch.tensor(row)) for one, row in zip(mine, values, strict=True))


def test_norm_by_hand() -> None:
    gradient = [torch.tensor([3.0]), torch.tensor([[0.0, 4.0]])]
    assert global_norm(gradient) == 5.0
    assert clip_by_norm(gradient, 5.0, 1.0)
    torch.testing.assert_close(torch.cat([part.flatten() for part in gradient]), torch.tensor([0.6, 0.0, 0.8]))
    assert global_norm([]) == 0.0


def test_the_norm_is_finite_exactly_if_all_gradients_are() -> None:
    assert global_norm([torch.full((1000,), 3e38)]) == pytest.approx(3e38 * math.sqrt(1000), rel=1e-5)
    for bad in (math.nan, math.inf, -math.inf):
        assert not math.isfinite(global_norm([torch.zeros(3), torch.tensor([1.0, bad])]))
