"""JAX: the usual recurrent layer over `lax.scan`, compiled as a whole. The input's product is taken for all steps at once.

XLA sizes its thread pool when it starts, from PJRT_NPROC: that is set here, before the first array, and cannot change afterwards.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.case import Case, LeftOutError, Side


def side(case: Case, threads: int) -> Side:
    os.environ.setdefault("PJRT_NPROC", str(threads))
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    try:
        jax = import_module("jax")
    except ImportError:
        raise LeftOutError("JAX, which is not installed (pip install -e '.[bench]')") from None
    w = case.workload
    xs, cotangent = (jax.numpy.asarray(a.numpy()) for a in (case.xs, case.cotangent))
    weights = {name: jax.numpy.asarray(value.numpy()) for name, value in case.weights.items()}

    def unrolled(p: dict[str, Any], values: Any) -> Any:
        for layer in range(w.layers):
            ends = [f"_l{layer}", f"_l{layer}_reverse"][: w.directions]
            parts = [_direction(jax, case.cell, p, end, values) for end in ends]
            values = jax.numpy.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]
        return values

    infer = jax.jit(unrolled)
    back = jax.jit(jax.grad(lambda p, values: jax.numpy.vdot(unrolled(p, values), cotangent)))

    def forward() -> Any:
        return jax.block_until_ready(infer(weights, xs))

    def step() -> Any:
        return jax.block_until_ready(back(weights, xs))

    def tensor(value: Any) -> Tensor:
        return torch.from_numpy(np.array(value))

    return Side(
        "JAX scan", forward, step, lambda: tensor(forward()), lambda: {name: tensor(g) for name, g in step().items()}
    )


def _direction(jax: Any, cell: str, p: dict[str, Any], end: str, xs: Any) -> Any:
    """[T, B, I] to [T, B, H]."""
    sigmoid, tanh, split = jax.nn.sigmoid, jax.numpy.tanh, jax.numpy.split
    w_hh, b_hh = p["weight_hh" + end], p["bias_hh" + end]
    from_x = xs @ p["weight_ih" + end].T + p["bias_ih" + end]
    zeros = jax.numpy.zeros((xs.shape[1], w_hh.shape[1]), xs.dtype)

    def rnn(h: Any, x: Any) -> tuple[Any, Any]:
        h = tanh(x + h @ w_hh.T + b_hh)
        return h, h

    def gru(h: Any, x: Any) -> tuple[Any, Any]:
        (xr, xz, xn), (hr, hz, hn) = split(x, 3, axis=-1), split(h @ w_hh.T + b_hh, 3, axis=-1)
        z = sigmoid(xz + hz)
        h = (1 - z) * tanh(xn + sigmoid(xr + hr) * hn) + z * h
        return h, h

    def lstm(state: tuple[Any, Any], x: Any) -> tuple[Any, Any]:
        h, c = state
        i, f, g, o = split(x + h @ w_hh.T + b_hh, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)
        return (h, c), h

    step, start = {"RNN": (rnn, zeros), "GRU": (gru, zeros), "LSTM": (lstm, (zeros, zeros))}[cell]
    return jax.lax.scan(step, start, from_x, reverse=end.endswith("_reverse"))[1]
