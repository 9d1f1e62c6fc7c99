"""The end of a language model by the kernels, against torch's linear layer and cross entropy."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from elman.engines import fused
from elman.engines.head import nats_of_rows
from elman.errors import EngineError, ShapeError

pytestmark = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")
SIZES = [(1, 1, 1), (5, 3, 4), (130, 64, 64), (600, 100, 65), (40, 17, 1000), (1100, 33, 16)]


def make(rows: int, units: int, symbols: int, dtype: torch.dtype = torch.float64, *, seed: int = 0) -> list[Tensor]:
    g = torch.Generator().manual_seed(seed)
    x, w, b = (
        torch.randn(shape, generator=g, dtype=torch.float64) for shape in ((rows, units), (symbols, units), (symbols,))
    )
    targets = torch.randint(-1, symbols, (rows,), generator=g)
    return [*(t.to(dtype).requires_grad_() for t in (x, w / units**0.5, b)), targets]


def by_torch(rows: Tensor, weight: Tensor, bias: Tensor | None, targets: Tensor) -> Tensor:
    return functional.cross_entropy(functional.linear(rows, weight, bias), targets, reduction="sum", ignore_index=-1)


def results(function: Any, x: Tensor, w: Tensor, b: Tensor | None, targets: Tensor, scale: float = 0.3) -> list[Tensor]:
    nats = function(x, w, b, targets)
    return [nats, *torch.autograd.grad(nats * scale, [t for t in (x, w, b) if t is not None])]


@pytest.mark.parametrize("kernels", fused.instruction_sets() or [""])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_the_same_as_torch(
    size: tuple[int, int, int], bias: bool, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fused, "INSTRUCTION_SET", kernels)
    x, w, b, targets = make(*size)
    b = b if bias else None
    for found, wanted in zip(results(nats_of_rows, x, w, b, targets), results(by_torch, x, w, b, targets), strict=True):
        assert torch.allclose(found, wanted, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_float32_is_as_exact_as_torch(size: tuple[int, int, int]) -> None:
    x, w, b, targets = make(*size)
    truth = results(by_torch, x, w, b, targets)
    few = [t.detach().float().requires_grad_() for t in (x, w, b)]
    for found, other, right in zip(
        results(nats_of_rows, *few, targets), results(by_torch, *few, targets), truth, strict=True
    ):
        error, theirs = ((one.double() - right).norm() / (right.norm() + 1e-30) for one in (found, other))
        assert error <= 1.5 * theirs + 5e-7


@settings(max_examples=60, deadline=None)
@given(rows=st.integers(1, 700), units=st.integers(1, 70), symbols=st.integers(1, 150), seed=st.integers(0, 99))
def test_any_size(rows: int, units: int, symbols: int, seed: int) -> None:
    x, w, b, targets = make(rows, units, symbols, seed=seed)
    for found, wanted in zip(results(nats_of_rows, x, w, b, targets), results(by_torch, x, w, b, targets), strict=True):
        assert torch.allclose(found, wanted, rtol=1e-10, atol=1e-10)


def test_gradients_by_differences() -> None:
    x, w, b, targets = make(7, 5, 6)
    assert torch.autograd.gradcheck(lambda *t: nats_of_rows(*t, targets), (x, w, b))


def test_parts_of_the_gradient() -> None:
    x, w, b, targets = make(40, 20, 30)
    everything = results(nats_of_rows, x, w, b, targets)[1:]
    for k, one in enumerate((x, w, b)):
        alone = [t.detach() for t in (x, w, b)]
        alone[k].requires_grad_()
        (found,) = torch.autograd.grad(nats_of_rows(*alone, targets) * 0.3, [alone[k]])
        assert torch.equal(found, everything[k]), one.shape


def test_rows_with_gaps_between_them() -> None:
    x, w, b, targets = make(50, 21, 30)
    wide = torch.zeros(50, 30, dtype=torch.float64)
    wide[:, 4:25] = x.detach()
    assert nats_of_rows(wide[:, 4:25], w, b, targets) == nats_of_rows(x, w, b, targets)
    assert nats_of_rows(x.detach().T.contiguous().T, w, b, targets) == nats_of_rows(x, w, b, targets)


def test_two_runs_give_the_same_bits_and_a_graph_can_be_gone_back_twice() -> None:
    x, w, b, targets = make(1500, 30, 40, torch.float32)
    first, second = (results(nats_of_rows, x, w, b, targets) for _ in range(2))
    assert all(torch.equal(a, c) for a, c in zip(first, second, strict=True))
    nats = nats_of_rows(x, w, b, targets)
    once, twice = (torch.autograd.grad(nats, [x, w, b], torch.tensor(s), retain_graph=True) for s in (1.0, 2.0))
    assert all(torch.allclose(2 * a, c) for a, c in zip(once, twice, strict=True))


def test_logits_too_large_for_exp() -> None:
    x, w, b, targets = make(9, 4, 20, torch.float32)
    for factor in (1e4, 1e30):
        large = (w.detach() * factor).requires_grad_()
        found, wanted = results(nats_of_rows, x, large, b, targets), results(by_torch, x, large, b, targets)
        assert all(torch.allclose(a, c, rtol=1e-4) for a, c in zip(found, wanted, strict=True))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_what_is_not_finite_is_not_hidden(where: int, value: float) -> None:
    given_ = [t.detach() for t in make(70, 33, 65, torch.float32)]
    given_[3].clamp_(min=0)
    given_[where].view(-1)[-1] = value
    found, wanted = nats_of_rows(*given_), by_torch(*given_)
    assert found.isfinite() == wanted.isfinite()
    assert torch.equal(found.isnan(), wanted.isnan())


def test_none_of_the_rows_counts() -> None:
    x, w, b, _ = make(9, 4, 20)
    found = results(nats_of_rows, x, w, b, torch.full((9,), -1))
    assert all(not t.any() for t in found)


def test_no_second_derivatives() -> None:
    x, w, b, targets = make(7, 5, 6)
    with pytest.raises(EngineError, match="second derivatives"):
        torch.autograd.grad(nats_of_rows(x, w, b, targets), [x], create_graph=True)


def test_writing_to_what_going_back_needs() -> None:
    x, w, b, targets = make(7, 5, 6)
    nats = nats_of_rows(x, w, b, targets)
    targets.zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        nats.backward()


WRONG: dict[str, dict[int, Any]] = {
    "other units": {1: torch.zeros(6, 4)},
    "another type": {1: torch.zeros(6, 5)},
    "rows of rank 3": {0: torch.zeros(7, 1, 5, dtype=torch.float64)},
    "no rows": {0: torch.zeros(0, 5, dtype=torch.float64), 3: torch.zeros(0, dtype=torch.int64)},
    "a bias too short": {2: torch.zeros(5, dtype=torch.float64)},
    "targets too few": {3: torch.zeros(6, dtype=torch.int64)},
    "targets in 32 bits": {3: torch.zeros(7, dtype=torch.int32)},
    "half precision": {k: torch.zeros(s).half() for k, s in enumerate(((7, 5), (6, 5), (6,)))},
    "on another device": {0: torch.zeros(7, 5, dtype=torch.float64, device="meta")},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_what_does_not_fit(changes: dict[int, Any]) -> None:
    right = [t.detach() for t in make(7, 5, 6)]
    with pytest.raises(ShapeError, match="belong on the cpu"):
        nats_of_rows(*[changes.get(k, t) for k, t in enumerate(right)])


@pytest.mark.parametrize("target", [6, -2, 2**62])
def test_a_target_that_is_no_symbol(target: int) -> None:
    x, w, b, targets = make(7, 5, 6)
    targets[3] = target
    with pytest.raises(IndexError, match="no symbol"):
        nats_of_rows(x, w, b, targets)


@pytest.mark.filterwarnings(
    "ignore:The .grad attribute of a Tensor that is not a leaf"
)  # torch's own, where a graph breaks
def test_in_a_compiled_function() -> None:
    x, w, b, targets = make(7, 5, 6)
    compiled = torch.compile(lambda *t: nats_of_rows(*t) * 2, backend="eager")
    assert torch.allclose(compiled(x, w, b, targets), 2 * nats_of_rows(x, w, b, targets))
