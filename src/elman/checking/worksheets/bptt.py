"""`bptt`: the gradients of an Elman network, summed over time: softmax output, cross-entropy, biases."""

from __future__ import annotations

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.arithmetic import softmax
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

NAMES = ("dW_hy", "db_y", "dW_xh", "dW_hh", "db_h", "dh0")
THRESHOLDS = (1, 2, 3, 5, 10)
MISTAKES = (
    "future-gradient-missing", "gradient-overwritten", "output-gradient-overwritten", "gradient-averaged", "gradient-averaged@all",
    "initial-gradient-missing", "initial-gradient-unmultiplied", "first-step-left-out", "start-from-the-end", "tanh-derivative-missing",
    "tanh-derivative-of-sum", "tanh-of-tanh-derivative", "tanh-derivative-not-squared", "tanh-derivative-of-old-state",
    "sigmoid-derivative", "back-not-transposed",
    "back-without-matrix", "back-before-tanh", "output-back-not-transposed", "output-back-missing", "loss-last-step-only",
    "gradient-reads-new-state",
    "output-gradient-reads-old-state", "gradient-transposed", "gradient-sign", "gradient-doubled", "step-left-out@first",
    "step-left-out@last", "initial-gradient-through-tanh", "back-clipped@1", "back-clipped@5", "bias-gradient-overwritten",
    "tanh-derivative-on-future-only",
    "softmax-derivative-twice", "softmax-derivative-missing", "gradient-truncated@2", "gradient-truncated@3", "start-from-zeros",
    *(f"one-gradient-overwritten@{name}" for name in NAMES[:-2]), *(f"one-gradient-last-step-only@{name}" for name in NAMES[:-1]),
    "all-gradients-overwritten", *(f"gradient-before-tanh@{name}" for name in ("dW_xh", "dW_hh", "db_h")),
    *(f"gradients-clipped@{at}" for at in THRESHOLDS), *(f"gradients-clipped@{at}, dh0 too" for at in THRESHOLDS),
    *(f"gradients-clipped-by-norm@{at}" for at in THRESHOLDS), "one-gradient-missing@dW_hh", "one-gradient-missing@dW_xh",
    "one-gradient-missing@db_h", "one-gradient-missing@db_y", "one-gradient-missing@dW_hy",
)  # fmt: skip

STATEMENT = """
Backpropagation through time. The network is

    a_t = W_xh x_t + W_hh h_{t-1} + b_h        h_t = tanh(a_t)
    z_t = W_hy h_t + b_y                       y_t = softmax(z_t)
    L   = sum over t of - sum_k e_tk log y_tk

so that dL/dz_t = y_t - e_t. `xs` is [T, inputs], `targets` [T, classes] with a single 1 in each row, `h0` [units].
Return a dict with dW_hy, db_y, dW_xh, dW_hh, db_h and dh0, each with the shape of what it is the gradient of. The same weights serve all
steps. Nothing is clipped or averaged. The forward pass is given and counts from 0: hs[0] and ys[0] are h_1 and y_1. Arrays, tensors
and lists will do, in float32 or float64.
"""

_FORWARD = """
import numpy as np


def forward(xs, h0, W_xh, W_hh, W_hy, b_h, b_y):
    hs, ys, h = [], [], h0
    for x in xs:
        h = np.tanh(W_xh @ x + W_hh @ h + b_h)
        z = W_hy @ h + b_y
        e = np.exp(z - z.max())
        hs.append(h)
        ys.append(e / e.sum())
    return hs, ys


def bptt(xs, targets, h0, W_xh, W_hh, W_hy, b_h, b_y):
    hs, ys = forward(xs, h0, W_xh, W_hh, W_hy, b_h, b_y)
    dW_xh, dW_hh, dW_hy = np.zeros_like(W_xh), np.zeros_like(W_hh), np.zeros_like(W_hy)
    db_h, db_y = np.zeros_like(b_h), np.zeros_like(b_y)
    dh_next = np.zeros_like(h0)
    for t in reversed(range(len(xs))):
"""

STARTER = (
    _FORWARD
    + """\
        dz = ys[t] - targets[t]
        dh = ...
        da = ...
        ...
        dh_next = ...
    return {"dW_hy": dW_hy, "db_y": db_y, "dW_xh": dW_xh, "dW_hh": dW_hh, "db_h": db_h, "dh0": dh_next}
"""
)

SOLUTION = (
    _FORWARD
    + """\
        dz = ys[t] - targets[t]
        dW_hy += np.outer(dz, hs[t])
        db_y += dz
        dh = W_hy.T @ dz + dh_next
        da = dh * (1 - hs[t] ** 2)
        dW_xh += np.outer(da, xs[t])
        dW_hh += np.outer(da, hs[t - 1] if t > 0 else h0)
        db_h += da
        dh_next = W_hh.T @ da
    return {"dW_hy": dW_hy, "db_y": db_y, "dW_xh": dW_xh, "dW_hh": dW_hh, "db_h": db_h, "dh0": dh_next}
"""
)

EXPLANATION = """
h_t is used twice: in y_t and in h_{t+1}; its gradient is the sum of both. The weights are used at every step; their gradient is the
sum over the steps, hence +=. What is left over when the first step is done is the gradient of the initial state.
"""


def reference(given: dict[str, Array], wrong: Wrong) -> Quantities:
    """All gradients, with their mistakes."""
    xs, h0, w_hh, w_hy = given["xs"], given["h0"], given["W_hh"], given["W_hy"]
    if "start-from-zeros" in wrong:
        h0 = np.zeros_like(h0)
    sums: list[Array] = []
    hs: list[Array] = []
    for x in xs:
        sums.append(given["W_xh"] @ x + w_hh @ (hs[-1] if hs else h0) + given["b_h"])
        hs.append(np.tanh(sums[-1]))
    coming = np.zeros_like(h0)
    shares: dict[str, list[Array]] = {name: [] for name in NAMES[:-1]}
    first_step, end = int("step-left-out@first" in wrong), len(xs) - ("step-left-out@last" in wrong)
    for t in reversed(range(first_step, end)):
        dz = output_gradient(softmax(w_hy @ hs[t] + given["b_y"]), given["targets"][t], wrong)
        if "loss-last-step-only" in wrong and t < len(xs) - 1:
            dz = np.zeros_like(dz)
        first = hs[-1] if "start-from-the-end" in wrong else h0
        old = hs[t - 1] if t else first
        own = (w_hy if "output-back-not-transposed" in wrong else w_hy.T) @ dz
        if "output-back-missing" in wrong and t < len(xs) - 1:
            own = np.zeros_like(own)
        depth = next((k for k in (2, 3) if f"gradient-truncated@{k}" in wrong), len(xs))
        later = coming if depth == len(xs) else through(given, hs, t, depth)
        later = np.zeros_like(later) if "future-gradient-missing" in wrong else later
        slope = tanh_slope(sums[t], hs[t], old, wrong)
        da = own + later * slope if "tanh-derivative-on-future-only" in wrong else (own + later) * slope
        inner = {k: own + later if f"gradient-before-tanh@{k}" in wrong else da for k in NAMES}
        shares["dW_hy"].append(np.outer(dz, old if "output-gradient-reads-old-state" in wrong else hs[t]))
        shares["db_y"].append(dz)
        shares["dW_xh"].append(np.outer(inner["dW_xh"], xs[t]))
        left_out = t == 0 and "first-step-left-out" in wrong
        read = hs[t] if "gradient-reads-new-state" in wrong else old
        shares["dW_hh"].append(np.outer(inner["dW_hh"], read) * (not left_out))
        shares["db_h"].append(inner["db_h"])
        back = np.eye(len(h0)) if "back-without-matrix" in wrong else w_hh if "back-not-transposed" in wrong else w_hh.T
        coming = back @ (own + later if "back-before-tanh" in wrong else da)
        for at in (1, 5):
            coming = np.clip(coming, -at, at) if f"back-clipped@{at}" in wrong else coming
        if t == 0 and "initial-gradient-unmultiplied" in wrong:
            coming = da
    if "initial-gradient-through-tanh" in wrong:
        coming = coming * (1 - h0**2)
    found = {name: total(name, steps or [np.zeros_like(given[name[1:]])], wrong) for name, steps in shares.items()}
    if "gradient-averaged@all" in wrong:
        coming = coming / len(xs)
    return clipped(found | {"dh0": np.zeros_like(h0) if "initial-gradient-missing" in wrong else coming}, wrong)


def output_gradient(y: Array, target: Array, wrong: Wrong) -> Array:
    """DL/dz of a step."""
    if "softmax-derivative-missing" in wrong:
        return np.asarray(-target / y)
    dz = target - y if "gradient-sign" in wrong else y - target
    return np.asarray(dz * y * (1 - y) if "softmax-derivative-twice" in wrong else dz)


def tanh_slope(a: Array, h: Array, old: Array, wrong: Wrong) -> Array:
    """The derivative of tanh, or what a mistake puts in its place."""
    slopes = {
        "tanh-derivative-missing": np.ones_like(h), "tanh-derivative-of-sum": 1 - a**2, "tanh-of-tanh-derivative": 1 - np.tanh(h) ** 2,
        "tanh-derivative-not-squared": 1 - h,
        "tanh-derivative-of-old-state": 1 - old**2, "sigmoid-derivative": h * (1 - h),
    }  # fmt: skip
    return next((slope for name, slope in slopes.items() if name in wrong), np.asarray(1 - h**2))


def through(given: dict[str, Array], hs: list[Array], t: int, depth: int) -> Array:
    """What arrives at h_t from the losses of the next `depth - 1` steps only."""
    coming = np.zeros_like(hs[t])
    for later in range(min(t + depth, len(hs)) - 1, t, -1):
        dz = softmax(given["W_hy"] @ hs[later] + given["b_y"]) - given["targets"][later]
        coming = given["W_hh"].T @ ((given["W_hy"].T @ dz + coming) * (1 - hs[later] ** 2))
    return coming


def total(name: str, steps: list[Array], wrong: Wrong) -> Array:
    """The shares of the steps, from the last to the first, put together."""
    output, weight = name in ("dW_hy", "db_y"), name.startswith("dW")
    overwritten = {
        "all-gradients-overwritten": True, f"one-gradient-overwritten@{name}": True, "gradient-overwritten": weight and not output,
        "output-gradient-overwritten": output, "bias-gradient-overwritten": name == "db_h",
    }  # fmt: skip
    if any(which for key, which in overwritten.items() if key in wrong):
        value = steps[-1]
    elif f"one-gradient-last-step-only@{name}" in wrong:
        value = steps[0]
    else:
        value = (
            np.sum(steps, axis=0)
            * (2 if "gradient-doubled" in wrong else 1)
            * (f"one-gradient-missing@{name}" not in wrong)
        )
    if wrong & {"gradient-averaged", "gradient-averaged@all"}:
        value = value / len(steps)
    return value.T if "gradient-transposed" in wrong and weight else value


def clipped(found: Quantities, wrong: Wrong) -> Quantities:
    """The gradients cut off at a threshold, or scaled to a norm, where a mistake does so."""
    for at in THRESHOLDS:
        for which, names in ((f"gradients-clipped@{at}", NAMES[:-1]), (f"gradients-clipped@{at}, dh0 too", NAMES)):
            if which in wrong:
                return {name: np.clip(v, -at, at) if name in names else v for name, v in found.items()}
        if f"gradients-clipped-by-norm@{at}" in wrong:
            norm = float(np.sqrt(sum((found[name] ** 2).sum() for name in NAMES[:-1])))
            return {name: v if name == "dh0" else v * min(1.0, at / norm) for name, v in found.items()}
    return found


def draw(rng: np.random.Generator) -> list[Question]:
    """One step, four, square matrices, and gradients that are large."""
    return [
        question(rng, "one step from a state that is not zero", 1, (2, 3, 4)),
        question(rng, "a sequence of four steps", 4, (2, 3, 4)),
        question(rng, "as many units as inputs and classes", 3, (3, 3, 3)),
        question(rng, "large inputs, large gradients", 5, (2, 3, 4), scale=40.0),
    ]


def question(
    rng: np.random.Generator, name: str, steps: int, sizes: tuple[int, int, int], scale: float = 1.0
) -> Question:
    """A question with so many inputs, units and classes; with a scale inputs and the output's weights are large."""
    inputs, units, classes = sizes
    given = {
        "xs": normal(rng, steps, inputs, scale=scale), "targets": np.eye(classes)[rng.integers(classes, size=steps)], "h0": normal(rng,
            units),
        "W_xh": normal(rng, units, inputs, scale=0.6 / scale), "W_hh": normal(rng, units, units, scale=0.6), "W_hy": normal(rng,
            classes, units, scale=scale**0.7),
        "b_h": normal(rng, units, scale=0.5), "b_y": normal(rng, classes),
    }  # fmt: skip
    return Question(
        name,
        [call("bptt", *given.values())],
        lambda wrong: reference(given, wrong),
        MISTAKES,
        (Slot(NAMES),),
        absent={"dh0": "initial-gradient-missing"},
    )


WORKSHEET = Worksheet(
    name="bptt",
    title="Backpropagation through time",
    course="UW lesson 9 and practical 9: gradients of all steps summed, softmax output, cross-entropy",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("bptt",),
)
