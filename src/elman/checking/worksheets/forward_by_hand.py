"""`forward-by-hand`: the pen-and-paper question, as numbers in a text file; then a network whose weights all differ."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from elman.checking.worksheets.arithmetic import BIAS_MISTAKES, ELMAN_MISTAKES, elman_step, softmax
from elman.checking.worksheets.rnn_forward import (
    LOSS_MISTAKES,
    OUTPUT_MISTAKES,
    SHOWN_ONLY,
    logits,
    probabilities,
    step_losses,
    whole,
)
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong

TERMS = {
    **{f"W_xh[{i},{j}] x_{t}[{j}]": ("W_xh", i, j, t) for t in (1, 2) for i in (1, 2) for j in (1, 2)},
    **{f"W_hh[{i},{j}] h_{t - 1}[{j}]": ("W_hh", i, j, t) for t in (1, 2) for i in (1, 2) for j in (1, 2)},
    **{f"W_hy[{i},{j}] h_{t}[{j}]": ("W_hy", i, j, t) for t in (1, 2) for i in (1, 2) for j in (1, 2)},
    **{f"{b}[{i}] at t = {t}": (b, i, 0, t) for b in ("b_h", "b_y") for t in (1, 2) for i in (1, 2)},
}  # fmt: skip
"""The products and biases of the second network, one by one: any of them can slip."""
SLIPS = tuple(f"{slip}@{term}" for slip in ("term-sign", "term-left-out") for term in TERMS)
STATES = (
    "initial-state-at-every-step", "start-from-zeros", "state-reset", *ELMAN_MISTAKES, *BIAS_MISTAKES, "bias-at-first-step-only",
)  # fmt: skip
OUTPUTS = tuple(
    m
    for m in (*OUTPUT_MISTAKES, *SHOWN_ONLY)
    if m not in (*LOSS_MISTAKES, "softmax-unstable", "log-unstable", "log-for-probability")
)
LOSSES = tuple(m for m in LOSS_MISTAKES if m != "loss-softmax-twice")  # by chance nearly the right number
MISTAKES = (*STATES, *OUTPUTS, *LOSSES, *SLIPS)

STATEMENT = """
Forward propagation by hand, to at least three digits behind the point. The network is

    h_t = tanh(W_xh x_t + W_hh h_{t-1} + b_h)      z_t = W_hy h_t + b_y      y_t = softmax(z_t)
    L   = the cross-entropy between y_t and the targets, summed over both steps (natural logarithm)

First network (4 inputs, 3 units, 2 classes): all weights and biases are 0.1, h_0 = 0,
    x_1 = (4, 0, 0, 0), x_2 = (0, 8, 2, 0), targets (1, 0) and (0, 1).
Write h1, h2 (3 numbers each), z1, z2, y1, y2 (2 numbers each) and loss.

Second network (2 inputs, 2 units, 2 classes), whose weights differ, so that every slip shows:
    W_xh = [[0.5, -0.3], [0.2, 0.4]]    W_hh = [[0.1, 0.6], [-0.5, 0.3]]    b_h = (0.1, -0.2)    h_0 = (0.5, -0.4)
    W_hy = [[1.0, -0.5], [0.3, 0.8]]    b_y = (0.2, -0.1)
    x_1 = (1, 2), x_2 = (-1, 1), targets (0, 1) and (1, 0).
Write H1, H2, Z1, Z2, Y1, Y2 and LOSS with the prefix second_: second_h1 and so on.

One line for each, as in `second_h1 = 0.25, -1/3` or `h1 = (0.5 0.5 0.5)`: spaces or commas between the numbers, brackets or none,
decimal points, fractions, 1.5e-3. Numbers may be 0.0015 off, so round on the way as you like, to three digits or more.
"""

FIRST: dict[str, Array] = {
    "xs": np.array([[4.0, 0, 0, 0], [0, 8, 2, 0]]), "targets": np.eye(2), "h0": np.zeros(3), "W_xh": np.full((3, 4), 0.1),
    "W_hh": np.full((3, 3), 0.1), "W_hy": np.full((2, 3), 0.1), "b_h": np.full(3, 0.1), "b_y": np.full(2, 0.1),
}  # fmt: skip
SECOND: dict[str, Array] = {
    "xs": np.array([[1.0, 2], [-1, 1]]), "targets": np.array([[0.0, 1], [1, 0]]), "h0": np.array([0.5, -0.4]),
    "W_xh": np.array([[0.5, -0.3], [0.2, 0.4]]), "W_hh": np.array([[0.1, 0.6], [-0.5, 0.3]]),
    "W_hy": np.array([[1.0, -0.5], [0.3, 0.8]]), "b_h": np.array([0.1, -0.2]), "b_y": np.array([0.2, -0.1]),
}  # fmt: skip


def on_paper(given: dict[str, Array], prefix: str, wrong: Wrong, theirs: Quantities | None = None) -> Quantities:
    """Every number that is asked for, by name; where `theirs` has a number, what follows is worked out from that one."""
    theirs = theirs or {}
    h0 = np.zeros_like(given["h0"]) if "start-from-zeros" in wrong else given["h0"]
    hs: list[Array] = []
    zs, reads = [], []
    for t, x in enumerate(given["xs"], 1):
        slipped = with_slips(given, t, wrong)
        b_h, b_y = (slipped["b_y"], slipped["b_h"]) if "biases-swapped" in wrong else (slipped["b_h"], slipped["b_y"])
        b_h = np.zeros_like(b_h) if "bias-at-first-step-only" in wrong and t == 2 else b_h
        before = h0 if t == 1 else theirs.get(f"{prefix}h{t - 1}", hs[-1] if hs else h0)
        old = np.zeros_like(h0) if "state-reset" in wrong else h0 if "initial-state-at-every-step" in wrong else before
        matrices = (slipped["W_xh"], slipped["W_hh"])
        hs.append(elman_step(x, old, *matrices, wrong, b_h))
        bare = elman_step(x, old, *matrices, wrong | {"tanh-missing"}, b_h)
        seen = {"output-from-old-state": old, "output-from-sum": bare}
        reads.append(next((v for k, v in seen.items() if k in wrong), theirs.get(f"{prefix}h{t}", hs[-1])))
        zs.append((slipped, b_y))
    if "output-from-last-state" in wrong:
        reads = [reads[-1]] * len(reads)
    made = [logits(slipped, read, b_y, wrong) for (slipped, b_y), read in zip(zs, reads, strict=True)]
    z = np.array([theirs.get(f"{prefix}z{t}", v) for t, v in enumerate(made, 1)])
    ys = probabilities(z, wrong)
    y = np.array([theirs.get(f"{prefix}y{t}", v) for t, v in enumerate(ys, 1)])
    # A logarithm of logits would be none.
    plain = wrong | ({"log-unstable"} if theirs else set())
    if "softmax-missing" in wrong and not theirs:
        plain = plain | {"loss-squared-error"}
    if not theirs and wrong & {*SHOWN_ONLY}:
        y = softmax(z)
    losses = step_losses(z, y, given["targets"], plain)
    steps: dict[str, Any] = {"h": hs, "z": made, "y": ys}
    found = {f"{prefix}{k}{t + 1}": np.asarray(v[t]) for k, v in steps.items() for t in range(2)}
    return found | {f"{prefix}loss": np.array(whole(losses, given["targets"], wrong))}


@cache
def known(prefix: str, wrong: Wrong) -> Quantities:
    """Every number of a network; the inputs never change, so each is worked out once."""
    return on_paper(SECOND if prefix else FIRST, prefix, wrong)


def with_slips(given: dict[str, Array], t: int, wrong: Wrong) -> dict[str, Array]:
    """The weights of step t, with a product or bias that has the wrong sign or is left out; of the second network only."""
    changed = dict(given)
    for slip in wrong & frozenset(SLIPS):
        kind, _, term = slip.partition("@")
        name, i, j, at = TERMS[term]
        if at == t and given is SECOND:
            place = (i - 1, j - 1)[: given[name].ndim]
            changed[name] = changed[name].copy()
            changed[name][place] *= -1 if kind == "term-sign" else 0
    return changed


def draw(_: np.random.Generator) -> list[Question]:
    """The course's numbers are what they are; nothing is drawn."""
    asked = []
    for title, given, prefix in (("first network", FIRST, ""), ("second network", SECOND, "second_")):
        for what, names in (
            ("states", ("h1", "h2")),
            ("logits and outputs", ("z1", "z2", "y1", "y2")),
            ("loss", ("loss",)),
        ):
            asked.append(question(f"{title}: {what}", given, prefix, tuple(prefix + n for n in names)))
    return asked


def question(title: str, given: dict[str, Array], prefix: str, names: tuple[str, ...]) -> Question:
    """A question for some of the numbers of a network."""

    def asked(mistakes: tuple[str, ...], theirs: Quantities | None = None, **more: Any) -> Question:
        return Question(
            title,
            [],
            lambda wrong: {
                k: v
                for k, v in (on_paper(given, prefix, wrong, theirs) if theirs else known(prefix, wrong)).items()
                if k in names
            },
            mistakes,
            tuple(Slot((name,)) for name in names),
            tolerance=0.0,
            margin=1.5e-3,
            **more,
        )

    own = {"h1": (*STATES, *SLIPS), "z1": (*OUTPUTS, *SLIPS), "loss": LOSSES}[names[0].removeprefix(prefix)]
    return asked(MISTAKES, carried=lambda theirs: asked(own, theirs))


NAMES = [*(f"{k}{t}" for k in "hzy" for t in (1, 2)), "loss"]
STARTER = "".join(f"{prefix}{name} =\n" for prefix in ("", "second_") for name in NAMES)
SOLUTION = "".join(
    f"{name} = {' '.join(f'{v:.6f}' for v in np.atleast_1d(value))}\n"
    for given, prefix in ((FIRST, ""), (SECOND, "second_"))
    for name, value in on_paper(given, prefix, frozenset()).items()
)

EXPLANATION = """
With all weights 0.1 the three units of the first network are equal: tanh(0.1 * 4 + 0.1 * 0 + 0.1) = 0.462117, then
tanh(0.1 * 10 + 0.1 * 3 * 0.462117 + 0.1) = 0.845066. Both classes get the same logit, so y = (0.5, 0.5) twice and the loss is
2 ln 2 = 1.386294. There is one bias for the hidden layer; torch.nn.RNN has two. `elman worked forward-by-hand` shows every number.
"""

WORKSHEET = Worksheet(
    name="forward-by-hand",
    title="A forward pass on paper",
    course="practical 9, pen-and-paper question 1: one hidden bias, softmax output, cross-entropy",
    statement=STATEMENT.replace("Write H1, H2, Z1, Z2, Y1, Y2 and LOSS with", "Write the same numbers with"),
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=(),
    form="numbers",
)
