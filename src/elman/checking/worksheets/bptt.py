"""`bptt`: the gradients of an Elman network, summed over time: softmax output, cross-entropy, biases."""

from __future__ import annotations

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.arithmetic import softmax
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

MISTAKES = (
    "future-gradient-missing", "gradient-overwritten", "output-gradient-overwritten", "gradient-averaged", "initial-gradient-missing",
    "first-step-left-out", "tanh-derivative-missing", "tanh-derivative-of-sum", "back-not-transposed", "gradient-reads-new-state",
    "gradient-transposed", "gradient-sign", "bias-gradient-overwritten", "tanh-derivative-on-future-only",
)  # fmt: skip
NAMES = ("dW_hy", "db_y", "dW_xh", "dW_hh", "db_h", "dh0")

STATEMENT = """
Backpropagation through time. The network is

    a_t = W_xh x_t + W_hh h_{t-1} + b_h        h_t = tanh(a_t)
    z_t = W_hy h_t + b_y                       y_t = softmax(z_t)
    L   = sum over t of - sum_k e_tk log y_tk

so that dL/dz_t = y_t - e_t. `xs` is [T, inputs], `targets` [T, classes] with a single 1 in each row, `h0` [units].
Return a dict with dW_hy, db_y, dW_xh, dW_hh, db_h and dh0, each with the shape of what it is the gradient of. The same weights serve all
steps. The forward pass is given: hs[t] is h after step t + 1, ys[t] its output.
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
    """The six gradients."""
    xs, targets, h0 = given["xs"], given["targets"], given["h0"]
    w_xh, w_hh, w_hy = given["W_xh"], given["W_hh"], given["W_hy"]
    hs, sums, h = [], [], h0
    for x in xs:
        sums.append(w_xh @ x + w_hh @ h + given["b_h"])
        h = np.tanh(sums[-1])
        hs.append(h)
    shares: dict[str, list[Array]] = {name: [] for name in NAMES[:-1]}
    coming = np.zeros_like(h0)
    for t in reversed(range(len(xs))):
        dz = softmax(w_hy @ hs[t] + given["b_y"]) - targets[t]
        dz = -dz if "gradient-sign" in wrong else dz
        slope = 1 - (sums[t] if "tanh-derivative-of-sum" in wrong else hs[t]) ** 2
        slope = np.ones_like(slope) if "tanh-derivative-missing" in wrong else slope
        own = w_hy.T @ dz
        later = np.zeros_like(coming) if "future-gradient-missing" in wrong else coming
        da = own + later * slope if "tanh-derivative-on-future-only" in wrong else (own + later) * slope
        old = hs[t - 1] if t else h0
        shares["dW_hy"].append(np.outer(dz, hs[t]))
        shares["db_y"].append(dz)
        shares["dW_xh"].append(np.outer(da, xs[t]))
        shares["dW_hh"].append(
            np.outer(da, hs[t] if "gradient-reads-new-state" in wrong else old)
            * (t > 0 or "first-step-left-out" not in wrong)
        )
        shares["db_h"].append(da)
        coming = (w_hh if "back-not-transposed" in wrong else w_hh.T) @ da
    found = {name: total(name, steps, wrong) for name, steps in shares.items()}
    return found | {"dh0": np.zeros_like(h0) if "initial-gradient-missing" in wrong else coming}


def total(name: str, steps: list[Array], wrong: Wrong) -> Array:
    """The shares of the steps, from the last to the first, put together."""
    output = name in ("dW_hy", "db_y")
    weight = name.startswith("dW")
    if (
        ("gradient-overwritten" in wrong and not output and weight)
        or ("output-gradient-overwritten" in wrong and output)
        or ("bias-gradient-overwritten" in wrong and name == "db_h")
    ):
        value = steps[-1]
    else:
        value = np.sum(steps, axis=0)
    if "gradient-averaged" in wrong:
        value = value / len(steps)
    return value.T if "gradient-transposed" in wrong and weight else value


def draw(rng: np.random.Generator) -> list[Question]:
    """One step, four, and square matrices."""
    return [
        question(rng, "one step from a state that is not zero", 1, (2, 3, 4)),
        question(rng, "a sequence of four steps", 4, (2, 3, 4)),
        question(rng, "as many units as inputs and classes", 3, (3, 3, 3)),
    ]


def question(rng: np.random.Generator, name: str, steps: int, sizes: tuple[int, int, int]) -> Question:
    """A question with so many inputs, units and classes."""
    inputs, units, classes = sizes
    given = {
        "xs": normal(rng, steps, inputs), "targets": np.eye(classes)[rng.integers(classes, size=steps)], "h0": normal(rng, units),
        "W_xh": normal(rng, units, inputs, scale=0.6), "W_hh": normal(rng, units, units, scale=0.6), "W_hy": normal(rng, classes, units),
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
