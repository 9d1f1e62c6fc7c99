"""The functions that a step may use. Each acts on what it is given: NumPy arrays, torch tensors, or symbols.

A symbol is anything that has a method `elman_call(name, *arguments)`; the expressions of `elman.equations` do. So a step that is
written once yields numbers, an autograd graph, or formulas.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

_LARGEST = np.finfo(np.float64).max  # infinity over infinity is not a number; this over this is 1


def _softplus(v: Any) -> Any:
    with np.errstate(invalid="ignore"):  # logaddexp warns of NaN; here it simply passes through
        return np.logaddexp(0, v)


# The logistic function is exp(-log(1 + exp(-v))), which does not overflow.
NUMPY: dict[str, Callable[..., Any]] = {
    "sigmoid": lambda v: np.exp(-_softplus(-v)),
    "tanh": np.tanh,
    "relu": lambda v: np.where(v < 0, 0.0, v),  # a comparison with NaN is false, so NaN passes through
    "softsign": lambda v: np.clip(v, -_LARGEST, _LARGEST) / (1 + np.abs(np.clip(v, -_LARGEST, _LARGEST))),
    "softplus": _softplus,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "absolute": np.abs,
    "sign": np.sign,
    "positive": lambda v: (v > 0) * 1.0,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mean": lambda v: np.broadcast_to(np.mean(v, axis=-1, keepdims=True), v.shape),
}

#: Functions that mix the units of a layer instead of acting on each alone.
REDUCTIONS = frozenset({"mean"})
#: Number of arguments of the functions that do not take one.
ARITY = {"maximum": 2, "minimum": 2}

_torch_table: dict[str, Callable[..., Any]] = {}


def _torch_functions() -> dict[str, Callable[..., Any]]:
    if not _torch_table:
        import torch
        from torch.nn import functional

        _torch_table.update(
            sigmoid=torch.sigmoid,
            tanh=torch.tanh,
            relu=torch.relu,
            softsign=lambda v: functional.softsign(v.clamp(-torch.finfo(v.dtype).max, torch.finfo(v.dtype).max)),
            softplus=lambda v: torch.logaddexp(v, torch.zeros_like(v)),
            exp=torch.exp,
            log=torch.log,
            sqrt=torch.sqrt,
            absolute=torch.abs,
            sign=lambda v: torch.where(v.isnan(), v, v.sign()),
            positive=lambda v: (v > 0).to(v.dtype),
            maximum=torch.maximum,
            minimum=torch.minimum,
            mean=lambda v: v.mean(-1, keepdim=True).expand_as(v),
        )
    return _torch_table


def apply(name: str, *arguments: Any) -> Any:
    """Apply the function `name` to symbols, tensors or arrays (the first argument that is a symbol or a tensor decides)."""
    torch = sys.modules.get("torch")
    for argument in arguments:
        if hasattr(argument, "elman_call"):
            return argument.elman_call(name, *arguments)
        if torch is not None and isinstance(argument, torch.Tensor):
            tensors = [a if isinstance(a, torch.Tensor) else torch.full_like(argument, a) for a in arguments]
            return _torch_functions()[name](*tensors)
    result = NUMPY[name](*(np.asarray(a) for a in arguments))
    return result.item() if np.ndim(result) == 0 else result


def sigmoid(v: Any) -> Any:
    """Logistic function 1 / (1 + exp(-v)), between 0 and 1; derivative y (1 - y)."""
    return apply("sigmoid", v)


def tanh(v: Any) -> Any:
    """Hyperbolic tangent, between -1 and 1; derivative 1 - y²."""
    return apply("tanh", v)


def relu(v: Any) -> Any:
    """max(0, v); derivative 1 where v > 0, else 0 (0 at v = 0, as in torch)."""
    return apply("relu", v)


def softsign(v: Any) -> Any:
    """V / (1 + |v|), between -1 and 1, approached more slowly than by tanh; derivative (1 - |y|)²."""
    return apply("softsign", v)


def softplus(v: Any) -> Any:
    """log(1 + exp(v)), a smooth relu; derivative sigmoid(v)."""
    return apply("softplus", v)


def exp(v: Any) -> Any:
    """Exponential function."""
    return apply("exp", v)


def log(v: Any) -> Any:
    """Natural logarithm."""
    return apply("log", v)


def sqrt(v: Any) -> Any:
    """Square root."""
    return apply("sqrt", v)


def absolute(v: Any) -> Any:
    """|v|; derivative sign(v), 0 at v = 0."""
    return apply("absolute", v)


def sign(v: Any) -> Any:
    """-1, 0 or 1; derivative 0."""
    return apply("sign", v)


def positive(v: Any) -> Any:
    """1 where v > 0, else 0; derivative 0."""
    return apply("positive", v)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two; where they are equal each gets half of the gradient, as in torch."""
    return apply("maximum", a, b)


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two; where they are equal each gets half of the gradient, as in torch."""
    return apply("minimum", a, b)


def mean(v: Any) -> Any:
    """Mean over the units of a layer, repeated for each unit (for layer normalisation). Runs on the loop engine only."""
    return apply("mean", v)
