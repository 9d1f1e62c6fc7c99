"""`lstm-step`: the discussion worksheet's LSTM, row vectors, no bias, gate by gate and step by step."""

from __future__ import annotations

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.arithmetic import sigmoid
from elman.checking.worksheets.gates import borrowed, permuted, squashed
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

GATES = "fiog"
NAMES = ("f", "i", "o", "g", "C", "h")
SWAPPED = {"forget-and-input-swapped": "ifog", "input-and-output-swapped": "foig", "forget-and-output-swapped": "oifg"}
PERMUTED = permuted(GATES, SWAPPED.values())
ONE_GATE = (
    "gate-recurrent-transposed", "gate-matrices-swapped", "gate-recurrent-missing", "gate-input-missing", "gate-reads-cell",
    "gate-activation",
    "gate-not-activated",
)  # fmt: skip
CELL = (
    "candidate-not-gated", "candidate-missing", "forget-inverted", "gate-inverted@i", "forget-missing", "cell-overwritten", "coupled-gates",
    "coupled-gates-input", "cell-from-hidden", "one-gate-for-both@f", "one-gate-for-both@i", "product-for-sum", "tanh-on-new-cell",
    "cell-subtracted",
)  # fmt: skip
HIDDEN = (
    "cell-tanh-missing", "cell-sigmoid", "gate-inverted@o", "output-gate-missing", "hidden-from-old-cell", "tanh-round-output-gate",
    "hidden-from-candidate", "hidden-from-candidate@gated", "output-gate-added", "cell-state-is-squashed",
)  # fmt: skip
BORROWED = borrowed(GATES, ("U", "W", "U and W"))
STEP = (
    *(f"{swap}{when}" for swap in SWAPPED for when in ("", "@use")), *CELL, *HIDDEN, "candidate-tanh-missing", "candidate-sigmoid",
    "gates-tanh", "gates-not-activated", "recurrent-transposed", "input-transposed", "matrices-swapped", "recurrent-missing",
    "input-missing",
    "gates-read-cell", *(f"{one}@{k}" for one in ONE_GATE for k in GATES if k != "g" or "activat" not in one), *PERMUTED, *BORROWED,
)  # fmt: skip
CARRYING = (
    "initial-state-at-every-step", "hidden-not-carried", "cell-not-carried", "state-reset", "start-from-zeros", "start-from-zeros@h",
    "start-from-zeros@C", "states-exchanged", "states-exchanged@start", "cell-carried-as-hidden", "hidden-carried-as-cell",
)  # fmt: skip
FORWARD = (*STEP, *(f"gate-reads-initial-state@{k}" for k in GATES), *CARRYING)

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
for all steps, each [T, units]. Arrays, tensors and lists will do, in float32 or float64.
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
    for name in wrong & BORROWED.keys():
        which, of, into = BORROWED[name]
        u = u | {into: u[of]} if "U" in which else u
        w = w | {into: w[of]} if "W" in which else w
    a = {k: inside(k, x, h, c, u, w, wrong, first) for k in GATES}
    for name, order in (SWAPPED | PERMUTED).items():
        a = {k: a[other] for k, other in zip(GATES, order, strict=True)} if name in wrong else a
    bend = np.copy if "candidate-tanh-missing" in wrong else sigmoid if "candidate-sigmoid" in wrong else np.tanh
    gates = {k: squashed(k, a[k], wrong) for k in "fio"} | {"g": bend(a["g"])}
    f, i, o, g = (gates[k] for k in GATES)
    for swap, order in SWAPPED.items():
        f, i, o = (
            (dict(zip(GATES, (f, i, o, g), strict=True))[k] for k in order[:3]) if f"{swap}@use" in wrong else (f, i, o)
        )
    o = 1 - o if "gate-inverted@o" in wrong else o
    made = new_cell(f, i, g, h, c, wrong)
    outputs = {
        "tanh-round-output-gate": np.tanh(o * made), "output-gate-missing": bent(made, wrong), "output-gate-added": o + bent(made, wrong),
    }  # fmt: skip
    seen = {"hidden-from-old-cell": c, "hidden-from-candidate": g, "hidden-from-candidate@gated": i * g}
    shown = bent(next((v for name, v in seen.items() if name in wrong), made), wrong) * o
    shown = next((v for name, v in outputs.items() if name in wrong), shown)
    return gates | {"C": np.tanh(made) if "cell-state-is-squashed" in wrong else made, "h": shown}


def inside(
    k: str, x: Array, h: Array, c: Array, u: dict[str, Array], w: dict[str, Array], wrong: Wrong, first: Array | None
) -> Array:
    """The sum inside a gate's activation."""

    def has(mistake: str) -> bool:
        return mistake in wrong or f"gate-{mistake}@{k}" in wrong

    into, again = (w[k], u[k]) if has("matrices-swapped") else (u[k], w[k])
    read = c if has("reads-cell") or "gates-read-cell" in wrong else h
    read = first if first is not None and has("reads-initial-state") else read
    new = x @ (into.T if "input-transposed" in wrong else into) * (not has("input-missing"))
    return np.asarray(new + read @ (again.T if has("recurrent-transposed") else again) * (not has("recurrent-missing")))


def bent(c: Array, wrong: Wrong) -> Array:
    """The tanh of the cell state, or what a mistake puts in its place."""
    return c if "cell-tanh-missing" in wrong else sigmoid(c) if "cell-sigmoid" in wrong else np.asarray(np.tanh(c))


def new_cell(f: Array, i: Array, g: Array, h: Array, c: Array, wrong: Wrong) -> Array:
    """The cell state after the step."""
    keeps = {
        "forget-inverted": 1 - f, "forget-missing": np.ones_like(f), "cell-overwritten": np.zeros_like(f), "coupled-gates-input": 1 - i,
        "one-gate-for-both@i": i,
    }  # fmt: skip
    lets = {
        "coupled-gates": 1 - f, "candidate-not-gated": np.ones_like(i), "gate-inverted@i": 1 - i, "one-gate-for-both@f": f,
        "cell-subtracted": -i,
    }  # fmt: skip
    keep = next((v for name, v in keeps.items() if name in wrong), f)
    let = next((v for name, v in lets.items() if name in wrong), i)
    old, new = keep * (h if "cell-from-hidden" in wrong else c), let * (1.0 if "candidate-missing" in wrong else g)
    both = old * new if "product-for-sum" in wrong else old + new
    return np.asarray(np.tanh(both) if "tanh-on-new-cell" in wrong else both)


def forward(xs: Array, h0: Array, c0: Array, u: dict[str, Array], w: dict[str, Array], wrong: Wrong) -> Quantities:
    """All steps."""
    zeros = np.zeros_like(h0)
    h = zeros if wrong & {"start-from-zeros", "start-from-zeros@h"} else h0
    c = zeros if wrong & {"start-from-zeros", "start-from-zeros@C"} else c0
    if "states-exchanged@start" in wrong:
        h, c = c, h
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
        if "states-exchanged" in wrong:
            h, c = c, h
        h, c = (c if "cell-carried-as-hidden" in wrong else h), (h if "hidden-carried-as-cell" in wrong else c)
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
