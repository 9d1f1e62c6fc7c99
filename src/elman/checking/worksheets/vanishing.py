"""`vanishing`: the norm of dL/dh_t over time, for an Elman network and along an LSTM's cell state, on the same sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe
from elman.checking.sandbox.work import call, read
from elman.checking.worksheets.arithmetic import sigmoid
from elman.checking.worksheets.lstm_step import forward, matrices
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

ELMAN = (
    "tanh-derivative-missing", "back-not-transposed", "norm-squared", "order-reversed", "gradient-to-inputs", "gradient-one-step-late",
    "initial-state-at-every-step", "start-from-zeros", "input-missing",
)  # fmt: skip
LSTM = (
    "forget-missing",
    "forget-inverted",
    "norm-squared",
    "order-reversed",
    "gradient-one-step-late",
)
CLAIMS = (
    "an Elman network with small weights",
    "an LSTM whose forget gates are near 1",
    "an LSTM whose forget gates are near 0.5",
)
VANISHES = (True, False, True)

STATEMENT = """
Why do gradients vanish, and what does an LSTM change? Measure it: how large is the gradient of the last step's loss at each step before?

    elman_norms(xs, h0, W_xh, W_hh, dh)         h_t = tanh(W_xh x_t + W_hh h_{t-1}); dh is dL/dh_T at the last step. Return the norm
                                                |dL/dh_t| for t = 1 ... T, an array of T numbers; the last one is |dh|.
    lstm_norms(f, dC)                           f is [T, units], the forget gates of an LSTM at t = 1 ... T; dC is dL/dC_T. Along the cell
                                                state's own path C_t = f_t * C_{t-1} + ...; return |dL/dC_t| for t = 1 ... T.
    steps_until(norms, share)                   how many steps back from the last the norm is for the first time below share times the
                                                last one's; T if it never is.
    vanishes                                    a dict: for each of three networks, is the gradient below a thousandth after 50 steps?
                                                Draw weights, call your functions, and read the answer off.

"LSTMs do not have this problem" is what many slides say. See for yourself when they do.
"""

_CLAIMS = "".join(f'    "{claim}": {{}},\n' for claim in CLAIMS)

STARTER = (
    """
import numpy as np


def elman_norms(xs, h0, W_xh, W_hh, dh):
    return ...


def lstm_norms(f, dC):
    return ...


def steps_until(norms, share):
    return ...


vanishes = {
"""
    + _CLAIMS.replace("{}", "...")
    + "}\n"
)

SOLUTION = (
    """
import numpy as np


def elman_norms(xs, h0, W_xh, W_hh, dh):
    h, hs = h0, []
    for x in xs:
        h = np.tanh(W_xh @ x + W_hh @ h)
        hs.append(h)
    norms = [np.linalg.norm(dh)]
    for h in reversed(hs[1:]):
        dh = W_hh.T @ (dh * (1 - h**2))
        norms.append(np.linalg.norm(dh))
    return np.array(norms[::-1])


def lstm_norms(f, dC):
    norms = [np.linalg.norm(dC)]
    for gate in f[:0:-1]:
        dC = dC * gate
        norms.append(np.linalg.norm(dC))
    return np.array(norms[::-1])


def steps_until(norms, share):
    for back, norm in enumerate(norms[::-1]):
        if norm < share * norms[-1]:
            return back
    return len(norms)


vanishes = {
"""
    + _CLAIMS.format(*VANISHES)
    + "}\n"
)

EXPLANATION = """
Through an Elman network the gradient is multiplied at every step by W_hh transposed and by the slope of tanh, which is at
most 1: with small weights it shrinks like a power. Along an LSTM's cell state it is multiplied by the forget gate alone.
With gates near 1 it survives; with gates near 0.5, which is where a forget bias of 0 starts, 0.5 to the power of 50 is
nothing. An LSTM can learn to keep a gradient; it does not come with it, which is why forget biases are often started at 1.
"""


def elman(given: dict[str, Array], wrong: Wrong) -> Quantities:
    """The norms of an Elman network."""
    h0, w_xh, w_hh = given["h0"], given["W_xh"], given["W_hh"]
    h, hs = (np.zeros_like(h0) if "start-from-zeros" in wrong else h0), []
    for x in given["xs"]:
        old = h0 if "initial-state-at-every-step" in wrong else h
        h = np.tanh(w_xh @ x * ("input-missing" not in wrong) + w_hh @ old)
        hs.append(h)
    back, arriving = (w_hh if "back-not-transposed" in wrong else w_hh.T), [given["dh"]]
    inputs = []
    for h in hs[::-1]:
        through = arriving[-1] * (1.0 if "tanh-derivative-missing" in wrong else 1 - h**2)
        inputs.append(w_xh.T @ through)
        arriving.append(back @ through)
    return {"norms": norms(inputs if "gradient-to-inputs" in wrong else shifted(arriving, wrong), wrong)}


def lstm(f: Array, d_cell: Array, wrong: Wrong) -> Quantities:
    """The norms along the cell state."""
    gates = np.ones_like(f) if "forget-missing" in wrong else 1 - f if "forget-inverted" in wrong else f
    arriving = [d_cell]
    for gate in gates[::-1]:
        arriving.append(arriving[-1] * gate)
    return {"norms": norms(shifted(arriving, wrong), wrong)}


def shifted(arriving: list[Array], wrong: Wrong) -> list[Array]:
    """From the last step back to the first; or one too far."""
    return arriving[1:] if "gradient-one-step-late" in wrong else arriving[:-1]


def norms(arriving: list[Array], wrong: Wrong) -> Array:
    """In the order of the steps."""
    found = np.array([float((v**2).sum()) ** (1.0 if "norm-squared" in wrong else 0.5) for v in arriving])
    return found if "order-reversed" in wrong else found[::-1]


def until(values: Array, share: float) -> Array:
    """How many steps back."""
    below = np.flatnonzero(values[::-1] < share * values[-1])
    return np.array(float(below[0]) if below.size else float(len(values)))


def claimed(values: list[Any]) -> list[Any]:
    """`vanishes` as numbers."""
    (value,) = values
    good = (
        isinstance(value, dict)
        and set(value) == set(CLAIMS)
        and all(v in (0.0, 1.0) for v in value.values() if isinstance(v, float))
    )
    if not good or not all(isinstance(v, float) for v in value.values()):
        raise UnreadableError(
            f"`vanishes` should be a dict with True or False for each of the starter's networks; it is {describe(value)}."
        )
    return [np.array([float(value[c]) for c in CLAIMS])]


def draw(rng: np.random.Generator) -> list[Question]:
    """Both kinds of network, the measure, the conclusion."""
    given = {
        "xs": normal(rng, 6, 2), "h0": normal(rng, 3), "W_xh": normal(rng, 3, 2, scale=0.7), "W_hh": normal(rng, 3, 3, scale=0.7),
        "dh": normal(rng, 3),
    }  # fmt: skip
    u, w = matrices(rng, 2, 3)
    gates = forward(given["xs"], given["h0"], normal(rng, 3), u, w, frozenset())
    f = np.round(sigmoid(np.log(gates["f"] / (1 - gates["f"])) + 1.0), 4)
    d_cell = normal(rng, 3)
    falling = np.round(np.cumprod(rng.uniform(0.5, 0.9, size=20))[::-1], 6)
    return [
        Question(
            "an Elman network, six steps",
            [call("elman_norms", *given.values())],
            lambda wrong: elman(given, wrong),
            ELMAN,
            (Slot(("norms",)),),
        ),
        Question(
            "an LSTM's cell state, six steps",
            [call("lstm_norms", f, d_cell)],
            lambda wrong: lstm(f, d_cell, wrong),
            LSTM,
            (Slot(("norms",)),),
        ),
        Question(
            "how far it reaches",
            [
                call("steps_until", falling, 0.1),
                call("steps_until", falling, 0.5),
                call("steps_until", falling[-3:], 1e-9),
            ],
            lambda _: {"tenth": until(falling, 0.1), "half": until(falling, 0.5), "never": until(falling[-3:], 1e-9)},
            (),
            (Slot(("tenth",)), Slot(("half",)), Slot(("never",))),
        ),
        Question(
            "which gradients vanish",
            [read("vanishes")],
            lambda _: {"vanishes": np.array([float(v) for v in VANISHES])},
            (),
            (Slot(("vanishes",)),),
            digest=claimed,
        ),
    ]


WORKSHEET = Worksheet(
    name="vanishing",
    title="Vanishing gradients, measured",
    course="discussion worksheet, slides, UW lesson 9: column vectors, no bias",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("elman_norms", "lstm_norms", "steps_until", "vanishes"),
    labels={
        "norms": "the list of norms",
        "tenth": "the steps until a tenth",
        "half": "the steps until a half",
        "never": "the steps when it never falls",
        "vanishes": "the dict (1 is True)",
    },
)
