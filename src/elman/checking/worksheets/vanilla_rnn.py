"""`vanilla-rnn`: complete the class `VanillaRNN`, column vectors, with biases, affine output."""

from __future__ import annotations

import numpy as np

from elman.checking.sandbox.work import assign, expect, make, method, read
from elman.checking.worksheets.arithmetic import BIAS_MISTAKES, ELMAN_MISTAKES, elman_step, transposed
from elman.checking.worksheets.rnn_step import OUTPUT_MISTAKES, output
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Worksheet, Wrong, normal, step_slots

MISTAKES = (
    *ELMAN_MISTAKES, *BIAS_MISTAKES, "all-transposed",
    "state-not-carried", "state-reset", "state-before-activation", *OUTPUT_MISTAKES,
    "output-bias-missing", "output-bias-twice", "output-bias-subtracted", "biases-swapped", "bias-shared@Bh", "bias-shared@By",
    "bias-on-output-too", "output-bias-on-state-too", "input-and-output-matrices-swapped",
)  # fmt: skip
ATTRIBUTES = ("W_hh", "W_xh", "W_hy", "Bh", "By", "hidden_state")

STATEMENT = """
A "vanilla" many-to-many RNN updates its hidden state and gives an output at every step:

    h_t = tanh(W_hh h_{t-1} + W_xh x_t + B_h)
    y_t = W_hy h_t + B_y

Complete the class. `forward` processes the input of a single step, updates self.hidden_state and returns self.output.
The checker puts other numbers into W_hh, W_xh, W_hy, Bh and By (NumPy arrays; tensors where yours are tensors), calls `forward` several
times in a row, and looks at what it returns and at self.hidden_state. Arrays, tensors and lists will do, in float32 or float64.
"""

_CLASS = """
import numpy as np


class VanillaRNN:
    def __init__(self):
        self.W_hh = np.random.randn(3, 3)
        self.W_xh = np.random.randn(3, 3)
        self.W_hy = np.random.randn(3, 3)
        self.Bh = np.random.randn(3)
        self.By = np.random.randn(3)
        self.hidden_state = np.zeros(3)

    def forward(self, x):
        # Processes the input at a single timestep and updates the hidden state
"""

STARTER = (
    _CLASS
    + """\
        self.hidden_state = np.tanh(...)
        self.output = np.dot(...) + ...
        return self.output
"""
)

SOLUTION = (
    _CLASS
    + """\
        self.hidden_state = np.tanh(np.dot(self.W_hh, self.hidden_state) + np.dot(self.W_xh, x) + self.Bh)
        self.output = np.dot(self.W_hy, self.hidden_state) + self.By
        return self.output
"""
)

EXPLANATION = """
Three terms stand inside the tanh: what was, what comes, and the bias. Assigning to self.hidden_state carries the state to the next
call. The output is affine: no activation, and its bias is another one than the state's. All matrices here are 3 x 3, so a
transposed one raises no error; it only gives other numbers.
"""


def reference(xs: Array, weights: dict[str, Array], wrong: Wrong) -> Quantities:
    """H and y of every step."""
    wrong = transposed(wrong)
    start = weights["hidden_state"]
    bh, by = weights["Bh"], weights["By"]
    if "biases-swapped" in wrong:
        bh, by = by, bh
    by, bh = (bh, bh) if "bias-shared@Bh" in wrong else (by, by) if "bias-shared@By" in wrong else (by, bh)
    bh, by = bh + by * ("output-bias-on-state-too" in wrong), by + bh * ("bias-on-output-too" in wrong)
    if "input-and-output-matrices-swapped" in wrong:
        weights = weights | {"W_xh": weights["W_hy"], "W_hy": weights["W_xh"]}
    h, hs, ys = start, [], []
    for x in xs:
        old = np.zeros(len(h)) if "state-reset" in wrong else start if "state-not-carried" in wrong else h
        bare = elman_step(x, old, weights["W_xh"], weights["W_hh"], wrong | {"tanh-missing"}, bh)
        h = elman_step(x, old, weights["W_xh"], weights["W_hh"], wrong, bh)
        ys.append(output({"x": x, "old": old, "new": h, "sum": bare}, weights, wrong, by))
        h = bare if "state-before-activation" in wrong else h
        hs.append(old if "state-not-carried" in wrong else h)
    return {"h": np.array(hs), "y": np.array(ys)}


def draw(rng: np.random.Generator) -> list[Question]:
    """From the constructor's zeros, and from another state."""
    return [
        question(rng, "two steps from the constructor's zeros", 2, np.zeros(3)),
        question(rng, "one step from a state that is not zero", 1, normal(rng, 3)),
        question(rng, "four steps, one after the other", 4, normal(rng, 3)),
    ]


def question(rng: np.random.Generator, name: str, steps: int, state: Array) -> Question:
    """A question from a state."""
    xs = normal(rng, steps, 3)
    weights = {k: normal(rng, 3, 3) for k in ("W_hh", "W_xh", "W_hy")} | {k: normal(rng, 3) for k in ("Bh", "By")}
    given = weights | ({"hidden_state": state} if state.any() else {})
    asked = [action for x in xs for action in (method("forward", x), read("hidden_state"))]
    return Question(
        name,
        [make("VanillaRNN"), expect(*ATTRIBUTES), assign(given), *asked],
        lambda wrong: reference(xs, weights | {"hidden_state": state}, wrong),
        MISTAKES,
        step_slots(steps, "y", "h"),
        steps=("h", "y"),
    )


WORKSHEET = Worksheet(
    name="vanilla-rnn",
    title="Complete the class VanillaRNN",
    course="discussion worksheet: column vectors, biases, affine output",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("VanillaRNN", "VanillaRNN.forward"),
    labels={"h": "the hidden state h", "y": "the output y"},
)
