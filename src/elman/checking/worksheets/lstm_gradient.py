"""`lstm-gradient`: dJ/dW_g through one step of an LSTM from the given partial derivatives, and the path that keeps it alive."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe
from elman.checking.sandbox.work import call, read
from elman.checking.worksheets.arithmetic import sigmoid
from elman.checking.worksheets.lstm_step import matrices
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

Partials = dict[str, Array]
KEYS = ("dJ/dh_t", "dh_t/dh_t-1", "dh_t-1/dW", "dC_t/dW", "dC_t-1/dW", "dC_t/dC_t-1", "dh_t/dC_t", "dh_t/do_t")
MISTAKES = (
    "direct-path-only",
    "cell-path-only",
    "wrong-path",
    "recursion-without-gate",
    "path-through-output-gate",
    "gradient-sign",
)
SAVING = ("saves-hidden-path", "saves-output-gate")

STATEMENT = """
The gradient of the cost J with respect to W_g, the candidate's recurrent matrix, through one step of an LSTM. `d` is a dict with
the eight derivatives of the worksheet. Each is an array: dy/dx has a row for each number of y and a column for each of x, W_g laid
out row by row, so a chain of derivatives is a chain of `@`.

    d["dJ/dh_t"]       [units]            d["dC_t/dW"]       W_g acting in this step alone, with C_{t-1} and h_{t-1} held fixed
    d["dh_t/dh_t-1"]   through all gates, with C_{t-1} held fixed
    d["dh_t/dC_t"]     with o_t fixed     d["dC_t/dC_t-1"]   the cell state's own path
    d["dh_t/do_t"]     with C_t fixed
    d["dC_t-1/dW"], d["dh_t-1/dW"]        all that W_g did in the steps before

`gradient(d)` returns dJ/dW_g, one number for each number of W_g. Not every derivative has to be used.
`left_after(f)` returns what is left of a gradient dJ/dC_T at C_0 along the cell state's own path; f is [T, units], the forget gates.
`saves` is the key of the derivative that lets an LSTM mitigate vanishing gradients. Try `left_after` on gates of 0.5 and 0.99 first.
"""

STARTER = """
import numpy as np


def gradient(d):
    return ...


def left_after(f):
    return ...


saves = "d.../d..."
"""

SOLUTION = """
import numpy as np


def gradient(d):
    cell = d["dC_t/dW"] + d["dC_t/dC_t-1"] @ d["dC_t-1/dW"]
    hidden = d["dh_t/dC_t"] @ cell + d["dh_t/dh_t-1"] @ d["dh_t-1/dW"]
    return d["dJ/dh_t"] @ hidden


def left_after(f):
    return np.prod(f, axis=0)


saves = "dC_t/dC_t-1"
"""

EXPLANATION = """
Three paths lead from W_g to h_t: the candidate of this step, into C_t; the cell state C_{t-1}, which has seen W_g before;
and h_{t-1}, which the gates read. dh_t/do_t is not needed by itself: what o_t owes to W_g came through h_{t-1} and is in
dh_t/dh_t-1. The cell state's own path is a product of forget gates, one number for each unit and no matrix, no tanh: with
gates near 1 it stays near 1 for many steps. With gates of 0.5 it is gone after ten: LSTMs can keep a gradient, they need
not.
"""


def derivatives(xs: Array, h: Array, c: Array, u: Partials, w: Partials, cost: Array) -> Partials:
    """The eight derivatives at the last step of a sequence; the totals of the steps before are carried along."""
    units = len(h)
    eye = np.eye(units)
    dh_dw, dc_dw = np.zeros((units, units**2)), np.zeros((units, units**2))
    found: Partials = {}
    for x in xs:
        f, i, o = (sigmoid(x @ u[k] + h @ w[k]) for k in "fio")
        g = np.tanh(x @ u["g"] + h @ w["g"])
        new = f * c + i * g
        slopes = {"f": f * (1 - f) * c, "i": i * (1 - i) * g, "g": i * (1 - g**2)}
        dc_dh = sum(slopes[k][:, None] * w[k].T for k in "fig")
        dh_dc = np.diag(o * (1 - np.tanh(new) ** 2))
        dh_do = np.diag(np.tanh(new))
        found = {
            "dJ/dh_t": cost,
            "dh_t/dh_t-1": dh_dc @ dc_dh + dh_do @ ((o * (1 - o))[:, None] * w["o"].T),
            "dh_t-1/dW": dh_dw,
            "dC_t/dW": np.einsum("j,jk->jk", slopes["g"], np.kron(h, eye)),
            "dC_t-1/dW": dc_dw,
            "dC_t/dC_t-1": np.diag(f),
            "dh_t/dC_t": dh_dc,
            "dh_t/do_t": dh_do,
        }
        total_c = found["dC_t/dW"] + found["dC_t/dC_t-1"] @ dc_dw + dc_dh @ dh_dw
        dh_dw = dh_dc @ (found["dC_t/dW"] + np.diag(f) @ dc_dw) + found["dh_t/dh_t-1"] @ dh_dw
        dc_dw = total_c
        h, c = np.tanh(new) * o, new
    return found


def reference(d: Partials, wrong: Wrong) -> Quantities:
    """DJ/dW_g from the eight."""
    before = d["dC_t-1/dW"] if "recursion-without-gate" in wrong else d["dC_t/dC_t-1"] @ d["dC_t-1/dW"]
    cell = d["dC_t/dW"] if "direct-path-only" in wrong else d["dC_t/dW"] + before
    through = d["dh_t/do_t" if "path-through-output-gate" in wrong else "dh_t/dC_t"] @ cell
    hidden = d["dh_t/dh_t-1"] @ d["dh_t-1/dW"]
    if wrong & {"cell-path-only", "direct-path-only"}:
        hidden = np.zeros_like(hidden)
    if "wrong-path" in wrong:
        through = np.zeros_like(through)
    total = d["dJ/dh_t"] @ (through + hidden)
    return {"dJ/dW_g": -total if "gradient-sign" in wrong else total}


def chosen(values: list[Any]) -> list[Any]:
    """A key as its number."""
    (value,) = values
    if not isinstance(value, str) or value not in KEYS:
        raise UnreadableError(f"`saves` should be one of the eight keys, {', '.join(KEYS)}; it is {describe(value)}.")
    return [float(KEYS.index(value))]


def saving(wrong: Wrong) -> Quantities:
    """Which key is right."""
    key = (
        "dh_t/dh_t-1"
        if "saves-hidden-path" in wrong
        else "dh_t/do_t"
        if "saves-output-gate" in wrong
        else "dC_t/dC_t-1"
    )
    return {"saves": np.array(float(KEYS.index(key)))}


def draw(rng: np.random.Generator) -> list[Question]:
    """Two steps of real LSTMs, the experiment, the choice."""
    gates = np.round(rng.uniform(0.3, 0.99, size=(6, 3)), 3)
    return [
        question(rng, "the third step of an LSTM", 3),
        question(rng, "the sixth step of an LSTM", 6),
        Question(
            "what is left along the cell state's path",
            [call("left_after", gates)],
            lambda _: {"left": gates.prod(0)},
            (),
            (Slot(("left",)),),
        ),
        Question(
            "which derivative keeps the gradient alive",
            [read("saves")],
            saving,
            SAVING,
            (Slot(("saves",)),),
            digest=chosen,
            margin=0.1,
        ),
    ]


def question(rng: np.random.Generator, name: str, steps: int) -> Question:
    """A question with an LSTM of three units."""
    u, w = matrices(rng, 2, 3)
    d = derivatives(normal(rng, steps, 2), normal(rng, 3), normal(rng, 3), u, w, normal(rng, 3))
    return Question(
        name, [call("gradient", d)], lambda wrong: reference(d, wrong), MISTAKES, (Slot(("dJ/dW_g",)),), margin=1e-6
    )


WORKSHEET = Worksheet(
    name="lstm-gradient",
    title="The gradient of W_g through an LSTM",
    course="discussion worksheet, section 2: row vectors, no biases",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("gradient", "left_after", "saves"),
    labels={"saves": "the choice (number of the key)", "left": "what is left"},
)
