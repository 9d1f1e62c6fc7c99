"""The functions of a step: NumPy, torch and the derived derivative against mpmath, at ordinary and at extreme places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
import torch

from elman import cells
from elman.cells import Cell
from elman.equations import compile_step, trace
from elman.equations.interpreter import run

mpmath.mp.dps = 40

TRUTH: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda v: 1 / (1 + mpmath.exp(-v)),
    "tanh": mpmath.tanh,
    "relu": lambda v: v if v > 0 else mpmath.mpf(0),
    "softsign": lambda v: v / (1 + abs(v)),
    "softplus": lambda v: mpmath.log1p(mpmath.exp(v)),
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "absolute": abs,
    "sign": mpmath.sign,
    "positive": lambda v: mpmath.mpf(1 if v > 0 else 0),
}
SLOPES: dict[str, Callable[[Any], Any]] = {
    "sigmoid": lambda v: mpmath.exp(-abs(v)) / (1 + mpmath.exp(-abs(v))) ** 2,
    "tanh": lambda v: mpmath.sech(v) ** 2,
    "relu": lambda v: mpmath.mpf(1 if v > 0 else 0),
    "softsign": lambda v: 1 / (1 + abs(v)) ** 2,
    "softplus": lambda v: 1 / (1 + mpmath.exp(-v)),
    "exp": mpmath.exp,
    "log": lambda v: 1 / v,
    "sqrt": lambda v: 1 / (2 * mpmath.sqrt(v)),
    "absolute": mpmath.sign,
    "sign": lambda _v: mpmath.mpf(0),
    "positive": lambda _v: mpmath.mpf(0),
}
ORDINARY = np.concatenate([np.linspace(-8, 8, 65), [-1e-8, 1e-8, 1e-300, -1e-300, 5e-324, -36.7, 36.7, 300.0, -300.0]])
POSITIVE_ONLY = ("log", "sqrt")


def points(name: str) -> np.ndarray:
    return np.sort(ORDINARY[ORDINARY > 0]) if name in POSITIVE_ONLY else ORDINARY


def exact(table: dict[str, Callable[[Any], Any]], name: str, where: np.ndarray) -> np.ndarray:
    return np.array([float(table[name](mpmath.mpf(float(v)))) for v in where])


def test_every_function_is_in_the_table() -> None:
    beside = {"maximum", "minimum", "mean", "get", "names"}
    assert {n for n in cells.__all__ if n[0].islower()} - beside == set(TRUTH) == set(SLOPES)


@pytest.mark.parametrize("name", TRUTH)
def test_values(name: str) -> None:
    where = points(name)
    function = getattr(cells, name)
    wanted = exact(TRUTH, name, where)
    np.testing.assert_allclose(function(where), wanted, rtol=2e-13, atol=0)
    np.testing.assert_allclose(function(torch.from_numpy(where)).numpy(), wanted, rtol=2e-13, atol=0)
    np.testing.assert_allclose(function(torch.from_numpy(where)).numpy(), function(where), rtol=1e-13, atol=0)
    assert [float(function(float(v))) for v in where[:5]] == function(where)[:5].tolist()
    single = function(torch.from_numpy(where).float())
    assert single.dtype == torch.float32
    assert function(where).dtype == np.float64
    assert function(where).shape == where.shape


@pytest.mark.parametrize("name", TRUTH)
def test_derivatives(name: str) -> None:
    """The derived derivative (as the compiled program computes it), autograd's, and the true one."""
    where = points(name)

    class Applied(Cell):
        def step(self, x, h, s):
            return {"h": getattr(cells, name)(x.h)}

    programs = compile_step(trace(Applied()))
    with np.errstate(over="ignore"):  # 1 / 5e-324
        forward = run(programs.forward, dict.fromkeys(programs.forward.inputs, where))
        derived = run(programs.backward, {k: forward.get(k, np.ones_like(where)) for k in programs.backward.inputs})[
            "x.h"
        ]
    v = torch.from_numpy(where.copy()).requires_grad_()
    getattr(cells, name)(v).sum().backward() if name != "positive" else None
    autograd = np.zeros_like(where) if v.grad is None else v.grad.numpy()
    wanted = exact(SLOPES, name, where)
    # y (1 - y) and 1 - y² lose digits where y is near 1: an absolute tolerance.
    np.testing.assert_allclose(np.broadcast_to(derived, where.shape), wanted, rtol=1e-12, atol=2e-15)
    np.testing.assert_allclose(autograd, wanted, rtol=1e-12, atol=2e-15)


LIMITS = {  # at -inf, -1e4, 1e4, inf
    "sigmoid": (0, 0, 1, 1),
    "tanh": (-1, -1, 1, 1),
    "relu": (0, 0, 1e4, np.inf),
    "softsign": (-1, -1e4 / (1 + 1e4), 1e4 / (1 + 1e4), 1),
    "softplus": (0, 0, 1e4, np.inf),
    "exp": (0, 0, np.inf, np.inf),
    "log": (np.nan, np.nan, np.log(1e4), np.inf),
    "sqrt": (np.nan, np.nan, 100, np.inf),
    "absolute": (np.inf, 1e4, 1e4, np.inf),
    "sign": (-1, -1, 1, 1),
    "positive": (0, 0, 1, 1),
}


@pytest.mark.parametrize("name", LIMITS)
def test_extremes(name: str) -> None:
    """Finite where mathematics is finite, and no warning from those that have a value everywhere."""
    where = np.array([-np.inf, -1e4, 1e4, np.inf])
    quiet = name not in ("exp", "log", "sqrt")
    with np.errstate(all="raise" if quiet else "ignore", under="ignore"):
        found = getattr(cells, name)(where)
    np.testing.assert_allclose(found, LIMITS[name], rtol=1e-14)
    np.testing.assert_allclose(getattr(cells, name)(torch.from_numpy(where)).numpy(), LIMITS[name], rtol=1e-14)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "softsign", "softplus", "exp", "absolute"])
@pytest.mark.parametrize("value", [-1e4, 1e4, -746.0, 746.0])
def test_slopes_at_extremes_are_finite(name: str, value: float) -> None:
    if name == "exp" and value > 0:
        value = 700.0
    v = torch.tensor(value, dtype=torch.float64, requires_grad=True)
    getattr(cells, name)(v).backward()
    wanted = float(SLOPES[name](mpmath.mpf(value)))
    assert v.grad.item() == pytest.approx(wanted, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("name", [n for n in TRUTH if n != "positive"])
def test_nan_passes_through(name: str) -> None:
    assert np.isnan(getattr(cells, name)(np.array([np.nan]))).all()
    assert getattr(cells, name)(torch.tensor([float("nan")])).isnan().all()


def test_the_larger_and_the_smaller() -> None:
    a, b = np.array([1.0, -2.0, 3.0, np.inf]), np.array([0.5, -1.0, 3.0, 0.0])
    for name, wanted in (("maximum", [1.0, -1.0, 3.0, np.inf]), ("minimum", [0.5, -2.0, 3.0, 0.0])):
        function = getattr(cells, name)
        assert function(a, b).tolist() == wanted
        assert function(torch.from_numpy(a), torch.from_numpy(b)).tolist() == wanted
        with_number = np.maximum(a, 0.75) if name == "maximum" else np.minimum(a, 0.75)
        for mixed in (
            function(a, 0.75),
            function(0.75, a),
            function(torch.from_numpy(a), 0.75),
            function(0.75, torch.from_numpy(a)),
        ):
            np.testing.assert_array_equal(np.asarray(mixed), with_number)
        for nan in (
            function(np.nan, 1.0),
            function(1.0, np.nan),
            function(torch.tensor(float("nan")), 1.0),
            function(1.0, torch.tensor(float("nan"))),
        ):
            assert np.isnan(float(nan))


def test_ties_share_the_gradient() -> None:
    class Tie(Cell):
        gates = ("a", "b")

        def step(self, x, h, s):
            return {"h": cells.maximum(x.a, x.b) + 10 * cells.minimum(x.a, x.b)}

    programs = compile_step(trace(Tie()))
    for a, b in ((1.0, 1.0), (1.0, 2.0), (2.0, 1.0)):
        at = {"x.a": np.array(a), "x.b": np.array(b)}
        forward = run(programs.forward, {k: at[k] for k in programs.forward.inputs})
        found = run(programs.backward, {k: {**forward, **at, "d.h": np.ones(())}[k] for k in programs.backward.inputs})
        ta, tb = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (a, b))
        (torch.maximum(ta, tb) + 10 * torch.minimum(ta, tb)).backward()
        assert (float(found["x.a"]), float(found["x.b"])) == (ta.grad.item(), tb.grad.item())


def test_mean_is_over_the_units() -> None:
    v = np.arange(12.0).reshape(2, 2, 3) ** 2
    wanted = np.broadcast_to(v.sum(-1, keepdims=True) / 3, v.shape)
    np.testing.assert_allclose(cells.mean(v), wanted, rtol=1e-15)
    np.testing.assert_allclose(cells.mean(torch.from_numpy(v)).numpy(), wanted, rtol=1e-15)
    assert cells.mean(torch.from_numpy(v)).shape == v.shape


def test_nothing_is_written_into_the_arguments() -> None:
    for name in TRUTH:
        where = np.array([0.25, 0.5, 2.0])
        tensor = torch.tensor([0.25, 0.5, 2.0])
        getattr(cells, name)(where)
        getattr(cells, name)(tensor)
        assert where.tolist() == tensor.tolist() == [0.25, 0.5, 2.0]
