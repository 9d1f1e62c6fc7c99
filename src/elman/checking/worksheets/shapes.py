"""`shapes`: which problem shape a task has, and what each shape reads from a padded batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe, keyed
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
LAST = (
    "last-padded-step",
    "length-off-by-one",
    "length-off-by-two",
    "first-step-for-last",
    "mean-for-last",
    "sum-for-last",
    "one-length-for-all",
    "one-length-for-all@longest",
)
BOTH = (
    "backward-at-last-step", "backward-at-last-real-step", "last-padded-step", "length-off-by-one", "length-off-by-two",
    "directions-swapped",
    "backward-at-second-step", "backward-at-padded-step", "first-step-for-last", "halves-interleaved", "directions-exchange-ends",
    "mean-for-last",
)  # fmt: skip
MEAN = (
    "padding-counted", "padding-in-the-count", "padding-in-the-sum", "mask-one-more", "mask-one-less", "mask-inverted", "sum-for-mean",
    "largest-for-mean", "one-length-for-all", "last-for-mean",
)  # fmt: skip
LOSS = (
    "padding-counted", "mean-of-means", "padding-in-the-count", "padding-in-the-sum", "mask-one-more", "mask-one-less", "mask-inverted",
    "sum-for-mean", "mean-over-sequences", "mean-over-longest", "one-length-for-all", "last-for-mean", "mean-of-means@padded",
)  # fmt: skip
ANSWERS = {
    f"shape-misjudged@{task!r} is called {shape}": (task, shape)
    for task, right in TASKS.items()
    for shape in SHAPES
    if shape != right
}

STATEMENT = """
Batches are padded: `outputs` is [sequences, steps, units], and only the first lengths[n] steps of sequence n are real. Behind them stands
whatever the padding left there: numbers that mean nothing. `lengths` is an array of whole numbers; arrays, tensors and lists may come back.

    last_state(outputs, lengths)          many-to-one: the output of each sequence's last real step, [sequences, units]
    mean_state(outputs, lengths)          many-to-one: the mean over each sequence's real steps, [sequences, units]
    both_directions(outputs, lengths)     outputs of a bidirectional network, [sequences, steps, 2 units], forward first: for each direction
                                          its output after it has read the whole sequence, [sequences, 2 units]
    mean_loss(losses, lengths)            many-to-many: the mean loss of a real step over the whole batch, one number;
                                          losses is [sequences, steps]

`shape_of` says for each task which shape its problem has, written as here: one-to-one, one-to-many (one input, a picture too, then many
outputs), many-to-one, many-to-many (an output for every input) or encoder-decoder (a sequence of inputs is read first, all of it, then
come as many outputs as it takes).
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
    ends = np.full_like(lengths, lengths[0]) if "one-length-for-all" in wrong else lengths
    ends = np.full_like(lengths, lengths.max()) if "one-length-for-all@longest" in wrong else ends
    if wrong & {"mean-for-last", "sum-for-last"}:
        return np.array(
            [o[:n].sum(axis=0) / (n if "mean-for-last" in wrong else 1) for o, n in zip(outputs, ends, strict=True)]
        )
    ways = {
        "last-padded-step": np.full_like(ends, steps - 1), "length-off-by-one": np.minimum(ends, steps - 1), "length-off-by-two": ends - 2,
        "first-step-for-last": np.zeros_like(ends),
    }  # fmt: skip
    return np.asarray(
        outputs[np.arange(len(outputs)), next((v for name, v in ways.items() if name in wrong), ends - 1)]
    )


def both(outputs: Array, lengths: Array, wrong: Wrong) -> Array:
    """Both directions after the whole sequence."""
    units = outputs.shape[-1] // 2
    if "halves-interleaved" in wrong:
        return np.concatenate([last(outputs[..., ::2], lengths, wrong), outputs[:, 0, 1::2]], axis=1)
    forward = last(outputs[..., :units], lengths, wrong)
    backward = outputs[:, 0, units:]
    if "backward-at-last-step" in wrong:  # out[:, -1], as it is usually written
        return np.asarray(outputs[:, -1])
    if "backward-at-last-real-step" in wrong:
        backward = last(outputs[..., units:], lengths, wrong)
    if "backward-at-padded-step" in wrong:
        backward = outputs[:, -1, units:]
    if "backward-at-second-step" in wrong:
        backward = outputs[:, 1, units:]
    if "directions-exchange-ends" in wrong:
        forward, backward = outputs[:, 0, :units], last(outputs[..., units:], lengths, frozenset())
    return np.concatenate([backward, forward] if "directions-swapped" in wrong else [forward, backward], axis=1)


def masked(values: Array, lengths: Array, wrong: Wrong) -> tuple[Array, Array]:
    """For each sequence the sum over its real steps, and how many these are; with what goes wrong with masks."""
    steps = values.shape[1]
    ends = np.full_like(lengths, lengths[0]) if "one-length-for-all" in wrong else lengths
    ends = np.minimum(ends + ("mask-one-more" in wrong) - ("mask-one-less" in wrong), steps)
    real = (np.arange(steps) < ends[:, None]) != ("mask-inverted" in wrong)
    if "last-for-mean" in wrong:
        real &= np.arange(steps) == ends[:, None] - 1
    summed = real | bool(wrong & {"padding-counted", "padding-in-the-sum"})
    counted = real | bool(wrong & {"padding-counted", "padding-in-the-count"})
    sums = np.array([v[keep].sum(axis=0) for v, keep in zip(values, summed, strict=True)])
    return sums, counted.sum(axis=1)


def mean(values: Array, lengths: Array, wrong: Wrong) -> Array:
    """Over the real steps of each sequence."""
    if "largest-for-mean" in wrong:
        return np.array([v[:n].max(axis=0) for v, n in zip(values, lengths, strict=True)])
    sums, counts = masked(values, lengths, wrong)
    return sums if "sum-for-mean" in wrong else np.asarray(sums / counts[:, None])


def loss(losses: Array, lengths: Array, wrong: Wrong) -> Array:
    """Over the real steps of the batch."""
    sums, counts = masked(losses, lengths, wrong)
    ways = {
        "mean-of-means": (sums / counts).mean(), "mean-of-means@padded": (sums / losses.shape[1]).mean(), "sum-for-mean": sums.sum(),
        "mean-over-sequences": sums.sum() / len(losses), "mean-over-longest": sums.sum() / lengths.max(),
    }  # fmt: skip
    return np.array(next((v for name, v in ways.items() if name in wrong), sums.sum() / counts.sum()))


def numbered(values: list[Any]) -> list[Any]:
    """The shapes as numbers, in the order of the tasks."""
    value = keyed(values[0], tuple(TASKS), "`shape_of` should be a dict with the starter's tasks")
    value = {task: "-".join(v.lower().split()) if isinstance(v, str) else v for task, v in value.items()}
    strange = [v for v in value.values() if not isinstance(v, str) or v not in SHAPES]
    if strange:
        raise UnreadableError(f"a shape is one of {', '.join(SHAPES)}; there is {describe(strange[0])}.")
    return [{task: float(SHAPES.index(value[task])) for task in TASKS}]


def named(wrong: Wrong) -> dict[str, str]:
    """The shape of each task, with its mistakes."""
    return TASKS | {task: shape for name, (task, shape) in ANSWERS.items() if name in wrong}


def draw(rng: np.random.Generator) -> list[Question]:
    """Every function once, with sequences that are all shorter than the padding, and one that is not."""
    lengths = np.array([*rng.permutation([2, 3, 4]).tolist(), 6, 5])
    outputs, wide, losses = normal(rng, 5, 7, 3), normal(rng, 5, 7, 4), np.abs(normal(rng, 5, 7))
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
            BOTH,
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
            lambda w: {task: np.array(float(SHAPES.index(s))) for task, s in named(w).items()},
            tuple(ANSWERS),
            (Slot(tuple(TASKS)),),
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
        **{task: f"the shape of {task!r} (numbered as in the statement, from 0)" for task in TASKS},
    },
)  # fmt: skip
