"""What references compute with: NumPy in float64, independent of the engines."""

from __future__ import annotations

from collections.abc import Callable

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


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh-missing": np.copy, "sigmoid-for-tanh": sigmoid, "relu-for-tanh": relu, "softmax-for-tanh": softmax,
    "tanh-twice": lambda a: np.tanh(np.tanh(a)), "tanh-for-relu": np.tanh, "leaky-relu@0.01": lambda a: np.where(a > 0, a, 0.01 * a),
    "leaky-relu@0.1": lambda a: np.where(a > 0, a, 0.1 * a), "leaky-relu@0.2": lambda a: np.where(a > 0, a, 0.2 * a),
    "relu-other-side": lambda a: np.minimum(a, 0.0),
    "absolute-for-relu": np.abs, "softplus-for-relu": lambda a: np.logaddexp(0.0, a), "elu-for-relu": lambda a: np.where(a > 0, a,
        np.expm1(a)),
    "relu-cut-off@1": lambda a: np.clip(a, 0.0, 1.0), "relu-cut-off@6": lambda a: np.clip(a, 0.0, 6.0),
}  # fmt: skip
"""What stands where another activation belongs."""
TERM_MISTAKES = (
    "input-after-activation", "recurrent-after-activation", "activation-on-each-term", "input-missing", "input-subtracted",
    "recurrent-subtracted", "recurrent-transposed", "input-transposed", "matrices-swapped", "one-matrix-for-both@W_hh",
    "one-matrix-for-both@W_xh",
    "state-added", "state-averaged", "step-done-twice",
)  # fmt: skip
ELMAN_MISTAKES = (
    "tanh-missing", "sigmoid-for-tanh", "relu-for-tanh", "softmax-for-tanh", "tanh-twice", *TERM_MISTAKES,
)  # fmt: skip
BIAS_MISTAKES = ("bias-missing", "bias-twice", "bias-after-activation", "bias-subtracted")


def transposed(wrong: Wrong) -> Wrong:
    """With the three mistakes of one matrix each that `all-transposed` is."""
    return wrong | {f"{which}-transposed" for which in ("input", "recurrent", "output") if "all-transposed" in wrong}


def elman_step(
    x: Array,
    h: Array,
    w_xh: Array,
    w_hh: Array,
    wrong: Wrong,
    bias: Array | None = None,
    right: Callable[[Array], Array] = np.tanh,
) -> Array:
    """f(W_hh h + W_xh x + b) with an activation f, and with every mistake of `ELMAN_MISTAKES` and `BIAS_MISTAKES`."""
    if "step-done-twice" in wrong:
        wrong = wrong - {"step-done-twice"}
        h = elman_step(x, h, w_xh, w_hh, wrong, bias, right)
    if "matrices-swapped" in wrong:
        w_xh, w_hh = w_hh, w_xh
    w_xh = w_hh if "one-matrix-for-both@W_hh" in wrong else w_xh
    w_hh = w_xh if "one-matrix-for-both@W_xh" in wrong else w_hh
    old = (w_hh.T if "recurrent-transposed" in wrong else w_hh) @ h * (-1 if "recurrent-subtracted" in wrong else 1)
    new = (w_xh.T if "input-transposed" in wrong else w_xh) @ x * (-1 if "input-subtracted" in wrong else 1)
    new = new * ("input-missing" not in wrong)
    share = np.zeros(len(old))
    if bias is not None and "bias-missing" not in wrong:
        share = bias * (2 if "bias-twice" in wrong else -1 if "bias-subtracted" in wrong else 1)
    terms = {"recurrent-after-activation": old, "input-after-activation": new, "bias-after-activation": share}
    inside = np.asarray(sum((v for k, v in terms.items() if k not in wrong), np.zeros(len(old))))
    outside = np.asarray(sum((v for k, v in terms.items() if k in wrong), np.zeros(len(old))))
    if "activation-on-each-term" in wrong:
        return activate(old + share, wrong, right) + activate(new, wrong, right)
    if "state-added" in wrong:
        outside = outside + h
    found = activate(inside, wrong, right) + outside
    return np.asarray((found + h) / 2 if "state-averaged" in wrong else found)


def activate(a: Array, wrong: Wrong, right: Callable[[Array], Array] = np.tanh) -> Array:
    """The activation, or what a mistake puts in its place."""
    return np.asarray(next((made for name, made in ACTIVATIONS.items() if name in wrong), right)(a))
