"""`shapes`: which problem shape a task has, and what each shape reads from a padded batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe
from elman.checking.sandbox.work import call, read
from elman.checking.worksheets.worksheet import Array, Question, Slot, Worksheet, Wrong, normal

SHAPES = ("one-to-one", "one-to-many", "many-to-one", "many-to-many", "encoder-decoder")
TASKS = {
    "what is in this picture": "one-to-one",
    "a sentence about this picture": "one-to-many",
    "is this review positive": "many-to-one",
    "the part of speech of each word": "many-to-many",
    "this sentence in another language": "encoder-decoder",
    "the next letter, at every letter": "many-to-many",
}
LAST = ("last-padded-step", "length-off-by-one")
BOTH = ("backward-at-last-step", "last-padded-step", "length-off-by-one", "directions-swapped")
MEAN = ("padding-counted",)
LOSS = ("padding-counted", "mean-of-means")

STATEMENT = """
Batches are padded: `outputs` is [sequences, steps, units], and only the first lengths[n] steps of sequence n are real. Behind them stands
whatever the padding left there.

    last_state(outputs, lengths)          many-to-one: the output of each sequence's last real step, [sequences, units]
    mean_state(outputs, lengths)          many-to-one: the mean over each sequence's real steps, [sequences, units]
    both_directions(outputs, lengths)     outputs of a bidirectional network, [sequences, steps, 2 units], forward first: for each direction
                                          its output after it has read the whole sequence, [sequences, 2 units]
    mean_loss(losses, lengths)            many-to-many: the mean loss of a real step over the whole batch, one number;
                                          losses is [sequences, steps]

`shape_of` says for each task which shape its problem has: one-to-one, one-to-many, many-to-one, many-to-many (an output for every
input) or encoder-decoder (all inputs first, then as many outputs as it takes).
"""

_TASKS = "".join(f'    "{task}": "{{}}",\n' for task in TASKS)

STARTER = (
    """
import numpy as np


def last_state(outputs, lengths):
    return ...


def mean_state(outputs, lengths):
    return ...


def both_directions(outputs, lengths):
    return ...


def mean_loss(losses, lengths):
    return ...


shape_of = {
"""
    + _TASKS.replace("{}", "...")
    + "}\n"
)

SOLUTION = (
    """
import numpy as np


def last_state(outputs, lengths):
    return outputs[np.arange(len(outputs)), lengths - 1]


def mean_state(outputs, lengths):
    return np.array([o[:n].mean(axis=0) for o, n in zip(outputs, lengths)])


def both_directions(outputs, lengths):
    units = outputs.shape[-1] // 2
    forward = last_state(outputs, lengths)[:, :units]
    backward = outputs[:, 0, units:]
    return np.concatenate([forward, backward], axis=1)


def mean_loss(losses, lengths):
    return sum(row[:n].sum() for row, n in zip(losses, lengths)) / lengths.sum()


shape_of = {
"""
    + _TASKS.format(*TASKS.values())
    + "}\n"
)

EXPLANATION = """
A sequence of length n ends at index n - 1; what stands behind is padding. The backward direction reads from the end, so it has seen
everything at index 0; its output at the last step has read a single symbol. A mean over steps divides a sum by a count, both over real
steps only; the mean of the sequences' means would let a short sequence count as much as a long one.
"""


def last(outputs: Array, lengths: Array, wrong: Wrong) -> Array:
    """Each sequence's last step."""
    steps = outputs.shape[1]
    at = lengths.astype(np.int64) - 1
    if "last-padded-step" in wrong:
        at = np.full_like(at, steps - 1)
    if "length-off-by-one" in wrong:
        at = np.minimum(lengths.astype(np.int64), steps - 1)
    return np.asarray(outputs[np.arange(len(outputs)), at])


def both(outputs: Array, lengths: Array, wrong: Wrong) -> Array:
    """Both directions after the whole sequence."""
    units = outputs.shape[-1] // 2
    forward = last(outputs[..., :units], lengths, wrong)
    backward = outputs[:, 0, units:]
    if "backward-at-last-step" in wrong:  # out[:, -1], as it is usually written
        return np.asarray(outputs[:, -1])
    if "backward-at-last-real-step" in wrong:
        backward = last(outputs[..., units:], lengths, wrong)
    return np.concatenate([backward, forward] if "directions-swapped" in wrong else [forward, backward], axis=1)


def mean(values: Array, lengths: Array, wrong: Wrong) -> Array:
    """Over the real steps of each sequence."""
    if "padding-counted" in wrong:
        return np.asarray(values.mean(axis=1))
    return np.array([v[: int(n)].mean(axis=0) for v, n in zip(values, lengths, strict=True)])


def loss(losses: Array, lengths: Array, wrong: Wrong) -> Array:
    """Over the real steps of the batch."""
    if "padding-counted" in wrong:
        return np.array(losses.mean())
    if "mean-of-means" in wrong:
        return np.array(mean(losses, lengths, frozenset()).mean())
    return np.array(sum(row[: int(n)].sum() for row, n in zip(losses, lengths, strict=True)) / lengths.sum())


def numbered(values: list[Any]) -> list[Any]:
    """The shapes as numbers, in the order of the tasks."""
    (value,) = values
    if not isinstance(value, dict) or set(value) != set(TASKS):
        raise UnreadableError(
            f"`shape_of` should be a dict with the starter's {len(TASKS)} tasks; it is {describe(value)}."
        )
    strange = [v for v in value.values() if not isinstance(v, str) or v not in SHAPES]
    if strange:
        raise UnreadableError(f"a shape is one of {', '.join(SHAPES)}; there is {describe(strange[0])}.")
    return [np.array([float(SHAPES.index(value[task])) for task in TASKS])]


def draw(rng: np.random.Generator) -> list[Question]:
    """Every function once, with sequences that are all shorter than the padding, and one that is not."""
    lengths = np.array([*(rng.permutation([2, 3, 4]).tolist()), 6])
    outputs, wide, losses = normal(rng, 4, 6, 3), normal(rng, 4, 6, 4), np.abs(normal(rng, 4, 6))
    return [
        Question(
            "the last state",
            [call("last_state", outputs, lengths)],
            lambda w: {"last": last(outputs, lengths, w)},
            LAST,
            (Slot(("last",)),),
        ),
        Question(
            "the mean state",
            [call("mean_state", outputs, lengths)],
            lambda w: {"mean": mean(outputs, lengths, w)},
            MEAN,
            (Slot(("mean",)),),
        ),
        Question(
            "both directions",
            [call("both_directions", wide, lengths)],
            lambda w: {"both": both(wide, lengths, w)},
            (*BOTH, "backward-at-last-real-step"),
            (Slot(("both",)),),
        ),
        Question(
            "the mean loss",
            [call("mean_loss", losses, lengths)],
            lambda w: {"loss": loss(losses, lengths, w)},
            LOSS,
            (Slot(("loss",)),),
        ),
        Question(
            "the shape of each task",
            [read("shape_of")],
            lambda _: {"shapes": np.array([float(SHAPES.index(s)) for s in TASKS.values()])},
            (),
            (Slot(("shapes",)),),
            digest=numbered,
            margin=0.1,
        ),
    ]


WORKSHEET = Worksheet(
    name="shapes",
    title="Problem shapes, and what they read from a padded batch",
    course="discussion worksheet 1.1, slides, practical 9",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("last_state", "mean_state", "both_directions", "mean_loss", "shape_of"),
    labels={
        "last": "the last state", "mean": "the mean state", "both": "what both directions give", "loss": "the mean loss",
        "shapes": "the list of shapes (numbered as in the statement, from 0)",
    },
)  # fmt: skip
