"""What references compute with: NumPy in float64, independent of the engines."""

from __future__ import annotations

import numpy as np

from elman.checking.worksheets.worksheet import Array, Wrong


def sigmoid(a: Array) -> Array:
    """1 / (1 + e^-a)."""
    return np.asarray(1 / (1 + np.exp(-a)))


def relu(a: Array) -> Array:
    """max(a, 0)."""
    return np.maximum(a, 0.0)


def softmax(z: Array, axis: int = -1) -> Array:
    """e^z / Σ e^z; the largest is taken off first, which changes nothing but keeps e^z finite."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True))


def naive_softmax(z: Array) -> Array:
    """The same without taking anything off: not a number as soon as e^z overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True))


def log_softmax(z: Array) -> Array:
    """Log-probabilities, z - log Σ e^z along the last axis."""
    top = z.max(axis=-1, keepdims=True)
    return np.asarray(z - top - np.log(np.exp(z - top).sum(axis=-1, keepdims=True)))


ELMAN_MISTAKES = (
    "tanh-missing", "sigmoid-for-tanh", "relu-for-tanh", "input-after-activation", "recurrent-after-activation", "input-missing",
    "recurrent-transposed", "input-transposed", "matrices-swapped",
)  # fmt: skip
BIAS_MISTAKES = ("bias-missing", "bias-twice", "bias-after-activation")


def transposed(wrong: Wrong) -> Wrong:
    """With the three mistakes of one matrix each that `all-transposed` is."""
    return wrong | {f"{which}-transposed" for which in ("input", "recurrent", "output") if "all-transposed" in wrong}


def elman_step(x: Array, h: Array, w_xh: Array, w_hh: Array, wrong: Wrong, bias: Array | None = None) -> Array:
    """tanh(W_hh h + W_xh x + b), and with every mistake of `ELMAN_MISTAKES` and `BIAS_MISTAKES`."""
    if "matrices-swapped" in wrong:
        w_xh, w_hh = w_hh, w_xh
    old = (w_hh.T if "recurrent-transposed" in wrong else w_hh) @ h
    new = (w_xh.T if "input-transposed" in wrong else w_xh) @ x
    inside, outside = np.zeros(len(old)), np.zeros(len(old))
    if "recurrent-after-activation" in wrong:
        outside = outside + old
    else:
        inside = inside + old
    if "input-after-activation" in wrong:
        outside = outside + new
    elif "input-missing" not in wrong:
        inside = inside + new
    if bias is not None and "bias-missing" not in wrong:
        share = 2 * bias if "bias-twice" in wrong else bias
        inside, outside = (inside, outside + share) if "bias-after-activation" in wrong else (inside + share, outside)
    return activate(inside, wrong) + outside


def activate(a: Array, wrong: Wrong) -> Array:
    """Tanh, or what a mistake puts in its place."""
    if "tanh-missing" in wrong:
        return a
    if "sigmoid-for-tanh" in wrong:
        return sigmoid(a)
    return relu(a) if "relu-for-tanh" in wrong else np.asarray(np.tanh(a))
