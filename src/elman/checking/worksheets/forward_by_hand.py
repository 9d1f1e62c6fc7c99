"""`forward-by-hand`: the pen-and-paper question, as numbers in a text file; then a network whose weights all differ."""

from __future__ import annotations

import numpy as np

from elman.checking.worksheets.rnn_forward import reference
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong

MISTAKES = (
    "initial-state-at-every-step", "bias-missing", "bias-twice", "tanh-missing", "sigmoid-for-tanh", "relu-for-tanh",
    "input-after-activation", "input-missing", "recurrent-transposed", "input-transposed", "matrices-swapped", "output-from-old-state",
    "output-transposed", "output-bias-missing", "biases-swapped", "softmax-missing", "softmax-twice", "loss-mean",
    "loss-last-step-only", "loss-sign", "loss-log2", "loss-squared-error", "loss-on-logits",
    "loss-without-log", "state-reset",
)  # fmt: skip

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


def on_paper(given: dict[str, Array], prefix: str, wrong: Wrong) -> Quantities:
    """Every number that is asked for, by name."""
    found = reference(given, wrong)
    logits = reference(given, wrong | {"softmax-missing", "loss-squared-error"})[
        "ys"
    ]  # a logarithm of logits would be none
    steps = {"h": found["hs"], "z": logits, "y": found["ys"]}
    return {f"{prefix}{k}{t + 1}": v[t] for k, v in steps.items() for t in range(2)} | {f"{prefix}loss": found["loss"]}


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
    return Question(
        title,
        [],
        lambda wrong: {k: v for k, v in on_paper(given, prefix, wrong).items() if k in names},
        MISTAKES,
        tuple(Slot((name,)) for name in names),
        tolerance=0.0,
        margin=6e-4,
    )


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
