"""`gru-step`: a GRU with [h, x] concatenated, as the slides write their gates; the reset gate acts before the product."""

from __future__ import annotations

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.arithmetic import sigmoid
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

GATES = "zrn"
NAMES = ("z", "r", "n", "h")
STEP = (
    "update-inverted", "reset-after-product", "reset-after-product@bias", "reset-missing", "reset-on-input", "reset-and-update-swapped",
    "reset-and-update-swapped@use", "update-missing",
    "candidate-tanh-missing", "candidate-sigmoid", "gates-tanh", "gates-not-activated", "parts-swapped", "bias-missing", "bias-twice",
    "recurrent-missing", "input-missing",
)  # fmt: skip
FORWARD = (
    *STEP,
    "gate-reads-initial-state@z",
    "gate-reads-initial-state@r",
    "initial-state-at-every-step",
    "state-reset",
    "start-from-zeros",
)

STATEMENT = """
One step of a gated recurrent unit. [h, x] is one vector, h first, then x; every gate has one matrix and one bias:

    z_t = sigmoid(W_z [h_{t-1}, x_t] + b_z)            the update gate
    r_t = sigmoid(W_r [h_{t-1}, x_t] + b_r)            the reset gate
    n_t = tanh(W_n [r_t * h_{t-1}, x_t] + b_n)         the candidate
    h_t = (1 - z_t) * h_{t-1} + z_t * n_t              the hidden state

`W` and `b` are dicts with the keys "z", "r", "n"; W["z"] is [units, units + inputs].
`gru_step` returns a dict with all four of a step. `gru_forward` runs over xs [T, inputs] from h0 and returns a dict with all four
for all steps, each [T, units]. Other courses exchange z and 1 - z, and torch.nn.GRU lets r act after the product.
"""

STARTER = """
import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def gru_step(x, h, W, b):
    z = ...
    r = ...
    n = ...
    h = ...
    return {"z": z, "r": r, "n": n, "h": h}


def gru_forward(xs, h0, W, b):
    steps = []
    for x in xs:
        steps.append(gru_step(x, ..., W, b))
    return {name: np.array([step[name] for step in steps]) for name in steps[0]}
"""

SOLUTION = """
import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def gru_step(x, h, W, b):
    hx = np.concatenate([h, x])
    z = sigmoid(W["z"] @ hx + b["z"])
    r = sigmoid(W["r"] @ hx + b["r"])
    n = np.tanh(W["n"] @ np.concatenate([r * h, x]) + b["n"])
    h = (1 - z) * h + z * n
    return {"z": z, "r": r, "n": n, "h": h}


def gru_forward(xs, h0, W, b):
    h, steps = h0, []
    for x in xs:
        steps.append(gru_step(x, h, W, b))
        h = steps[-1]["h"]
    return {name: np.array([step[name] for step in steps]) for name in steps[0]}
"""

EXPLANATION = """
The update gate moves the state from the old one towards the candidate; the two shares add up to 1, so one gate does what forget and input
gate do in an LSTM. The reset gate decides how much of the old state the candidate may see. Here it acts on h before the product with
W_n; torch multiplies after the product, which is another network with the same number of parameters.
"""


def step(
    x: Array, h: Array, w: dict[str, Array], b: dict[str, Array], wrong: Wrong, first: Array | None = None
) -> dict[str, Array]:
    """One step with its mistakes."""
    units = len(h)
    bias = {k: b[k] * (0 if "bias-missing" in wrong else 2 if "bias-twice" in wrong else 1) for k in GATES}
    x_seen, h_seen = x * ("input-missing" not in wrong), h * ("recurrent-missing" not in wrong)

    def affine(k: str, old: Array, new: Array) -> Array:
        both = np.concatenate([new, old] if "parts-swapped" in wrong else [old, new])
        return np.asarray(w[k] @ both + bias[k])

    squash = np.tanh if "gates-tanh" in wrong else np.copy if "gates-not-activated" in wrong else sigmoid
    bend = np.copy if "candidate-tanh-missing" in wrong else sigmoid if "candidate-sigmoid" in wrong else np.tanh
    read = {k: h_seen if first is None or f"gate-reads-initial-state@{k}" not in wrong else first for k in "zr"}
    z, r = (squash(affine(k, read[k], x_seen)) for k in "zr")
    if "reset-and-update-swapped" in wrong:
        z, r = r, z
    gates = {"z": z, "r": r}
    if "reset-and-update-swapped@use" in wrong:
        z, r = r, z
    if "reset-missing" in wrong:
        inside = affine("n", h_seen, x_seen)
    elif "reset-after-product" in wrong:
        inside = r * (w["n"][:, :units] @ h_seen) + w["n"][:, units:] @ x_seen + bias["n"]
    elif "reset-after-product@bias" in wrong:
        inside = r * (w["n"][:, :units] @ h_seen + bias["n"]) + w["n"][:, units:] @ x_seen
    elif "reset-on-input" in wrong:
        inside = w["n"][:, :units] @ h_seen + r * (w["n"][:, units:] @ x_seen) + bias["n"]
    else:
        inside = affine("n", r * h_seen, x_seen)
    n = bend(inside)
    mixed = z * h + (1 - z) * n if "update-inverted" in wrong else (1 - z) * h + z * n
    return gates | {"n": n, "h": n if "update-missing" in wrong else mixed}


def forward(xs: Array, h0: Array, w: dict[str, Array], b: dict[str, Array], wrong: Wrong) -> Quantities:
    """All steps."""
    zeros = np.zeros_like(h0)
    h, steps = zeros if "start-from-zeros" in wrong else h0, []
    for x in xs:
        old = h0 if "initial-state-at-every-step" in wrong else zeros if "state-reset" in wrong else h
        steps.append(step(x, old, w, b, wrong, h0))
        h = steps[-1]["h"]
    return {name: np.array([s[name] for s in steps]) for name in NAMES}


def draw(rng: np.random.Generator) -> list[Question]:
    """One step, and five."""
    return [one(rng, "one step", 2, 3), many(rng, "five steps", 5, 2, 3)]


def matrices(rng: np.random.Generator, inputs: int, units: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """W and b."""
    return {k: normal(rng, units, units + inputs) for k in GATES}, {k: normal(rng, units) for k in GATES}


def one(rng: np.random.Generator, name: str, inputs: int, units: int) -> Question:
    """A question with one step."""
    x, h, (w, b) = normal(rng, inputs), normal(rng, units), matrices(rng, inputs, units)
    return Question(name, [call("gru_step", x, h, w, b)], lambda wrong: step(x, h, w, b, wrong), STEP, (Slot(NAMES),))


def many(rng: np.random.Generator, name: str, steps: int, inputs: int, units: int) -> Question:
    """A question with a sequence."""
    xs, h, (w, b) = normal(rng, steps, inputs), normal(rng, units), matrices(rng, inputs, units)
    return Question(
        name,
        [call("gru_forward", xs, h, w, b)],
        lambda wrong: forward(xs, h, w, b, wrong),
        FORWARD,
        (Slot(NAMES),),
        steps=NAMES,
    )


WORKSHEET = Worksheet(
    name="gru-step",
    title="A GRU, gate by gate",
    course="slides: [h, x] concatenated, biases, column vectors; equations as in the source that the slides name",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("gru_step", "gru_forward"),
    labels={"z": "your update gate z", "r": "your reset gate r", "n": "your candidate n", "h": "your hidden state h"},
)
