"""`rnn-forward`: the forward pass of the practical in NumPy: many-to-many, softmax, cross-entropy, biases."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.arithmetic import (
    BIAS_MISTAKES,
    ELMAN_MISTAKES,
    elman_step,
    log_softmax,
    naive_softmax,
    sigmoid,
    softmax,
)
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

EPSILONS = ("1e-15", "1e-12", "1e-10", "1e-9", "1e-8", "1e-7", "1e-6", "1e-300")
SOFTMAX_MISTAKES = (
    "softmax-missing", "softmax-twice", "softmax-over-time", "softmax-over-all", "sigmoid-for-softmax", "softmax-not-normalised",
    "softmax-of-two", "softmax-without-exponential", "log-for-probability",
)  # fmt: skip
SHOWN_ONLY = tuple(f"{name}@output" for name in SOFTMAX_MISTAKES)
"""The same in the outputs only; the loss is right."""
LOSS_MISTAKES = (
    "loss-mean", "loss-mean-over-all", "loss-last-step-only", "loss-first-step-only", "loss-sign", "loss-log2", "loss-log10",
    "loss-squared-error",
    "loss-squared-error@mean", "loss-squared-error@half", "loss-on-logits", "loss-without-log", "loss-softmax-twice", "loss-binary",
    "loss-all-classes",
    "loss-target-shifted", "loss-perplexity", "loss-running-mean",
)  # fmt: skip
OUTPUT_MISTAKES = (
    "output-from-old-state", "output-from-sum", "output-tanh", "output-transposed", "output-bias-missing", "output-bias-twice",
    "biases-swapped",
    "output-from-last-state", *SOFTMAX_MISTAKES, "softmax-unstable", "log-unstable", *LOSS_MISTAKES,
)  # fmt: skip
STATES = ("initial-state-at-every-step", "state-reset", "start-from-zeros", "states-shifted")
MISTAKES = (
    *ELMAN_MISTAKES, *BIAS_MISTAKES, *STATES, *OUTPUT_MISTAKES, *SHOWN_ONLY, *(f"log-of-probability-plus@{e}" for e in EPSILONS),
)  # fmt: skip

STATEMENT = """
Forward propagation of a many-to-many recurrent network with one hidden layer, for a sequence x_1 ... x_T:

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h)
    z_t = W_hy h_t + b_y
    y_t = softmax(z_t)
    L   = sum over t of the cross-entropy between y_t and the target e_t,   - sum_k e_tk log y_tk

`xs` is [T, inputs], `targets` is [T, classes] with a single 1 in each row, `h0` is the initial state.
Return the hidden states [T, units], the outputs y [T, classes] and the loss (the sum, not the mean; natural logarithm). Arrays, tensors
and lists will do, in float32 or float64: one part in ten thousand is near enough.
In the last question the logits are so large that exp(z) is beyond every number: y and L must still be finite and L the true value,
so a small number added inside the logarithm will not do.
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
    hs, zs = states(given, wrong)
    ys, losses = output(zs, given["targets"], wrong)
    return {"hs": hs, "ys": ys, "loss": np.array(whole(losses, given["targets"], wrong))}


def states(given: dict[str, Array], wrong: Wrong) -> tuple[Array, Array]:
    """Hidden states and logits of all steps."""
    b_h, b_y = given["b_h"], given["b_y"]
    if "biases-swapped" in wrong:
        b_h, b_y = b_y, b_h
    h0 = given["h0"]
    h = np.zeros(len(h0)) if "start-from-zeros" in wrong else h0
    hs, olds, sums = [], [], []
    for x in given["xs"]:
        old = h0 if "initial-state-at-every-step" in wrong else np.zeros(len(h0)) if "state-reset" in wrong else h
        h = elman_step(x, old, given["W_xh"], given["W_hh"], wrong, b_h)
        sums.append(elman_step(x, old, given["W_xh"], given["W_hh"], wrong | {"tanh-missing"}, b_h))
        hs.append(h)
        olds.append(old)
    reads = {"output-from-old-state": olds, "output-from-sum": sums, "output-from-last-state": [h] * len(hs)}
    read = next((which for name, which in reads.items() if name in wrong), hs)
    return np.array(olds if "states-shifted" in wrong else hs), np.array([logits(given, v, b_y, wrong) for v in read])


def logits(given: dict[str, Array], read: Array, b_y: Array, wrong: Wrong) -> Array:
    """W_hy h + b_y."""
    share = 0.0 if "output-bias-missing" in wrong else 2 * b_y if "output-bias-twice" in wrong else b_y
    z = (given["W_hy"].T if "output-transposed" in wrong else given["W_hy"]) @ read + share
    return np.asarray(np.tanh(z) if "output-tanh" in wrong else z)


def whole(losses: Array, targets: Array, wrong: Wrong) -> float:
    """The loss of the sequence from those of its steps."""
    one = {
        "loss-last-step-only": losses[-1], "loss-first-step-only": losses[0], "loss-mean": losses.mean(),
        "loss-mean-over-all": losses.sum() / targets.size,
        "loss-perplexity": np.exp(losses.mean()), "loss-running-mean": average(losses),
    }  # fmt: skip
    total = next((v for name, v in one.items() if name in wrong), losses.sum())
    return float(-total if "loss-sign" in wrong else total)


def average(losses: Array) -> float:
    """`loss = (loss + new) / 2` at every step."""
    found = 0.0
    for loss in losses:
        found = (found + loss) / 2
    return float(found)


def probabilities(z: Array, wrong: Wrong) -> Array:
    """The softmax, or what a mistake puts in its place."""
    made: dict[str, Callable[[Array], Array]] = {
        "softmax-missing": np.copy, "softmax-twice": lambda z: softmax(softmax(z)), "softmax-over-time": lambda z: softmax(z, axis=0),
        "softmax-over-all": lambda z: softmax(z.ravel()).reshape(z.shape), "sigmoid-for-softmax": sigmoid,
        "softmax-not-normalised": np.exp, "softmax-without-exponential": lambda z: z / z.sum(-1, keepdims=True),
        "softmax-unstable": naive_softmax, "log-for-probability": log_softmax,
        "softmax-of-two": lambda z: np.exp2(z - z.max(-1, keepdims=True)) / np.exp2(z - z.max(-1, keepdims=True)).sum(-1, keepdims=True),
    }  # fmt: skip
    return np.asarray(
        next((function for name, function in made.items() if wrong & {name, f"{name}@output"}), softmax)(z)
    )


def output(z: Array, targets: Array, wrong: Wrong) -> tuple[Array, Array]:
    """Softmax and the cross-entropy of each step, with their mistakes."""
    y = probabilities(z, wrong)
    return y, step_losses(z, softmax(z) if wrong & {*SHOWN_ONLY} else y, targets, wrong)


def step_losses(z: Array, y: Array, targets: Array, wrong: Wrong) -> Array:
    """The cross-entropy of each step, with its mistakes."""
    errors = (y - targets) ** 2
    e = np.roll(targets, -1, axis=0) if "loss-target-shifted" in wrong else targets
    losses = {
        "loss-squared-error": errors.sum(axis=-1), "loss-squared-error@mean": errors.mean(axis=-1),
        "loss-squared-error@half": errors.sum(axis=-1) / 2,
        "loss-on-logits": -(e * z).sum(axis=-1), "loss-without-log": -(e * y).sum(axis=-1),
    }  # fmt: skip
    if found := [v for name, v in losses.items() if name in wrong]:
        return np.asarray(found[0])
    plain = not wrong & {*SOFTMAX_MISTAKES, "softmax-unstable", "log-unstable"}
    logs = log_softmax(z) if plain else y if "log-for-probability" in wrong else np.log(y)
    if "loss-softmax-twice" in wrong:
        logs = log_softmax(y)
    for epsilon in EPSILONS:
        logs = np.log(y + float(epsilon)) if f"log-of-probability-plus@{epsilon}" in wrong else logs
    chosen = np.where((e > 0) | ("loss-all-classes" in wrong), logs, 0.0).sum(axis=-1)
    if "loss-binary" in wrong:
        chosen = chosen + np.where(e > 0, 0.0, np.log1p(-y)).sum(axis=-1)
    base = np.log(2) if "loss-log2" in wrong else np.log(10) if "loss-log10" in wrong else 1.0
    return np.asarray(-chosen / base)


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
