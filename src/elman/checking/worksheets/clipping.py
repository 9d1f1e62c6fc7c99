"""`clipping`: by threshold, by norm, and where in a training step it belongs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

SHAPES = ((3, 2), (4,), (2, 2))
NAMES = ("first", "second", "third")
THRESHOLD = ("clip-one-sided", "norm-for-threshold", "clip-ignored@threshold", "threshold-both-ends-swapped")
NORM = (
    "clip-per-tensor", "clip-always-scaled", "clip-norm-not-rooted", "clip-norm-l1", "clip-norm-largest", "threshold-for-norm",
    "clip-ignored", "clip-to-unit-norm",
)  # fmt: skip
STEP = ("clip-after-step", "clip-weights", "step-uphill", "rate-ignored", *NORM)

STATEMENT = """
Two cures for exploding gradients, and where they belong. `gradients` is a list of arrays, one for each parameter.

    clip_by_threshold   every number above the threshold becomes the threshold, every number below -threshold becomes -threshold
    clip_by_norm        if the norm of all numbers of all arrays together, sqrt(sum of squares), is above max_norm, every array is
                        multiplied by max_norm / norm; otherwise nothing changes
    sgd_step            clips the gradients by norm, then returns the new weights: w - rate * gradient

All three return a new list with arrays of the same shapes.
"""

STARTER = """
import numpy as np


def clip_by_threshold(gradients, threshold):
    return [... for g in gradients]


def clip_by_norm(gradients, max_norm):
    norm = ...
    return ...


def sgd_step(weights, gradients, rate, max_norm):
    return ...
"""

SOLUTION = """
import numpy as np


def clip_by_threshold(gradients, threshold):
    return [np.clip(g, -threshold, threshold) for g in gradients]


def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum((g**2).sum() for g in gradients))
    if norm <= max_norm:
        return list(gradients)
    return [g * (max_norm / norm) for g in gradients]


def sgd_step(weights, gradients, rate, max_norm):
    return [w - rate * g for w, g in zip(weights, clip_by_norm(gradients, max_norm))]
"""

EXPLANATION = """
Clipping by norm keeps the direction of the step and only makes it shorter, because all arrays get the same factor; clipping each array by
its own norm, or each number by a threshold, turns the step. Either has to come before the step: afterwards the damage is done.
"""


def by_threshold(gradients: list[Array], threshold: float, wrong: Wrong) -> list[Array]:
    """Each number between the two ends."""
    if "clip-ignored@threshold" in wrong:
        return gradients
    if "norm-for-threshold" in wrong:
        return by_norm(gradients, threshold, frozenset())
    if "threshold-both-ends-swapped" in wrong:
        return [np.maximum(np.abs(g), threshold) * np.sign(g) for g in gradients]
    low = -np.inf if "clip-one-sided" in wrong else -threshold
    return [np.clip(g, low, threshold) for g in gradients]


def length(gradients: list[Array], wrong: Wrong) -> float:
    """The norm of all numbers together."""
    flat = np.concatenate([g.ravel() for g in gradients])
    if "clip-norm-largest" in wrong:
        return float(np.abs(flat).max())
    if "clip-norm-l1" in wrong:
        return float(np.abs(flat).sum())
    squares = float((flat**2).sum())
    return squares if "clip-norm-not-rooted" in wrong else squares**0.5


def by_norm(gradients: list[Array], max_norm: float, wrong: Wrong) -> list[Array]:
    """All scaled by one factor, where they are too long."""
    if "clip-ignored" in wrong:
        return gradients
    if "threshold-for-norm" in wrong:
        return [np.clip(g, -max_norm, max_norm) for g in gradients]
    if "clip-per-tensor" in wrong:
        return [by_norm([g], max_norm, wrong - {"clip-per-tensor"})[0] for g in gradients]
    norm = length(gradients, wrong)
    if norm <= max_norm and "clip-always-scaled" not in wrong:
        return gradients
    return [g * ((1.0 if "clip-to-unit-norm" in wrong else max_norm) / norm) for g in gradients]


def sgd(weights: list[Array], gradients: list[Array], rate: float, max_norm: float, wrong: Wrong) -> list[Array]:
    """One step downhill."""
    if "clip-weights" in wrong:
        return [w - rate * g for w, g in zip(by_norm(weights, max_norm, wrong), gradients, strict=True)]
    clipped = gradients if "clip-after-step" in wrong else by_norm(gradients, max_norm, wrong)
    step = 1.0 if "rate-ignored" in wrong else rate
    step = -step if "step-uphill" in wrong else step
    return [w - step * g for w, g in zip(weights, clipped, strict=True)]


def draw(rng: np.random.Generator) -> list[Question]:
    """By threshold; by norm where it is too large, in all and in one array, and where it is not; a step."""
    weights = [normal(rng, *shape) for shape in SHAPES]
    large = [normal(rng, *shape, scale=s) for shape, s in zip(SHAPES, (5.0, 0.5, 2.0), strict=True)]
    small = [normal(rng, *shape, scale=0.3) for shape in SHAPES]
    return [
        question("clip by threshold", THRESHOLD, call("clip_by_threshold", large, 0.9), lambda w: by_threshold(large, 0.9, w)),
        question("clip by norm: gradients that are too large", NORM, call("clip_by_norm", large, 2.5), lambda w: by_norm(large, 2.5, w)),
        question("clip by norm: gradients that are small", NORM, call("clip_by_norm", small, 2.5), lambda w: by_norm(small, 2.5, w)),
        question(
            "a training step", STEP, call("sgd_step", weights, large, 0.1, 1.5), lambda w: sgd(weights, large, 0.1, 1.5, w)
        ),
    ]  # fmt: skip


def question(
    name: str, mistakes: tuple[str, ...], action: list[object], made: Callable[[Wrong], list[Array]]
) -> Question:
    """A question whose answer is three arrays."""

    def reference(wrong: Wrong) -> Quantities:
        return dict(zip(NAMES, made(wrong), strict=True))

    return Question(name, [action], reference, mistakes, (Slot(NAMES),))


WORKSHEET = Worksheet(
    name="clipping",
    title="Clipping gradients",
    course="UW lesson 9: thresholds or normalised clipping",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("clip_by_threshold", "clip_by_norm", "sgd_step"),
    labels={"first": "the first array", "second": "the second array", "third": "the third array"},
)
