"""`torch-cell`: the forward pass of the names model in PyTorch, and reading a name with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from elman.checking.sandbox.work import THE_OBJECT, array, assign, call, expect, make, method
from elman.checking.worksheets.arithmetic import activate, log_softmax, relu, sigmoid, softmax
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

OUTPUTS: dict[str, Callable[[Array], Array]] = {
    "softmax-missing": np.copy, "softmax-for-log-softmax": softmax, "softmax-twice": lambda z: log_softmax(softmax(z)),
    "softmax-over-batch": np.zeros_like, "softmax-over-batch@ones": np.ones_like,
    "log-sigmoid": lambda z: -np.logaddexp(0.0, -z), "output-tanh": lambda z: log_softmax(np.tanh(z)),
    "output-relu": lambda z: log_softmax(relu(z)),
    "output-sigmoid": sigmoid, "loss-sign": lambda z: -log_softmax(z), "loss-log10": lambda z: log_softmax(z) / np.log(10),
    "log-softmax-of-small-number": lambda z: np.log(softmax(z) + 1e-9),
}  # fmt: skip
"""What stands where the log_softmax belongs."""
CELL = (
    "tanh-missing", "sigmoid-for-tanh", "relu-for-tanh", "tanh-twice", "parts-swapped", "state-reset", "output-from-old-state",
    "output-from-sum", "log-unstable", "state-not-carried", "state-before-activation", "bias-missing", "output-bias-missing", "state-added",
    "input-missing", *OUTPUTS,
)  # fmt: skip
READING = ("initial-state-at-every-step", "order-reversed", "start-from-ones", *CELL)

STATEMENT = """
The network that generates names: at each step it reads a letter and the hidden state, and says how likely each next letter is.

    h_t = tanh(i2h([x_t, h_{t-1}]))          x first, then h, in one vector
    y_t = log_softmax(h2o(h_t))              log-probabilities: the loss is NLLLoss

Complete `forward`, which returns the output and the new hidden state, and `read_name`, which starts from `rnn.init_hidden()`, reads
the letters of a name one after the other (`xs` is [T, 1, input_size]) and returns the outputs of all steps, [T, output_size].
In one question the logits are very large: log-probabilities stay finite if you let PyTorch compute them in one piece.
"""

_CLASS = """
import torch
from torch import nn


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)

    def forward(self, x, hidden):
"""

STARTER = (
    _CLASS
    + """\
        hidden = ...
        output = ...
        return output, hidden

    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)


def read_name(rnn, xs):
    hidden = rnn.init_hidden()
    outputs = []
    for x in xs:
        ...
    return torch.cat(outputs)
"""
)

SOLUTION = (
    _CLASS
    + """\
        hidden = torch.tanh(self.i2h(torch.cat([x, hidden], dim=1)))
        output = torch.log_softmax(self.h2o(hidden), dim=1)
        return output, hidden

    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)


def read_name(rnn, xs):
    hidden = rnn.init_hidden()
    outputs = []
    for x in xs:
        output, hidden = rnn(x, hidden)
        outputs.append(output)
    return torch.cat(outputs)
"""
)

EXPLANATION = """
One linear layer over [x, h] is the same as two matrices, one for each. NLLLoss takes log-probabilities, so the output is a log_softmax:
one function, not the logarithm of a softmax, which is -inf wherever a probability rounds to 0. In `read_name` the state that comes out
of a step goes into the next: `output, hidden = rnn(x, hidden)`.
"""


def step(x: Array, h: Array, weights: dict[str, Array], wrong: Wrong) -> tuple[Array, Array]:
    """Output and new state of one step."""
    old, x = np.zeros_like(h) if "state-reset" in wrong else h, x * ("input-missing" not in wrong)
    both = np.concatenate([old, x] if "parts-swapped" in wrong else [x, old])
    bare = weights["i2h.weight"] @ both + weights["i2h.bias"] * ("bias-missing" not in wrong)
    new = activate(bare, wrong) + old * ("state-added" in wrong)
    read = h if "output-from-old-state" in wrong else bare if "output-from-sum" in wrong else new
    z = weights["h2o.weight"] @ read + weights["h2o.bias"] * ("output-bias-missing" not in wrong)
    new = bare if "state-before-activation" in wrong else new
    if "log-unstable" in wrong:  # in float32, as the student's
        with np.errstate(divide="ignore"):
            return np.log(softmax(z).astype(np.float32)).astype(np.float64), new
    return np.asarray(next((made for name, made in OUTPUTS.items() if name in wrong), log_softmax)(z)), new


def one_step(x: Array, h: Array, weights: dict[str, Array], wrong: Wrong) -> Quantities:
    """Hidden state and output."""
    y, new = step(x, h, weights, wrong)
    return {"hidden": h if "state-not-carried" in wrong else new, "output": y}


def whole_name(xs: Array, weights: dict[str, Array], wrong: Wrong) -> Quantities:
    """The outputs of all steps."""
    h, ys = np.full(len(weights["i2h.bias"]), float("start-from-ones" in wrong)), []
    for x in xs:
        y, new = step(x, h, weights, wrong)
        h = h if wrong & {"initial-state-at-every-step", "state-not-carried"} else new
        ys.append(y)
    return {"outputs": np.array(ys[::-1] if "order-reversed" in wrong else ys)}


def draw(rng: np.random.Generator) -> list[Question]:
    """One step, one with large logits, and a name."""
    return [
        one(rng, "one step from a state that is not zero"),
        one(rng, "one step with large logits", scale=150.0),
        name(rng),
    ]


def weights_of(rng: np.random.Generator, scale: float) -> dict[str, Array]:
    """5 letters in, 4 units, 6 letters out."""
    return {
        "i2h.weight": normal(rng, 4, 9), "i2h.bias": normal(rng, 4), "h2o.weight": normal(rng, 6, 4) * scale, "h2o.bias": normal(rng, 6),
    }  # fmt: skip


def made(weights: dict[str, Array]) -> list[list[object]]:
    """The model with these weights in it."""
    return [make("RNN", 5, 4, 6), expect("i2h", "h2o"), assign({k: array(v, "torch") for k, v in weights.items()})]


def one(rng: np.random.Generator, title: str, scale: float = 1.0) -> Question:
    """A question with one step."""
    weights, x, h = weights_of(rng, scale), normal(rng, 5), normal(rng, 4)
    return Question(
        title,
        [*made(weights), method("forward", array(x[None], "torch"), array(h[None], "torch"))],
        lambda wrong: one_step(x, h, weights, wrong),
        CELL,
        (Slot(("output", "hidden")),),
        tolerance=2e-4,
        margin=1e-4 * scale**0.5,
    )


def name(rng: np.random.Generator) -> Question:
    """A question with a whole name."""
    weights, xs = weights_of(rng, 1.0), np.eye(5)[rng.integers(5, size=4)]
    return Question(
        "a name of four letters",
        [*made(weights), call("read_name", THE_OBJECT, array(xs[:, None], "torch"))],
        lambda wrong: whole_name(xs, weights, wrong),
        READING,
        (Slot(("outputs",)),),
        steps=("outputs",),
        tolerance=2e-4,
        margin=1e-4,
    )


WORKSHEET = Worksheet(
    name="torch-cell",
    title="The names model's forward pass in PyTorch",
    course="practical 9, programming question 2: one linear layer over [x, h], log-softmax output",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("RNN", "RNN.forward", "read_name"),
    labels={"hidden": "the hidden state", "output": "the output", "outputs": "the output"},
    needs=("torch",),
)
