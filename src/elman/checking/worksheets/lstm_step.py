"""`lstm-step`: the discussion worksheet's LSTM, row vectors, no bias, gate by gate and step by step."""

from __future__ import annotations

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.arithmetic import sigmoid
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

GATES = "fiog"
NAMES = ("f", "i", "o", "g", "C", "h")
STEP = (
    "forget-and-input-swapped", "forget-and-input-swapped@use", "input-and-output-swapped", "input-and-output-swapped@use",
    "forget-and-output-swapped", "forget-and-output-swapped@use", "cell-tanh-missing", "cell-sigmoid",
    "candidate-tanh-missing", "candidate-sigmoid", "candidate-not-gated", "gates-tanh", "gates-not-activated", "forget-inverted",
    "forget-missing", "cell-overwritten", "coupled-gates", "output-gate-missing", "hidden-from-old-cell", "recurrent-transposed",
    "input-transposed", "matrices-swapped", "recurrent-missing", "input-missing",
)  # fmt: skip
ONE_GATE = tuple(f"gate-reads-initial-state@{k}" for k in GATES)
FORWARD = (
    *STEP,
    *ONE_GATE,
    "initial-state-at-every-step",
    "hidden-not-carried",
    "cell-not-carried",
    "state-reset",
    "start-from-zeros",
)

STATEMENT = """
One step of an LSTM. In this course vectors are rows and stand on the left of the matrices; there are no biases:

    f_t = sigmoid(x_t U_f + h_{t-1} W_f)        the forget gate
    i_t = sigmoid(x_t U_i + h_{t-1} W_i)        the input gate
    o_t = sigmoid(x_t U_o + h_{t-1} W_o)        the output gate
    g_t = tanh(x_t U_g + h_{t-1} W_g)           the candidate
    C_t = f_t * C_{t-1} + i_t * g_t             the cell state
    h_t = tanh(C_t) * o_t                       the hidden state

`U` and `W` are dicts with the keys "f", "i", "o", "g"; U["f"] is [inputs, units], W["f"] is [units, units].
`lstm_step` returns a dict with all six of a step. `lstm_forward` runs over xs [T, inputs] from h0 and C0 and returns a dict with all six
for all steps, each [T, units].
"""

STARTER = """
import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm_step(x, h, C, U, W):
    f = ...
    i = ...
    o = ...
    g = ...
    C = ...
    h = ...
    return {"f": f, "i": i, "o": o, "g": g, "C": C, "h": h}


def lstm_forward(xs, h0, C0, U, W):
    steps = []
    for x in xs:
        steps.append(lstm_step(x, ..., ..., U, W))
    return {name: np.array([step[name] for step in steps]) for name in steps[0]}
"""

SOLUTION = """
import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm_step(x, h, C, U, W):
    f = sigmoid(x @ U["f"] + h @ W["f"])
    i = sigmoid(x @ U["i"] + h @ W["i"])
    o = sigmoid(x @ U["o"] + h @ W["o"])
    g = np.tanh(x @ U["g"] + h @ W["g"])
    C = f * C + i * g
    h = np.tanh(C) * o
    return {"f": f, "i": i, "o": o, "g": g, "C": C, "h": h}


def lstm_forward(xs, h0, C0, U, W):
    h, C, steps = h0, C0, []
    for x in xs:
        steps.append(lstm_step(x, h, C, U, W))
        h, C = steps[-1]["h"], steps[-1]["C"]
    return {name: np.array([step[name] for step in steps]) for name in steps[0]}
"""

EXPLANATION = """
All four gates read the same h_{t-1}. f decides what stays of the old cell state, i what comes in of the candidate, o what is shown.
Two things are carried from step to step: C, which changes only by f and i * g, and h, which the gates of the next step read.
"""


def step(
    x: Array, h: Array, c: Array, u: dict[str, Array], w: dict[str, Array], wrong: Wrong, first: Array | None = None
) -> dict[str, Array]:
    """One step with its mistakes."""
    if "matrices-swapped" in wrong:
        u, w = w, u
    a = {}
    for k in GATES:
        new = x @ (u[k].T if "input-transposed" in wrong else u[k])
        read = h if first is None or f"gate-reads-initial-state@{k}" not in wrong else first
        old = read @ (w[k].T if "recurrent-transposed" in wrong else w[k])
        a[k] = new * ("input-missing" not in wrong) + old * ("recurrent-missing" not in wrong)
    squash = np.tanh if "gates-tanh" in wrong else np.copy if "gates-not-activated" in wrong else sigmoid
    bend = np.copy if "candidate-tanh-missing" in wrong else sigmoid if "candidate-sigmoid" in wrong else np.tanh
    f, i, o, g = squash(a["f"]), squash(a["i"]), squash(a["o"]), bend(a["g"])
    if "forget-and-input-swapped" in wrong:
        f, i = i, f
    if "input-and-output-swapped" in wrong:
        i, o = o, i
    if "forget-and-output-swapped" in wrong:
        f, o = o, f
    gates = {"f": f, "i": i, "o": o, "g": g}
    if "forget-and-input-swapped@use" in wrong:
        f, i = i, f
    if "input-and-output-swapped@use" in wrong:
        i, o = o, i
    if "forget-and-output-swapped@use" in wrong:
        f, o = o, f
    keep = 1 - f if "forget-inverted" in wrong else np.ones_like(f) if "forget-missing" in wrong else f
    let = 1 - f if "coupled-gates" in wrong else np.ones_like(i) if "candidate-not-gated" in wrong else i
    c_new = let * g if "cell-overwritten" in wrong else keep * c + let * g
    seen = c if "hidden-from-old-cell" in wrong else c_new
    seen = seen if "cell-tanh-missing" in wrong else sigmoid(seen) if "cell-sigmoid" in wrong else np.tanh(seen)
    return gates | {"C": c_new, "h": seen if "output-gate-missing" in wrong else seen * o}


def forward(xs: Array, h0: Array, c0: Array, u: dict[str, Array], w: dict[str, Array], wrong: Wrong) -> Quantities:
    """All steps."""
    zeros = np.zeros_like(h0)
    h, c = (zeros, zeros) if "start-from-zeros" in wrong else (h0, c0)
    steps = []
    for x in xs:
        if "state-reset" in wrong:
            h, c = zeros, zeros
        if wrong & {"initial-state-at-every-step", "hidden-not-carried"}:
            h = h0
        if wrong & {"initial-state-at-every-step", "cell-not-carried"}:
            c = c0
        steps.append(step(x, h, c, u, w, wrong, h0))
        h, c = steps[-1]["h"], steps[-1]["C"]
    return {name: np.array([s[name] for s in steps]) for name in NAMES}


def draw(rng: np.random.Generator) -> list[Question]:
    """One step, five steps, and square matrices."""
    return [one(rng, "one step", 2, 4), many(rng, "five steps", 5, 2, 4), many(rng, "as many units as inputs", 3, 3, 3)]


def matrices(rng: np.random.Generator, inputs: int, units: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """U and W."""
    return {k: normal(rng, inputs, units) for k in GATES}, {k: normal(rng, units, units) for k in GATES}


def one(rng: np.random.Generator, name: str, inputs: int, units: int) -> Question:
    """A question with one step."""
    x, h, c, (u, w) = normal(rng, inputs), normal(rng, units), normal(rng, units), matrices(rng, inputs, units)
    return Question(
        name,
        [call("lstm_step", x, h, c, u, w)],
        lambda wrong: step(x, h, c, u, w, wrong),
        STEP,
        (Slot(NAMES, short=("h", "C")),),
    )


def many(rng: np.random.Generator, name: str, steps: int, inputs: int, units: int) -> Question:
    """A question with a sequence."""
    xs, h, c, (u, w) = normal(rng, steps, inputs), normal(rng, units), normal(rng, units), matrices(rng, inputs, units)
    return Question(
        name,
        [call("lstm_forward", xs, h, c, u, w)],
        lambda wrong: forward(xs, h, c, u, w, wrong),
        FORWARD,
        (Slot(NAMES, short=("h", "C")),),
        steps=NAMES,
    )


WORKSHEET = Worksheet(
    name="lstm-step",
    title="An LSTM, gate by gate",
    course="discussion worksheet: row vectors, no biases",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("lstm_step", "lstm_forward"),
    labels={
        "f": "your forget gate f", "i": "your input gate i", "o": "your output gate o", "g": "your candidate g",
        "C": "your cell state C", "h": "your hidden state h",
    },
)  # fmt: skip
