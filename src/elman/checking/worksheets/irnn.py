"""`irnn`: ReLU and identity start (Le, Jaitly and Hinton 2015, arXiv 1504.00941)."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe, fit
from elman.checking.sandbox.work import call, generator
from elman.checking.worksheets.arithmetic import BIAS_MISTAKES, relu
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

START = ("identity-scaled", "bias-not-zero")
FORWARD = (
    "tanh-for-relu", "sigmoid-for-tanh", "tanh-missing", "input-after-activation", "state-reset", "initial-state-at-every-step",
    "start-from-zeros", "recurrent-transposed", "input-missing", *BIAS_MISTAKES,
)  # fmt: skip
KEEPING = ("tanh-for-relu",)

STATEMENT = """
An Elman network that keeps a state as well as an LSTM on some tasks needs two things: a ReLU, and a start at the identity.

    h_t = max(0, W_xh x_t + W_hh h_{t-1} + b)

    initialise(inputs, units, scale, rng)       a dict with W_xh [units, inputs], small and random; W_hh, scale times the identity;
                                                b, zeros. `rng` is a numpy Generator.
    irnn_forward(xs, h0, W_xh, W_hh, b)         the states of all steps, [T, units]
    kept(h0, steps)                             the experiment: run with W_hh = identity, no bias and inputs of zero; return the norm of
                                                the last state divided by the norm of h0

Run `kept` on a positive h0 for 100 steps; then put tanh in the place of the ReLU and look again.
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
    h0, b = given["h0"], given["b"]
    h, hs = (np.zeros_like(h0) if "start-from-zeros" in wrong else h0), []
    for x in given["xs"]:
        old = h0 if "initial-state-at-every-step" in wrong else np.zeros_like(h) if "state-reset" in wrong else h
        w = given["W_hh"].T if "recurrent-transposed" in wrong else given["W_hh"]
        new = given["W_xh"] @ x * ("input-missing" not in wrong)
        share = b * (0 if "bias-missing" in wrong else 2 if "bias-twice" in wrong else 1)
        inside, outside = w @ old, np.zeros_like(h)
        inside, outside = (inside, outside + new) if "input-after-activation" in wrong else (inside + new, outside)
        inside, outside = (inside, outside + share) if "bias-after-activation" in wrong else (inside + share, outside)
        h = bent(inside, wrong) + outside
        hs.append(h)
    return {"hs": np.array(hs)}


def bent(a: Array, wrong: Wrong) -> Array:
    """The ReLU, or what a mistake puts in its place."""
    if "tanh-for-relu" in wrong:
        return np.asarray(np.tanh(a))
    if "sigmoid-for-tanh" in wrong:
        return np.asarray(1 / (1 + np.exp(-a)))
    return a if "tanh-missing" in wrong else relu(a)


def left(h: Array, steps: int, wrong: Wrong) -> Array:
    """The share of the norm that is left."""
    start = np.linalg.norm(h)
    for _ in range(steps):
        h = bent(h, wrong)
    return np.array(np.linalg.norm(h) / start)


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
    if len(np.unique(w_xh)) < w_xh.size or np.abs(w_xh).max() > 1:
        raise UnreadableError("W_xh should be small and random, one number for each weight.")
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
        "xs": normal(rng, 4, 2), "h0": np.abs(normal(rng, 3)), "W_xh": normal(rng, 3, 2), "W_hh": np.eye(3) + normal(rng, 3, 3, scale=0.3),
        "b": normal(rng, 3, scale=0.5),
    }  # fmt: skip
    scale, h0 = round(float(rng.uniform(0.3, 0.9)), 3), np.abs(normal(rng, 4))
    return [
        Question(
            "the start", [call("initialise", 3, 5, scale, generator(int(rng.integers(2**31))))], lambda wrong: beginning(scale, wrong),
            START, (Slot(("diagonal", "b")),), digest=started, absent={"identity": "identity-missing"},
        ),
        Question(
            "the states of four steps", [call("irnn_forward", *given.values())], lambda wrong: reference(given, wrong), FORWARD,
            (Slot(("hs",)),), steps=("hs",),
        ),
        Question(
            "what is kept after 50 steps", [call("kept", h0, 50)], lambda wrong: {"kept": left(h0, 50, wrong)}, KEEPING, (Slot(("kept",)),)
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
    labels={"hs": "the state h", "diagonal": "the diagonal of W_hh", "b": "the bias", "kept": "what is kept"},
)
