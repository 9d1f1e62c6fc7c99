"""`rnn-step`: the lecture's `RNN.step`, column vectors, no bias, affine output."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from elman.checking.sandbox.work import assign, make, method, read
from elman.checking.worksheets.arithmetic import ELMAN_MISTAKES, elman_step, relu, sigmoid, softmax, transposed
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Worksheet, Wrong, normal, step_slots

AFFINE: dict[str, Callable[[Array], Array]] = {
    "output-tanh": np.tanh,
    "output-softmax": softmax,
    "output-sigmoid": sigmoid,
    "output-relu": relu,
}
OUTPUT_MISTAKES = (
    "output-from-old-state", "output-from-input", "output-from-sum", "output-transposed", "output-with-recurrent-matrix",
    "output-is-state", *AFFINE,
)  # fmt: skip
MISTAKES = (
    *ELMAN_MISTAKES, "all-transposed",
    "state-not-carried", "state-reset", "state-before-activation", *OUTPUT_MISTAKES,
)  # fmt: skip

STATEMENT = """
The step of a recurrent network, for column vectors and without bias:

    h_t = tanh(W_hh h_{t-1} + W_xh x_t)
    y_t = W_hy h_t

Complete `step`: it reads self.W_hh, self.W_xh, self.W_hy and the state self.h, keeps the new state in self.h and returns y.
The checker sets these four, calls `step` several times in a row and looks at y and self.h after each call. x and self.h come as NumPy
arrays of shape [inputs] and [units]; y and self.h may be left as arrays, columns [n, 1], tensors or lists.
"""

STARTER = """
from collections.abc import Callable

import numpy as np


class RNN:
    def step(self, x):
        self.h = np.tanh(...)
        y = ...
        return y
"""

SOLUTION = """
from collections.abc import Callable

import numpy as np


class RNN:
    def step(self, x):
        self.h = np.tanh(np.dot(self.W_hh, self.h) + np.dot(self.W_xh, x))
        y = np.dot(self.W_hy, self.h)
        return y
"""

EXPLANATION = """
The state is kept in self.h: that is the whole memory. Both products stand inside the tanh, so that the state mixes what was and
what comes and stays between -1 and 1. y reads the new state, the one that has already seen x.
"""


def reference(xs: Array, weights: dict[str, Array], wrong: Wrong) -> Quantities:
    """H and y of every step."""
    wrong = transposed(wrong)
    h, hs, ys = weights["h"], [], []
    for x in xs:
        old = np.zeros(len(h)) if "state-reset" in wrong else weights["h"] if "state-not-carried" in wrong else h
        bare = elman_step(x, old, weights["W_xh"], weights["W_hh"], wrong | {"tanh-missing"})
        h = elman_step(x, old, weights["W_xh"], weights["W_hh"], wrong)
        ys.append(output({"x": x, "old": old, "new": h, "sum": bare}, weights, wrong))
        h = bare if "state-before-activation" in wrong else h
        hs.append(old if "state-not-carried" in wrong else h)
    return {"h": np.array(hs), "y": np.array(ys)}


def output(seen: dict[str, Array], weights: dict[str, Array], wrong: Wrong, bias: Array | float = 0.0) -> Array:
    """W_hy h + b, with the mistakes of an affine output; `seen` has the input, both states and the sum inside the activation."""
    reads = {"output-from-old-state": "old", "output-from-input": "x", "output-from-sum": "sum"}
    read = seen[next((which for name, which in reads.items() if name in wrong), "new")]
    if "output-is-state" in wrong:
        return read
    w_hy = weights["W_hh"] if "output-with-recurrent-matrix" in wrong else weights["W_hy"]
    shares = {"output-bias-missing": 0.0, "output-bias-twice": 2.0, "output-bias-subtracted": -1.0}
    share = next((times for name, times in shares.items() if name in wrong), 1.0) * bias
    y = (w_hy.T if "output-transposed" in wrong else w_hy) @ read + share
    return np.asarray(next((made(y) for name, made in AFFINE.items() if name in wrong), y))


def draw(rng: np.random.Generator) -> list[Question]:
    """One step from a state that is not zero, four steps in a row, and square matrices that hide no transpose by failing."""
    return [
        question(rng, "one step from a state that is not zero", 1, (4, 3, 2)),
        question(rng, "four steps, one after the other", 4, (4, 3, 2)),
        question(rng, "as many units as inputs and outputs", 3, (3, 3, 3)),
    ]


def question(rng: np.random.Generator, name: str, steps: int, sizes: tuple[int, int, int]) -> Question:
    """A question with so many units, inputs and outputs."""
    units, inputs, outputs = sizes
    xs = normal(rng, steps, inputs)
    weights = {
        "W_hh": normal(rng, units, units), "W_xh": normal(rng, units, inputs), "W_hy": normal(rng, outputs, units), "h": normal(rng, units),
    }  # fmt: skip
    asked = [action for x in xs for action in (method("step", x), read("h"))]
    return Question(
        name,
        [make("RNN"), assign(weights), *asked],
        lambda wrong: reference(xs, weights, wrong),
        MISTAKES,
        step_slots(steps, "y", "h"),
        steps=("h", "y"),
    )


WORKSHEET = Worksheet(
    name="rnn-step",
    title="The step of a recurrent network",
    course="UW lesson 9: column vectors, no bias, affine output",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("RNN", "RNN.step"),
    labels={"h": "the state h", "y": "the output y"},
)
