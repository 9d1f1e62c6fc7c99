"""Gradients: too large, lost on the way, or not numbers at all. For the thresholds see `elman.coaching.course`."""

from __future__ import annotations

from elman.coaching import options
from elman.coaching.evidence import Evidence
from elman.coaching.finding import Finding

EXPLODED = 1e3
"""Norm of the gradient: healthy models have medians below 10 and maxima below 50, exploding ones 10,000 and more."""
SPIKE, TALL = 100.0, 50.0
"""A largest norm that is this many times the median, and larger than this, is a spike that throws the weights away."""
OFTEN = 0.5
"""Share of the steps of an epoch that clipping may shorten; more, and it decides on every step."""
VANISHED = 1e-6
"""dL/dh at the first step over that at the last: float32 keeps seven digits, so what the first step says is lost beside the last."""


def exploding_gradient(e: Evidence) -> Finding | None:
    """The gradient's norm is huge, or jumps; where clipping holds it, only if it has to at most steps."""
    norms = [(row.gradient_norm.max, row.gradient_norm.median, row.epoch) for row in e.epochs if row.gradient_norm]
    largest, middle, epoch = max(norms, default=(0.0, 0.0, 0))
    if not (largest > EXPLODED or (largest > TALL and largest > SPIKE * middle)):
        return None
    clipping = options.clips(e)
    if clipping and _clipped_share(e) <= OFTEN:
        return None
    return Finding(
        symptom="exploding gradient",
        sentence="The gradient grows on its way back through the steps; one such step throws the weights far away."
        + (" Clipping shortens most steps, so it sets their length." if clipping else ""),
        figure=f"norm of the gradient in epoch {epoch}: median {middle:.3g}, largest {largest:.3g}",
        option=options.against_explosion(e),
        severity="notable" if clipping else "serious",
    )


def vanishing_gradient(e: Evidence) -> Finding | None:
    """The loss says nothing to the first steps."""
    if e.probe is None or e.probe.carried is None or e.probe.carried >= VANISHED:
        return None
    return Finding(
        symptom="vanishing gradient",
        sentence="The gradient fades on its way back through the steps: "
        "the model can't learn what the beginning of a text has to do with the answer.",
        figure=f"dL/dh at the first step is {e.probe.carried:.0e} times that at the last, {e.probe.steps} steps later",
        option=options.longer_memory(e, e.probe.steps),
        severity="notable",
    )


def refused_steps(e: Evidence) -> Finding | None:
    """A loss or gradient was NaN or infinite."""
    if not e.refused:
        return None
    first = e.refused[0]
    count = len(e.refused)
    return Finding(
        symptom="steps refused",
        sentence="Numbers became NaN or infinite; those steps were not applied, so their texts taught nothing.",
        figure=f"{count} step{'s' if count > 1 else ''}; the first: step {first.step}, where the {first.tensor} was {first.value}",
        option=options.rate(e, 0.1) if options.clips(e) else "training.clip_norm=1",
        severity="serious",
    )


def _clipped_share(e: Evidence) -> float:
    """Of the last epoch's steps."""
    ends = [0, *(row.step for row in e.epochs)]
    steps = ends[-1] - ends[-2] if len(ends) > 1 else 0
    return e.epochs[-1].clipped / steps if steps > 0 else 0.0
