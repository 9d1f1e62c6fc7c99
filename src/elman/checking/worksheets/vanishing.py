"""`vanishing`: the norm of dL/dh_t over time, for an Elman network and along an LSTM's cell state, on the same sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import keyed, truth
from elman.checking.sandbox.work import call, read
from elman.checking.worksheets.arithmetic import sigmoid
from elman.checking.worksheets.bptt import tanh_slope
from elman.checking.worksheets.irnn import norm
from elman.checking.worksheets.lstm_step import forward, matrices
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

NORMS = (
    "norm-squared",
    "norm-of-absolutes",
    "norm-largest",
    "norm-mean",
    "norm-of-sum",
    "order-reversed",
    "gradient-one-step-late",
    "norm-relative",
)
ELMAN = (
    "tanh-derivative-missing", "tanh-derivative-not-squared", "tanh-derivative-of-sum", "tanh-of-tanh-derivative",
    "tanh-derivative-one-step-early",
    "tanh-derivative-of-last-state", "slope-after-matrix", "sigmoid-derivative", "back-not-transposed", "back-without-matrix",
    "gradient-to-inputs",
    "initial-state-at-every-step", "start-from-zeros", "state-reset", "input-missing", "recurrent-transposed", *NORMS,
)  # fmt: skip
LSTM = (
    "forget-missing", "forget-inverted", "gates-one-step-early", "gates-one-step-late", "product-from-the-start", "last-gate-at-every-step",
    "slope-of-gates", "product-over-units", *NORMS,
)  # fmt: skip
UNTIL = (
    "share-of-one", "share-of-first", "share-of-largest", "share-of-step-after", "counted-from-the-start", "counted-from-the-start@index",
    "first-from-the-start", "count-one-more", "count-one-less", "below-or-equal", "last-time-below", "count-of-all-below",
    "above-for-below",
    "never-is-one-less", "never-is-other@-1", "never-is-other@0",
)  # fmt: skip
CLAIMS = (
    "an Elman network with small weights",
    "an LSTM whose forget gates are near 1",
    "an LSTM whose forget gates are near 0.5",
)
VANISHES = (True, False, True)
MISJUDGED = tuple(f"claim-misjudged@{claim}" for claim in CLAIMS)

STATEMENT = """
Why do gradients vanish, and what does an LSTM change? Measure it: how large is the gradient of the last step's loss at each step before?

    elman_norms(xs, h0, W_xh, W_hh, dh)         h_t = tanh(W_xh x_t + W_hh h_{t-1}); dh is dL/dh_T at the last step. Return the norm
                                                |dL/dh_t| for t = 1 ... T, an array of T numbers; the last one is |dh|.
    lstm_norms(f, dC)                           f is [T, units], the forget gates of an LSTM at t = 1 ... T; dC is dL/dC_T. Along the cell
                                                state's own path C_t = f_t * C_{t-1} + ...; return |dL/dC_t| for t = 1 ... T.
    steps_until(norms, share)                   norms as above, the last step's last: how many steps back from it a norm is for the first
                                                time below share times the last one's (not equal); T if none is. For 1, 2, 4, 8 and 0.3
                                                it is 2: 4 is not below 2.4, 2 is.
    vanishes                                    a dict, True or False for each of three networks: is the gradient below a thousandth of the
                                                last step's after 50 steps? Small weights are around 0.1, gates near 1 are 0.99.
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
    h, hs, sums = (np.zeros_like(h0) if "start-from-zeros" in wrong else h0), [], []
    for x in given["xs"]:
        old = h0 if "initial-state-at-every-step" in wrong else h * ("state-reset" not in wrong)
        sums.append(
            w_xh @ x * ("input-missing" not in wrong) + (w_hh.T if "recurrent-transposed" in wrong else w_hh) @ old
        )
        h = np.tanh(sums[-1])
        hs.append(h)
    read = (
        [h0, *hs[:-1]]
        if "tanh-derivative-one-step-early" in wrong
        else [h] * len(hs)
        if "tanh-derivative-of-last-state" in wrong
        else hs
    )
    back, arriving = (w_hh if "back-not-transposed" in wrong else w_hh.T), [given["dh"]]
    back = np.eye(len(h0)) if "back-without-matrix" in wrong else back
    inputs = []
    for a, h in zip(sums[::-1], read[::-1], strict=True):
        through = arriving[-1] * tanh_slope(a, h, h, wrong)
        inputs.append(w_xh.T @ through)
        after = (back @ arriving[-1]) * tanh_slope(a, h, h, wrong)
        arriving.append(after if "slope-after-matrix" in wrong else back @ through)
    return {"norms": norms(inputs if "gradient-to-inputs" in wrong else shifted(arriving, wrong), wrong)}


def lstm(f: Array, d_cell: Array, wrong: Wrong) -> Quantities:
    """The norms along the cell state."""
    ways = {
        "forget-missing": np.ones_like(f), "forget-inverted": 1 - f, "gates-one-step-early": np.roll(f, 1, axis=0),
        "gates-one-step-late": np.roll(f, -1, axis=0), "product-from-the-start": f[::-1],
        "last-gate-at-every-step": np.broadcast_to(f[-1], f.shape),
        "slope-of-gates": f * (1 - f), "product-over-units": np.broadcast_to(f.prod(1, keepdims=True), f.shape),
    }  # fmt: skip
    gates = next((v for name, v in ways.items() if name in wrong), f)
    arriving = [d_cell]
    for gate in gates[::-1]:
        arriving.append(arriving[-1] * gate)
    return {"norms": norms(shifted(arriving, wrong), wrong)}


def shifted(arriving: list[Array], wrong: Wrong) -> list[Array]:
    """From the last step back to the first; or one too far."""
    return arriving[1:] if "gradient-one-step-late" in wrong else arriving[:-1]


def norms(arriving: list[Array], wrong: Wrong) -> Array:
    """In the order of the steps."""
    found = np.array([norm(v, wrong) for v in arriving])
    found = found / found[0] if "norm-relative" in wrong else found
    return found if "order-reversed" in wrong else found[::-1]


def until(values: Array, share: float, wrong: Wrong) -> Array:
    """How many steps back."""
    count = len(values)
    back = values[::-1]
    bounds = {
        "share-of-one": np.ones(count), "share-of-first": np.full(count, values[0]), "share-of-largest": np.full(count, values.max()),
        "share-of-step-after": np.array([-np.inf, *back[:-1]]),
    }  # fmt: skip
    bound = share * next((v for name, v in bounds.items() if name in wrong), np.full(count, values[-1]))
    is_below = back <= bound * (1 + 1e-12) if "below-or-equal" in wrong else back < bound * (1 - 1e-12)
    below = np.flatnonzero(back > bound if "above-for-below" in wrong else is_below)
    if "count-of-all-below" in wrong:
        return np.array(float(below.size))
    if not below.size:
        never = {"never-is-one-less": count - 1, "never-is-other@-1": -1, "never-is-other@0": 0}
        return np.array(float(next((v for name, v in never.items() if name in wrong), count)))
    steps = below[-1] if wrong & {"last-time-below", "first-from-the-start"} else below[0]
    if wrong & {"counted-from-the-start", "first-from-the-start", "counted-from-the-start@index"}:
        steps = count - 1 - steps + ("counted-from-the-start" in wrong)
    return np.array(float(steps + ("count-one-more" in wrong) - ("count-one-less" in wrong)))


def claimed(values: list[Any]) -> list[Any]:
    """`vanishes` as numbers."""
    given = keyed(
        values[0], CLAIMS, "`vanishes` should be a dict with True or False for each of the starter's networks"
    )
    return [{c: truth(v, f"the answer for {c!r}") for c, v in given.items()}]


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
    falling = np.round(1.7 * np.cumprod(rng.uniform(0.5, 0.9, size=20))[::-1], 6)
    # Up and down: below a half of the last one's at two places, larger than the last one at others.
    wavy = np.round(rng.uniform(0.9, 1.1, size=8) * np.array([0.7, 3.0, 0.3, 1.2, 2.5, 0.4, 1.1, 1.3]), 4)
    measured = {
        "tenth": (falling, 0.1), "half": (falling, 0.5), "never": (falling[-3:], 1e-9), "wavy": (wavy, 0.5), "level": (np.array([1.0,
            2.0, 4.0, 8.0]), 0.25),
    }  # fmt: skip
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
            [call("steps_until", values, share) for values, share in measured.values()],
            lambda wrong: {name: until(values, share, wrong) for name, (values, share) in measured.items()},
            UNTIL,
            tuple(Slot((name,)) for name in measured),
        ),
        Question(
            "which gradients vanish",
            [read("vanishes")],
            lambda wrong: {c: np.array(float(v != (f"claim-misjudged@{c}" in wrong))) for c, v in zip(CLAIMS, VANISHES, strict=True)},
            MISJUDGED,
            (Slot(CLAIMS),),
            digest=claimed,
        ),
    ]  # fmt: skip


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
        "wavy": "the steps where norms go up and down",
        "level": "the steps where a norm is exactly the share",
        **{claim: f"the answer for {claim!r} (1 is True)" for claim in CLAIMS},
    },
)
