"""`lstm-gradient`: dJ/dW_g through one step of an LSTM from the given partial derivatives, and the path that keeps it alive."""

from __future__ import annotations

import re
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
    "direct-path-only", "cell-path-only", "wrong-path", "older-cell-path-missing", "own-step-missing", "older-cell-path-only",
    "recursion-without-gate",
    "path-through-output-gate", "extra-path-through-output-gate", "extra-path-through-output-gate@tanh", "output-slope-missing",
    "output-slope-missing@older", "output-slope-missing@own", "output-slope-missing@recurrent", "path-counted-twice@C(t-1)",
    "path-counted-twice@h(t-1)", "path-counted-twice@C(t)", "recurrent-factor-missing", "gradient-sign",
)  # fmt: skip
SAVING = (
    "saves-hidden-path",
    "saves-output-gate",
    *(f"saves-another@{k}" for k in KEYS if k not in ("dC_t/dC_t-1", "dh_t/dh_t-1", "dh_t/do_t")),
)
LEAVING = (
    "product-one-short@first", "product-one-short@last", "power-of-one-gate@last", "power-of-one-gate@first", "power-of-mean",
    "sum-for-product",
    "mean-for-product", "smallest-for-product", "gates-inverted", "last-gate-only", "last-gate-only@first", "slope-of-gates",
)  # fmt: skip

STATEMENT = """
The gradient of the cost J with respect to W_g, the candidate's recurrent matrix, through one step of an LSTM. `d` is a dict with
the eight derivatives of the worksheet. Each is an array: dy/dx has a row for each number of y and a column for each of x, W_g laid
out row by row, so a chain of derivatives is a chain of `@`.

    d["dJ/dh_t"]       [units]            d["dC_t/dW"]       W_g acting in this step alone, with C_{t-1} and h_{t-1} held fixed
    d["dh_t/dh_t-1"]   through all gates, with C_{t-1} held fixed
    d["dh_t/dC_t"]     with o_t fixed     d["dC_t/dC_t-1"]   the cell state's own path
    d["dh_t/do_t"]     with C_t fixed
    d["dC_t-1/dW"], d["dh_t-1/dW"]        all that W_g did in the steps before

`gradient(d)` returns dJ/dW_g, the total derivative: one number for each number of W_g, flat as in `d` or in the shape of W_g. Not every
derivative has to be used.
`left_after(f)` returns what is left of a gradient dJ/dC_T at C_0 along the cell state's own path; f is [T, units], the forget gates of
t = 1 ... T, all of which lie on that path.
`saves` is the key, as it is written above,
of the derivative that lets an LSTM mitigate vanishing gradients. Try `left_after` on gates of 0.5 and 0.99 first.
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
    through = d["dh_t/do_t" if "path-through-output-gate" in wrong else "dh_t/dC_t"]
    bare = np.eye(len(through))
    gate = bare if "recursion-without-gate" in wrong else d["dC_t/dC_t-1"]
    slope = {
        k: bare if wrong & {"output-slope-missing", f"output-slope-missing@{k}"} else through for k in ("own", "older")
    }
    hidden = bare if "recurrent-factor-missing" in wrong else d["dh_t/dh_t-1"]
    paths = {
        "C(t)": slope["own"] @ d["dC_t/dW"],
        "C(t-1)": slope["older"] @ gate @ d["dC_t-1/dW"],
        "h(t-1)": (through @ hidden if "output-slope-missing@recurrent" in wrong else hidden) @ d["dh_t-1/dW"],
    }
    left_out = {
        "direct-path-only": ("C(t-1)", "h(t-1)"), "cell-path-only": ("h(t-1)",), "wrong-path": ("C(t)", "C(t-1)"),
        "older-cell-path-missing": ("C(t-1)",), "own-step-missing": ("C(t)",), "older-cell-path-only": ("C(t)", "h(t-1)"),
    }  # fmt: skip
    gone = {path for name, missing in left_out.items() if name in wrong for path in missing}
    total = sum(v * (2 if f"path-counted-twice@{k}" in wrong else 1) for k, v in paths.items() if k not in gone)
    if "extra-path-through-output-gate" in wrong:
        total = total + d["dh_t/do_t"] @ d["dh_t/dh_t-1"] @ d["dh_t-1/dW"]
    if "extra-path-through-output-gate@tanh" in wrong:
        total = total + d["dh_t/do_t"] @ d["dh_t-1/dW"]
    total = d["dJ/dh_t"] @ np.asarray(total)
    return {"dJ/dW_g": -total if "gradient-sign" in wrong else total}


def left(f: Array, wrong: Wrong) -> Quantities:
    """What is left after all gates."""
    steps = len(f)
    ways = {
        "product-one-short@first": f[1:].prod(0), "product-one-short@last": f[:-1].prod(0), "power-of-one-gate@last": f[-1] ** steps,
        "power-of-one-gate@first": f[0] ** steps, "power-of-mean": f.mean(0) ** steps, "sum-for-product": f.sum(0),
        "mean-for-product": f.mean(0),
        "smallest-for-product": f.min(0), "gates-inverted": (1 - f).prod(0), "last-gate-only": f[-1], "last-gate-only@first": f[0],
        "slope-of-gates": (f * (1 - f)).prod(0),
    }  # fmt: skip
    return {"left": next((v for name, v in ways.items() if name in wrong), f.prod(0))}


def flat(values: list[Any]) -> list[Any]:
    """The gradient row by row, whether it came flat or in the shape of W_g."""
    (value,) = values
    rows = value if isinstance(value, list) else []
    if rows and all(isinstance(row, (list, np.ndarray)) for row in rows):
        return [[number for row in rows for number in row]]
    return [value.ravel() if isinstance(value, np.ndarray) else value]


def chosen(values: list[Any]) -> list[Any]:
    """A key as its number."""
    (value,) = values
    if isinstance(value, str):
        value = re.sub(r"[{}\s]", "", value)
    if not isinstance(value, str) or value not in KEYS:
        raise UnreadableError(f"`saves` should be one of the eight keys, {', '.join(KEYS)}; it is {describe(value)}.")
    return [float(KEYS.index(value))]


def saving(wrong: Wrong) -> Quantities:
    """Which key is right."""
    named = {"saves-hidden-path": "dh_t/dh_t-1", "saves-output-gate": "dh_t/do_t"} | {
        f"saves-another@{k}": k for k in KEYS
    }
    key = next((k for name, k in named.items() if name in wrong), "dC_t/dC_t-1")
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
            lambda wrong: left(gates, wrong),
            LEAVING,
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
        name,
        [call("gradient", d)],
        lambda wrong: reference(d, wrong),
        MISTAKES,
        (Slot(("dJ/dW_g",)),),
        margin=1e-6,
        digest=flat,
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
