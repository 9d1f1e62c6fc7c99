"""How the loss went from epoch to epoch: a rate too high or too low, and a training that was stopped while it still learned.

Losses are compared with the chance level, so that a difference means the same for two classes and for ten thousand words. The
thresholds were measured on small models that were given the illness on purpose, and on healthy ones (tests/coaching).
"""

from __future__ import annotations

from itertools import pairwise

from elman.coaching import options
from elman.coaching.evidence import Evidence
from elman.coaching.finding import Finding

RISE = 0.1
"""Of the chance level, from one epoch to the next: healthy trainings rose by less than a third of that, those with a rate 50 times
too high by three times as much."""
WORSE = 2.0
"""Times the chance level: untrained models begin at up to 1.5 times it, and end below it unless steps throw them about."""
SLOW = 0.1
"""Share of its first value by which a training loss falls at least: a rate a hundred times too low brought 5 % and less, all
healthy trainings 35 % and more."""
EVEN = 0.15
"""Share of the whole fall that the second half of the epochs brings while a loss still falls evenly (an even fall: 0.5, with the cosine
schedule 0.18); one that has come to rest brings less."""
STILL_FALLING = 0.01
"""Of the chance level, over the last tenth of the epochs: healthy trainings that were done moved by 0.003."""


def rate_too_high(e: Evidence) -> Finding | None:
    """The training loss jumps up, or ends far above chance."""
    losses, scale = e.training_losses, _scale(e)
    if not losses or scale is None:
        return None
    rises = [(b - a, k) for k, (a, b) in enumerate(pairwise(losses), 1)]
    rise, k = max(rises, default=(0.0, 0))
    if rise > RISE * scale:
        figure = f"training loss {losses[k - 1]:.3g} in epoch {k}, {losses[k]:.3g} in epoch {k + 1}"
    elif e.chance is not None and losses[-1] > WORSE * e.chance:
        figure = f"training loss {losses[-1]:.3g} at the end; guessing by frequency has {e.chance:.3g}"
    else:
        return None
    return Finding(
        symptom="rate too high",
        sentence="The steps are so long that they jump over the minimum: the training loss rises where it should fall.",
        figure=figure,
        option=options.rate(e, 0.1),
        severity="serious" if losses[-1] > (e.chance or losses[0]) else "notable",
    )


def rate_too_low(e: Evidence) -> Finding | None:
    """The training loss has hardly moved, and falls on evenly."""
    losses, validation = e.training_losses, e.validation_losses
    if len(losses) < 3 or losses[0] <= 0:
        return None
    fall = losses[0] - losses[-1]
    late = losses[len(losses) // 2] - losses[-1]
    if not 0 < fall < SLOW * losses[0] or late < EVEN * fall:
        return None
    if validation and validation[-1] > min(validation):
        return None
    return Finding(
        symptom="rate too low",
        sentence="The training loss falls evenly but hardly at all: the steps are too short to get anywhere in this time.",
        figure=f"training loss from {losses[0]:.4g} to {losses[-1]:.4g} in {len(losses)} epochs, {fall / losses[0]:.1%} of it",
        option=options.rate(e, 10),
        severity="serious",
    )


def stopped_too_early(e: Evidence) -> Finding | None:
    """The validation loss was still falling."""
    losses, scale = e.validation_losses, _scale(e)
    back = max(1, len(losses) // 10)
    if len(losses) <= back or scale is None or losses[-1] > min(losses):
        return None
    before = min(losses[:-back])
    gain = before - losses[-1]
    if gain <= STILL_FALLING * scale:
        return None
    return Finding(
        symptom="stopped too early",
        sentence="The model was still getting better when the training ended.",
        figure=f"validation loss from {before:.4g} to {losses[-1]:.4g} in the last {_epochs(back)}",
        option=options.epochs(e),
        severity="slight",
    )


def _scale(e: Evidence) -> float | None:
    """What differences of losses are compared with: the chance level, or where the loss began."""
    first = e.training_losses[:1] or e.validation_losses[:1]
    return e.chance or (first[0] if first and first[0] > 0 else None)


def _epochs(count: int) -> str:
    return "epoch" if count == 1 else f"{count} epochs"
