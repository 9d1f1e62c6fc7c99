"""`clipping`: by threshold, by norm, and where in a training step it belongs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from elman.checking.sandbox.work import call
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot, Worksheet, Wrong, normal

SHAPES = ((3, 2), (4,), (2, 2))
NAMES = ("first", "second", "third")
THRESHOLD = (
    "clip-one-sided", "clip-one-sided-below", "norm-for-threshold", "clip-ignored@threshold", "threshold-both-ends-swapped",
    "clip-sign-lost",
    "threshold-sets-zero", "threshold-for-all", "threshold-positive-only",
)  # fmt: skip
NORM = (
    "clip-per-tensor", "clip-always-scaled", "clip-norm-not-rooted", "clip-norm-l1", "clip-norm-largest", "clip-norm-sum", "clip-norm-mean",
    "clip-norm-mean@tensors", "clip-norm-one-tensor@first", "clip-norm-one-tensor@largest", "clip-norm-one-tensor@last",
    "threshold-for-norm",
    "clip-ignored", "clip-to-unit-norm", "clip-factor-inverted", "clip-factor-without-norm", "clip-divided-by-maximum",
    "clip-condition-inverted",
)  # fmt: skip
STEP = (
    "clip-after-step", "clip-after-rate", "clip-weights", "clip-new-weights", "clip-new-weights@threshold", "step-uphill", "rate-ignored",
    "gradient-for-weights", *NORM,
)  # fmt: skip

STATEMENT = """
Two cures for exploding gradients, and where they belong. `gradients` is a list of arrays, one for each parameter.

    clip_by_threshold   every number above the threshold becomes the threshold, every number below -threshold becomes -threshold
    clip_by_norm        if the norm of all numbers of all arrays together, sqrt(sum of squares), is above max_norm, every array is
                        multiplied by max_norm / norm; otherwise nothing changes
    sgd_step            clips the gradients by norm, then returns the new weights: w - rate * gradient

All three return a new list with arrays of the same shapes (tensors and nested lists will do, and 1e-5 more or less).
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
    if "clip-sign-lost" in wrong:
        return [np.where(np.abs(g) > threshold, threshold, g) for g in gradients]
    if "threshold-sets-zero" in wrong:
        return [np.where(np.abs(g) > threshold, 0.0, g) for g in gradients]
    if "threshold-for-all" in wrong:
        return [threshold * np.sign(g) for g in gradients]
    if "threshold-positive-only" in wrong:
        return [np.clip(g, 0, threshold) for g in gradients]
    low = -np.inf if "clip-one-sided" in wrong else -threshold
    return [np.clip(g, low, np.inf if "clip-one-sided-below" in wrong else threshold) for g in gradients]


def length(gradients: list[Array], wrong: Wrong) -> float:
    """The norm of all numbers together."""
    flat = np.concatenate([g.ravel() for g in gradients])
    norms = [float(np.sqrt((g**2).sum())) for g in gradients]
    others = {
        "clip-norm-largest": np.abs(flat).max(), "clip-norm-l1": np.abs(flat).sum(), "clip-norm-not-rooted": (flat**2).sum(),
        "clip-norm-sum": sum(norms), "clip-norm-mean": np.sqrt((flat**2).mean()), "clip-norm-mean@tensors": sum(norms) / len(norms),
        "clip-norm-one-tensor@first": norms[0], "clip-norm-one-tensor@largest": max(norms), "clip-norm-one-tensor@last": norms[-1],
    }  # fmt: skip
    return float(next((norm for name, norm in others.items() if name in wrong), np.sqrt((flat**2).sum())))


def by_norm(gradients: list[Array], max_norm: float, wrong: Wrong) -> list[Array]:
    """All scaled by one factor, where they are too long."""
    if "clip-ignored" in wrong:
        return gradients
    if "threshold-for-norm" in wrong:
        return [np.clip(g, -max_norm, max_norm) for g in gradients]
    if "clip-per-tensor" in wrong:
        return [by_norm([g], max_norm, wrong - {"clip-per-tensor"})[0] for g in gradients]
    norm = length(gradients, wrong)
    long = (norm > max_norm) != ("clip-condition-inverted" in wrong)
    if not long and "clip-always-scaled" not in wrong:
        return gradients
    factors = {
        "clip-to-unit-norm": 1 / norm, "clip-factor-inverted": norm / max_norm, "clip-factor-without-norm": max_norm,
        "clip-divided-by-maximum": 1 / max_norm,
    }  # fmt: skip
    return [g * next((f for name, f in factors.items() if name in wrong), max_norm / norm) for g in gradients]


def sgd(weights: list[Array], gradients: list[Array], rate: float, max_norm: float, wrong: Wrong) -> list[Array]:
    """One step downhill."""
    if "clip-weights" in wrong:
        return [w - rate * g for w, g in zip(by_norm(weights, max_norm, wrong), gradients, strict=True)]
    step = 1.0 if "rate-ignored" in wrong else rate
    step = -step if "step-uphill" in wrong else step
    late = wrong & {"clip-after-step", "clip-new-weights", "clip-new-weights@threshold"}
    if "clip-after-rate" in wrong:
        moves = by_norm([step * g for g in gradients], max_norm, wrong)
    else:
        moves = [step * g for g in (gradients if late else by_norm(gradients, max_norm, wrong))]
    if "gradient-for-weights" in wrong:
        return [-move for move in moves]
    new = [w - move for w, move in zip(weights, moves, strict=True)]
    if "clip-new-weights@threshold" in wrong:
        return [np.clip(w, -max_norm, max_norm) for w in new]
    return by_norm(new, max_norm, frozenset()) if "clip-new-weights" in wrong else new


def draw(rng: np.random.Generator) -> list[Question]:
    """By threshold; by norm where it is too large, in all and in one array, and where it is not; steps with large and small gradients."""
    weights = [normal(rng, *shape) for shape in SHAPES]
    large, small, huge = (
        [normal(rng, *shape, scale=s) for shape, s in zip(SHAPES, scales, strict=True)]
        for scales in ((5.0, 0.5, 2.0), (0.3, 0.3, 0.3), (20.0, 2.0, 9.0))
    )
    # Each array by itself is shorter than the norm, all together are longer.
    together = [normal(rng, *shape, scale=s) for shape, s in zip(SHAPES, (0.6, 0.7, 0.8), strict=True)]
    longest = 1.1 * length(together, frozenset({"clip-norm-one-tensor@largest"}))
    return [
        question("clip by threshold", THRESHOLD, call("clip_by_threshold", large, 0.9), lambda w: by_threshold(large, 0.9, w)),
        question("clip by norm: gradients that are too large", NORM, call("clip_by_norm", large, 2.5), lambda w: by_norm(large, 2.5, w)),
        question("clip by norm: gradients that are small", NORM, call("clip_by_norm", small, 2.5), lambda w: by_norm(small, 2.5, w)),
        question(
            "clip by norm: too large together only", NORM, call("clip_by_norm", together, longest), lambda w: by_norm(together, longest, w)
        ),
        question(
            "a training step", STEP, call("sgd_step", weights, huge, 0.1, 1.5), lambda w: sgd(weights, huge, 0.1, 1.5, w)
        ),
        question(
            "a training step with small gradients", STEP, call("sgd_step", weights, small, 0.1, 1.5), lambda w: sgd(weights, small,
                0.1, 1.5, w)
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
