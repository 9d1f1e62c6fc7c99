"""`gru-step`: a GRU with [h, x] concatenated, as the slides write their gates; the reset gate acts before the product."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.arithmetic import relu, sigmoid
from elman.checking.worksheets.gates import borrowed, permuted, squashed
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

GATES = "zrn"
NAMES = ("z", "r", "n", "h")
PERMUTED = permuted(GATES, ("rzn",))
ONE_GATE = (
    "gate-bias-missing", "gate-bias-twice", "gate-parts-swapped", "gate-input-missing", "gate-recurrent-missing", "gate-activation",
    "gate-not-activated",
)  # fmt: skip
CANDIDATE = (
    "reset-after-product", "reset-after-product@bias", "reset-missing", "reset-on-input", "reset-on-everything",
    "reset-inverted", "candidate-tanh-missing", "candidate-sigmoid", "candidate-relu",
)  # fmt: skip
MIXING = (
    "update-inverted", "update-missing", "update-unbalanced@old", "update-unbalanced@new", "update-old-missing", "update-new-missing",
    "update-candidate-alone", "reset-on-old-state", "gates-coupled-in-update", "update-averaged", "tanh-on-new-state",
)  # fmt: skip
BORROWED = borrowed(GATES, ("W", "b", "W and b"))
STEP = (
    *CANDIDATE, *MIXING, "reset-and-update-swapped", "reset-and-update-swapped@use", "gates-tanh", "gates-not-activated", "parts-swapped",
    "bias-missing", "bias-twice", "recurrent-missing", "input-missing", "update-reads-reset-state", "candidate-uses-update",
    *(f"{one}@{k}" for one in ONE_GATE for k in GATES if k != "n" or "activat" not in one), *PERMUTED, *BORROWED,
)  # fmt: skip
FORWARD = (
    *STEP, *(f"gate-reads-initial-state@{k}" for k in GATES), "initial-state-at-every-step", "state-reset", "start-from-zeros",
    "states-shifted",
    "candidate-carried",
)  # fmt: skip

STATEMENT = """
One step of a gated recurrent unit. [h, x] is one vector, h first, then x; every gate has one matrix and one bias:

    z_t = sigmoid(W_z [h_{t-1}, x_t] + b_z)            the update gate
    r_t = sigmoid(W_r [h_{t-1}, x_t] + b_r)            the reset gate
    n_t = tanh(W_n [r_t * h_{t-1}, x_t] + b_n)         the candidate
    h_t = (1 - z_t) * h_{t-1} + z_t * n_t              the hidden state

`W` and `b` are dicts with the keys "z", "r", "n"; W["z"] is [units, units + inputs].
`gru_step` returns a dict with all four of a step. `gru_forward` runs over xs [T, inputs] from h0 and returns a dict with all four
for all steps, each [T, units]. Other courses exchange z and 1 - z, and torch.nn.GRU lets r act after the product. Arrays,
tensors and lists will do,
in float32 or float64.
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
    for name in wrong & BORROWED.keys():
        which, of, into = BORROWED[name]
        w = w | {into: w[of]} if "W" in which else w
        b = b | {into: b[of]} if "b" in which else b
    order = next((order for name, order in PERMUTED.items() if name in wrong), GATES)
    order = "rzn" if "reset-and-update-swapped" in wrong else order
    w, b = ({k: v[other] for k, other in zip(GATES, order, strict=True)} for v in (w, b))
    old = {k: first if first is not None and f"gate-reads-initial-state@{k}" in wrong else h for k in GATES}
    r = squashed("r", total("r", old["r"], x, w, b, wrong), wrong)
    z = squashed(
        "z", total("z", r * old["z"] if "update-reads-reset-state" in wrong else old["z"], x, w, b, wrong), wrong
    )
    gates = {"z": z, "r": r}
    if "reset-and-update-swapped@use" in wrong:
        z, r = r, z
    reset = 1 - r if "reset-inverted" in wrong else z if "candidate-uses-update" in wrong else r
    bends: dict[str, Callable[[Array], Array]] = {
        "candidate-tanh-missing": np.copy,
        "candidate-sigmoid": sigmoid,
        "candidate-relu": relu,
    }
    n = next((bend for name, bend in bends.items() if name in wrong), np.tanh)(
        candidate(reset, old["n"], x, w, b, wrong)
    )
    return gates | {"n": n, "h": mixed(z, r, n, h, wrong)}


def total(k: str, old: Array, new: Array, w: dict[str, Array], b: dict[str, Array], wrong: Wrong) -> Array:
    """The sum inside a gate's activation."""

    def has(mistake: str) -> bool:
        return mistake in wrong or f"gate-{mistake}@{k}" in wrong

    old, new = old * (not has("recurrent-missing")), new * (not has("input-missing"))
    both = np.concatenate([new, old] if has("parts-swapped") else [old, new])
    return np.asarray(w[k] @ both + b[k] * (0 if has("bias-missing") else 2 if has("bias-twice") else 1))


def candidate(r: Array, h: Array, x: Array, w: dict[str, Array], b: dict[str, Array], wrong: Wrong) -> Array:
    """The sum inside the candidate's activation, with the reset gate where it belongs or elsewhere."""
    nothing, bare = np.zeros_like(x), {k: np.zeros_like(v) for k, v in b.items()}
    if "reset-missing" in wrong:
        return total("n", h, x, w, b, wrong)
    if "reset-on-everything" in wrong:
        return np.asarray(r * total("n", h, x, w, b, wrong))
    old, new = total("n", h, nothing, w, bare, wrong), total("n", 0 * h, x, w, bare, wrong)
    share = total("n", 0 * h, nothing, w, b, wrong)
    ways = {
        "reset-after-product": r * old + new + share, "reset-after-product@bias": r * (old + share) + new,
        "reset-on-input": old + r * new + share,
    }  # fmt: skip
    return next((np.asarray(v) for name, v in ways.items() if name in wrong), total("n", r * h, x, w, b, wrong))


def mixed(z: Array, r: Array, n: Array, h: Array, wrong: Wrong) -> Array:
    """The new state."""
    old = r * h if "reset-on-old-state" in wrong else h
    both = (1 - z) * old + z * n
    ways = {
        "tanh-on-new-state": np.tanh(both),
        "update-inverted": z * old + (1 - z) * n, "update-missing": n, "update-unbalanced@old": old + z * n,
        "update-unbalanced@new": (1 - z) * old + n,
        "update-old-missing": z * n, "update-new-missing": (1 - z) * old, "update-candidate-alone": z * old + z * n,
        "gates-coupled-in-update": (1 - z) * old + r * n, "update-averaged": (old + n) / 2,
    }  # fmt: skip
    return next((np.asarray(v) for name, v in ways.items() if name in wrong), np.asarray(both))


def forward(xs: Array, h0: Array, w: dict[str, Array], b: dict[str, Array], wrong: Wrong) -> Quantities:
    """All steps."""
    zeros = np.zeros_like(h0)
    h, steps = zeros if "start-from-zeros" in wrong else h0, []
    for x in xs:
        old = h0 if "initial-state-at-every-step" in wrong else zeros if "state-reset" in wrong else h
        made = step(x, old, w, b, wrong, h0)
        h = made["n"] if "candidate-carried" in wrong else made["h"]
        steps.append(made | ({"h": old} if "states-shifted" in wrong else {}))
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
