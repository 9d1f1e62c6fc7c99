"""`rnn-forward`: the forward pass of the practical in NumPy: many-to-many, softmax, cross-entropy, biases."""

from __future__ import annotations

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.arithmetic import (
    BIAS_MISTAKES,
    ELMAN_MISTAKES,
    elman_step,
    log_softmax,
    naive_softmax,
    softmax,
)
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

OUTPUT_MISTAKES = (
    "output-from-old-state", "output-transposed", "output-bias-missing", "output-bias-twice", "biases-swapped", "softmax-missing",
    "softmax-twice", "softmax-over-time", "softmax-unstable", "log-unstable", "loss-mean", "loss-last-step-only",
    "loss-sign", "loss-log2", "loss-squared-error", "loss-on-logits", "loss-without-log",
)  # fmt: skip
MISTAKES = (
    *ELMAN_MISTAKES, *BIAS_MISTAKES, "initial-state-at-every-step", "state-reset", "start-from-zeros", *OUTPUT_MISTAKES,
)  # fmt: skip

STATEMENT = """
Forward propagation of a many-to-many recurrent network with one hidden layer, for a sequence x_1 ... x_T:

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h)
    z_t = W_hy h_t + b_y
    y_t = softmax(z_t)
    L   = sum over t of the cross-entropy between y_t and the target e_t,   - sum_k e_tk log y_tk

`xs` is [T, inputs], `targets` is [T, classes] with a single 1 in each row, `h0` is the initial state.
Return the hidden states [T, units], the outputs y [T, classes] and the loss (the sum, not the mean).
In the last question the logits are so large that exp(z) is beyond every number: y and L must still be finite.
"""

STARTER = """
import numpy as np


def rnn_forward(xs, targets, h0, W_xh, W_hh, W_hy, b_h, b_y):
    hs, ys, loss = [], [], 0.0
    h = h0
    for x, target in zip(xs, targets):
        h = ...
        y = ...
        loss = ...
        hs.append(h)
        ys.append(y)
    return np.array(hs), np.array(ys), loss
"""

SOLUTION = """
import numpy as np


def rnn_forward(xs, targets, h0, W_xh, W_hh, W_hy, b_h, b_y):
    hs, ys, loss = [], [], 0.0
    h = h0
    for x, target in zip(xs, targets):
        h = np.tanh(W_xh @ x + W_hh @ h + b_h)
        z = W_hy @ h + b_y
        z = z - z.max()
        log_y = z - np.log(np.exp(z).sum())
        loss = loss - (target * log_y).sum()
        hs.append(h)
        ys.append(np.exp(log_y))
    return np.array(hs), np.array(ys), loss
"""

EXPLANATION = """
The same three matrices serve every step; only h changes. A softmax does not change when a constant is taken off all logits, so
take off the largest: exp never overflows. The logarithm of a softmax is z - log(sum(exp(z))): written like this it stays finite also
where the probability itself is rounded to 0.
"""

NAMES = ("hs", "ys", "loss")


def reference(given: dict[str, Array], wrong: Wrong) -> Quantities:
    """Hidden states, outputs, loss."""
    b_h, b_y = given["b_h"], given["b_y"]
    if "biases-swapped" in wrong:
        b_h, b_y = b_y, b_h
    h0 = given["h0"]
    h = np.zeros(len(h0)) if "start-from-zeros" in wrong else h0
    hs, zs = [], []
    for x in given["xs"]:
        old = h0 if "initial-state-at-every-step" in wrong else np.zeros(len(h0)) if "state-reset" in wrong else h
        h = elman_step(x, old, given["W_xh"], given["W_hh"], wrong, b_h)
        share = 0.0 if "output-bias-missing" in wrong else 2 * b_y if "output-bias-twice" in wrong else b_y
        w_hy = given["W_hy"].T if "output-transposed" in wrong else given["W_hy"]
        zs.append(w_hy @ (old if "output-from-old-state" in wrong else h) + share)
        hs.append(h)
    ys, losses = output(np.array(zs), given["targets"], wrong)
    total = losses[-1] if "loss-last-step-only" in wrong else losses.mean() if "loss-mean" in wrong else losses.sum()
    return {"hs": np.array(hs), "ys": ys, "loss": np.array(-total if "loss-sign" in wrong else total)}


def output(z: Array, targets: Array, wrong: Wrong) -> tuple[Array, Array]:
    """Softmax and the cross-entropy of each step, with their mistakes."""
    y = softmax(z, axis=0) if "softmax-over-time" in wrong else softmax(z)
    y = z if "softmax-missing" in wrong else softmax(y) if "softmax-twice" in wrong else y
    y = naive_softmax(z) if "softmax-unstable" in wrong else y
    if "loss-squared-error" in wrong:
        return y, np.asarray(((y - targets) ** 2).sum(axis=-1))
    if wrong & {"loss-on-logits", "loss-without-log"}:
        return y, np.asarray(-(targets * (z if "loss-on-logits" in wrong else y)).sum(axis=-1))
    plain = not wrong & {"softmax-over-time", "softmax-missing", "softmax-twice", "softmax-unstable", "log-unstable"}
    chosen = (targets * log_softmax(z)).sum(axis=-1) if plain else np.log((targets * y).sum(axis=-1))
    return y, np.asarray(-chosen / np.log(2) if "loss-log2" in wrong else -chosen)


def draw(rng: np.random.Generator) -> list[Question]:
    """One step, four steps, square matrices, and logits that overflow."""
    return [
        question(rng, "one step from a state that is not zero", 1, (4, 3, 2)),
        question(rng, "a sequence of four steps", 4, (4, 3, 5)),
        question(rng, "as many units as inputs and classes", 3, (3, 3, 3)),
        question(rng, "logits in the thousands", 3, (4, 3, 5), scale=4000.0),
    ]


def question(
    rng: np.random.Generator, name: str, steps: int, sizes: tuple[int, int, int], scale: float = 1.0
) -> Question:
    """A question with so many inputs, units and classes."""
    inputs, units, classes = sizes
    given = {
        "xs": normal(rng, steps, inputs), "targets": np.eye(classes)[rng.integers(classes, size=steps)], "h0": normal(rng, units),
        "W_xh": normal(rng, units, inputs), "W_hh": normal(rng, units, units), "W_hy": normal(rng, classes, units) * scale,
        "b_h": normal(rng, units), "b_y": normal(rng, classes),
    }  # fmt: skip
    return Question(
        name,
        [call("rnn_forward", *given.values())],
        lambda wrong: reference(given, wrong),
        MISTAKES,
        (Slot(NAMES),),
        steps=("hs", "ys"),
    )


WORKSHEET = Worksheet(
    name="rnn-forward",
    title="The forward pass of a sequence in NumPy",
    course="practical 9, programming question 1: column vectors, biases, softmax output, cross-entropy",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("rnn_forward",),
    labels={"hs": "the hidden state h", "ys": "the output y", "loss": "the loss"},
)
