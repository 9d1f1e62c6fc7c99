"""How well the model fits its data: by heart, hardly at all, with too many parameters, or without its rare classes.

For the thresholds see `elman.coaching.course`.
"""

from __future__ import annotations

from elman.coaching import options
from elman.coaching.evidence import Evidence
from elman.coaching.finding import Finding

RISEN = 0.1
"""Of the chance level, from the best validation loss to the last: up to 0.08 in healthy trainings, 0.28 and more in overfitted ones."""
GAP = 0.5
"""Of the chance level, between the last training and validation losses: 0.03 to 0.30 in healthy trainings; 0.55 and more where texts
were learned by heart."""
HIGH = 0.85
"""Of the chance level: a model that has learned something ends below 0.7, one with a single unit at 0.9 and more."""
RESTING = 0.02
"""Of the chance level: a loss that falls by less in the last quarter of the epochs has come to rest."""
FELL = 0.5
"""Share of its first value below which a schedule has brought the rate: then any loss comes to rest, however much there is to learn."""
PER_TOKEN = 5.0
"""Parameters for each token of the training part. A healthy bidirectional LSTM had 11, so this counts only beside overfitting."""
NEGLECTED = 1 / 3
"""A class that is predicted less than a third as often as it comes is being sacrificed."""
RARE = 0.5
"""A class with less than half of the mean number of examples is rare."""
FEW = 5
"""Below so many examples of a class in the validation part nothing can be said of it."""


def overfitting(e: Evidence) -> Finding | None:
    """The validation loss rises again, or the training loss has left it far behind."""
    losses, validation = e.training_losses, e.validation_losses
    if len(validation) < 2 or not losses or not e.chance:
        return None
    best = min(range(len(validation)), key=validation.__getitem__)
    risen, gap = validation[-1] - validation[best], validation[-1] - losses[-1]
    if risen > RISEN * e.chance and gap > 0:
        figure = f"validation loss {validation[best]:.3g} in epoch {best + 1}, {validation[-1]:.3g} at the end; training {losses[-1]:.3g}"
    elif gap > GAP * e.chance:
        figure = f"training loss {losses[-1]:.3g}, validation {validation[-1]:.3g} at the end"
    else:
        return None
    return Finding(
        symptom="overfitting",
        sentence="The model learns its training texts by heart: what it gains there does not hold for others. "
        "(The best epoch's weights are kept.)",
        figure=figure,
        option=options.against_overfitting(e),
        severity="notable",
    )


def underfitting(e: Evidence) -> Finding | None:
    """The training loss has come to rest far up."""
    losses, validation = e.training_losses, e.validation_losses
    if len(losses) < 4 or not e.chance:
        return None
    quarter = max(1, len(losses) // 4)
    fall = losses[-1 - quarter] - losses[-1]
    if losses[-1] < HIGH * e.chance or fall > RESTING * e.chance:
        return None
    if validation and validation[-1] - losses[-1] > RISEN * e.chance:
        return None
    lowered = (e.epochs[-1].rate or e.training.rate) < FELL * e.training.rate
    return Finding(
        symptom="underfitting",
        sentence="The training loss has come to rest near that of guessing: "
        + (
            "the rate fell before much was learned."
            if lowered
            else "the model is too small for what there is to learn."
        ),
        figure=f"training loss {losses[-1]:.3g}; guessing by frequency has {e.chance:.3g}",
        option=options.rate(e, 3) if lowered else options.larger(e),
        severity="notable",
    )


def too_many_parameters(e: Evidence) -> Finding | None:
    """Many parameters for each token, and they are used to learn by heart."""
    if e.tokens <= 0 or e.parameters <= PER_TOKEN * e.tokens or overfitting(e) is None:
        return None
    return Finding(
        symptom="too many parameters for the data",
        sentence="There are so many parameters for each token of the training part that the texts can be stored in them.",
        figure=f"{e.parameters:,} parameters, {e.tokens:,} tokens: {e.parameters / e.tokens:.0f} for each",
        option=options.smaller(e),
        severity="notable",
    )


def class_imbalance_ignored(e: Evidence) -> Finding | None:
    """A rare class is hardly ever predicted."""
    if e.classes is None or e.predicted is None or not sum(e.classes):
        return None
    there = [n for n in e.classes if n > 0]
    rare = [
        (said / n, k, n, said)
        for k, (n, said) in enumerate(zip(e.classes, e.predicted, strict=False))
        if n >= FEW and n < RARE * sum(there) / len(there) and said < NEGLECTED * n
    ]
    if not rare:
        return None
    _, k, n, said = min(rare)
    total = sum(e.classes)
    return Finding(
        symptom="class imbalance ignored",
        sentence="A rare class is hardly ever predicted: leaving it out costs little loss. "
        "Read the recall of each class, not the accuracy.",
        figure=f"{e.name_of(k)} is {n} of {total} validation texts ({n / total:.0%}) and was predicted {said} times",
        option=None if e.training.balance_classes else "training.balance_classes=true",
        severity="notable",
    )
