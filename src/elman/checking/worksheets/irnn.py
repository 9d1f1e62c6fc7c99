"""`irnn`: ReLU and identity start (Le, Jaitly and Hinton 2015, arXiv 1504.00941)."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe, fit
from elman.checking.sandbox.work import call, generator
from elman.checking.worksheets.arithmetic import BIAS_MISTAKES, TERM_MISTAKES, elman_step, relu
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

START = ("identity-scaled", "bias-not-zero")
RELU = (
    "tanh-for-relu", "sigmoid-for-tanh", "tanh-missing", "leaky-relu@0.01", "leaky-relu@0.1", "leaky-relu@0.2", "relu-other-side",
    "absolute-for-relu", "softplus-for-relu", "elu-for-relu",
)  # fmt: skip
FORWARD = (
    *RELU, *TERM_MISTAKES, "relu-cut-off@1", "state-reset", "initial-state-at-every-step", "start-from-zeros", "states-shifted",
    *BIAS_MISTAKES,
)  # fmt: skip
KEEPING = (
    *RELU, "recurrent-subtracted", "state-added", "state-averaged", "relu-cut-off@1", "state-reset", "start-from-zeros",
    "kept-of-first-state", "kept-not-divided", "kept-turned-over", "norm-squared", "norm-of-absolutes", "norm-of-sum",
    "norm-largest",
)  # fmt: skip
SMALL = 0.2
"""The root mean square of input weights that count as small."""

STATEMENT = """
An Elman network that keeps a state as well as an LSTM on some tasks needs two things: a ReLU, and a start at the identity.

    h_t = max(0, W_xh x_t + W_hh h_{t-1} + b)

    initialise(inputs, units, scale, rng)       a dict with W_xh [units, inputs], random and small (a standard deviation of 0.1 or
                                                less); W_hh, scale times the identity; b, zeros. `rng` is a numpy Generator.
    irnn_forward(xs, h0, W_xh, W_hh, b)         the states of all steps, [T, units]
    kept(h0, steps)                             the experiment: run with W_hh = identity, no bias and inputs of zero; return the norm of
                                                the last state divided by the norm of h0, whatever the signs of h0

A norm is the root of the sum of squares. Arrays, tensors and lists will do,
in float32 or float64. Run `kept` on a positive h0 for 100 steps; then put tanh in the place of the ReLU and look again.
"""

STARTER = """
import numpy as np


def initialise(inputs, units, scale, rng):
    return {"W_xh": ..., "W_hh": ..., "b": ...}


def irnn_forward(xs, h0, W_xh, W_hh, b):
    ...


def kept(h0, steps):
    ...
"""

SOLUTION = """
import numpy as np


def initialise(inputs, units, scale, rng):
    return {"W_xh": rng.normal(0, 0.001, (units, inputs)), "W_hh": scale * np.eye(units), "b": np.zeros(units)}


def irnn_forward(xs, h0, W_xh, W_hh, b):
    h, hs = h0, []
    for x in xs:
        h = np.maximum(0, W_xh @ x + W_hh @ h + b)
        hs.append(h)
    return np.array(hs)


def kept(h0, steps):
    units = len(h0)
    hs = irnn_forward(np.zeros((steps, 1)), h0, np.zeros((units, 1)), np.eye(units), np.zeros(units))
    return np.linalg.norm(hs[-1]) / np.linalg.norm(h0)
"""

EXPLANATION = """
With the identity and a ReLU a positive state stays exactly what it is, for any number of steps, and so does its gradient. A tanh shrinks
the state a little at every step: after a hundred steps most of it is gone. The input's weights start small so that they disturb
the state little until training finds out what is worth keeping.
"""


def reference(given: dict[str, Array], wrong: Wrong) -> Quantities:
    """The states."""
    h0 = given["h0"]
    h, hs, olds = (np.zeros_like(h0) if "start-from-zeros" in wrong else h0), [], []
    for x in given["xs"]:
        old = h0 if "initial-state-at-every-step" in wrong else np.zeros_like(h) if "state-reset" in wrong else h
        h = elman_step(x, old, given["W_xh"], given["W_hh"], wrong, given["b"], relu)
        hs.append(h)
        olds.append(old)
    return {"hs": np.array(olds if "states-shifted" in wrong else hs)}


def left(h: Array, steps: int, wrong: Wrong) -> Array:
    """The share of the norm that is left."""
    units = len(h)
    nothing = {"xs": np.zeros((steps, 1)), "W_xh": np.zeros((units, 1)), "b": np.zeros(units)}
    states = reference({**nothing, "h0": h, "W_hh": np.eye(units)}, wrong)["hs"]
    end, start = (
        np.array(norm(states[-1], wrong)),
        np.array(norm(states[0] if "kept-of-first-state" in wrong else h, wrong)),
    )
    if "kept-not-divided" in wrong:
        return end
    return np.asarray(start / end if "kept-turned-over" in wrong else end / start)


def norm(h: Array, wrong: Wrong) -> float:
    """The length of a vector, or what a mistake takes for it."""
    others = {
        "norm-squared": (h**2).sum(), "norm-of-absolutes": np.abs(h).sum(), "norm-of-sum": np.abs(h.sum()), "norm-largest": np.abs(h).max(),
        "norm-mean": np.sqrt((h**2).mean()),
    }  # fmt: skip
    return float(next((v for name, v in others.items() if name in wrong), np.linalg.norm(h)))


def started(values: list[Any]) -> list[Any]:
    """Of what `initialise` returned, the diagonal and the bias; the rest has to be as it should."""
    (value,) = values
    if isinstance(value, list) and len(value) == 3:
        value = dict(zip(("W_xh", "W_hh", "b"), value, strict=True))
    if not isinstance(value, dict) or not {"W_xh", "W_hh", "b"} <= set(value):
        raise UnreadableError(f"`initialise` should return a dict with W_xh, W_hh and b; this came: {describe(value)}.")
    w_xh, w_hh, b = (fit(value[k], shape, k) for k, shape in (("W_xh", (5, 3)), ("W_hh", (5, 5)), ("b", (5,))))
    if np.abs(w_hh - np.diag(np.diag(w_hh))).max() > 1e-6:
        raise UnreadableError("W_hh has other numbers than zeros beside its diagonal.", "identity")
    if len(np.unique(b)) > 1:
        raise UnreadableError("b has other numbers than zeros.", "b")
    if len(np.unique(w_xh)) < w_xh.size:
        raise UnreadableError("W_xh should be random, another number for each weight.")
    if (size := float(np.sqrt((w_xh**2).mean()))) > SMALL:
        raise UnreadableError(
            f"W_xh should be small, 0.1 at most as standard deviation; its numbers are about {size:.2g}."
        )
    return [[np.diag(w_hh), b]]


def beginning(scale: float, wrong: Wrong) -> Quantities:
    """Diagonal and bias."""
    return {
        "diagonal": np.full(5, 1.0 if "identity-scaled" in wrong else scale),
        "b": np.full(5, float("bias-not-zero" in wrong)),
    }


def draw(rng: np.random.Generator) -> list[Question]:
    """The start, the states, the experiment."""
    given = {
        "xs": normal(rng, 6, 3), "h0": normal(rng, 3), "W_xh": normal(rng, 3, 3), "W_hh": np.eye(3) + normal(rng, 3, 3, scale=0.3),
        "b": normal(rng, 3, scale=0.5),
    }  # fmt: skip
    scale, positive = round(float(rng.uniform(0.3, 0.9)), 3), np.abs(normal(rng, 4))
    mixed = positive[:3] * rng.permutation([1.0, 1.0, -1.0])
    return [
        Question(
            "the start", [call("initialise", 3, 5, scale, generator(int(rng.integers(2**31))))], lambda wrong: beginning(scale, wrong),
            START, (Slot(("diagonal", "b")),), digest=started, absent={"identity": "identity-missing", "b": "bias-not-zero"},
        ),
        Question(
            "the states of six steps", [call("irnn_forward", *given.values())], lambda wrong: reference(given, wrong), FORWARD,
            (Slot(("hs",)),), steps=("hs",),
        ),
        Question(
            "what is kept after 50 steps", [call("kept", positive, 50), call("kept", mixed, 50), call("kept", positive, 3)],
            lambda wrong: {"kept": left(positive, 50, wrong), "mixed": left(mixed, 50, wrong), "three": left(positive, 3, wrong)},
            KEEPING, (Slot(("kept",)), Slot(("mixed",)), Slot(("three",))),
        ),
    ]  # fmt: skip


WORKSHEET = Worksheet(
    name="irnn",
    title="A recurrent network with ReLU that starts at the identity",
    course="UW lesson 9 (ReLU for RNNs, arXiv 1504.00941): column vectors, one bias",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("initialise", "irnn_forward", "kept"),
    labels={
        "hs": "the state h",
        "diagonal": "the diagonal of W_hh",
        "b": "the bias",
        "kept": "what is kept",
        "mixed": "what is kept of a state with a negative number",
        "three": "what is kept after 3 steps",
    },
)
