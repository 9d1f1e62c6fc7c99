"""From what the attempts measured to a row: means, and intervals that say what they are over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from elman.comparing.run_files import Finished
from elman.comparing.statistics import over_seeds, over_texts
from elman.reports.comparison.contents import Attempt, Estimate, Mistake, Row
from elman.training.scores import ClassScore

MOST = 10
"""Mistakes that are kept."""


def summarise(title: str, kind: Literal["model", "baseline"], about: str, attempts: Sequence[Attempt]) -> Row:
    """A row of the table."""
    validated = [a.validation for a in attempts if a.validation is not None]
    shuffled = [a.shuffled for a in attempts if a.shuffled is not None]
    lost = [a.test.accuracy - a.shuffled.accuracy for a in attempts if a.shuffled is not None]
    return Row(
        title=title,
        kind=kind,
        about=about,
        attempts=tuple(attempts),
        train_loss=over_seeds([a.train.per_text for a in attempts], within=(0, float("inf"))),
        test_loss=over_seeds([a.test.per_text for a in attempts], within=(0, float("inf"))),
        accuracy=_accuracy([a.test for a in attempts]),
        seconds=over_seeds([a.seconds for a in attempts], within=(0, float("inf"))),
        epochs=_known([a.epochs for a in attempts]),
        parameters=attempts[0].parameters,
        tokens_per_second=_known([a.tokens_per_second for a in attempts]),
        validation_accuracy=_accuracy(validated) if validated else None,
        shuffled=_accuracy(shuffled) if shuffled else None,
        lost=over_seeds(lost, within=(-1, 1)) if len(lost) == len(attempts) else None,
        claimed=_known([a.claimed for a in attempts]),
    )


def confusion(attempts: Sequence[Finished], classes: int) -> tuple[tuple[int, ...], ...]:
    """How many texts of each class (rows) got each answer (columns), all attempts together."""
    counts = [[0] * classes for _ in range(classes)]
    for finished in attempts:
        for label, answer in zip(finished.labels, finished.predicted, strict=True):
            counts[label][answer] += 1
    return tuple(tuple(row) for row in counts)


def mistakes(attempts: Sequence[Finished]) -> tuple[Mistake, ...]:
    """The surest wrong answers, each text once: first those that most attempts got wrong."""
    by_place: dict[str, list[dict[str, Any]]] = {}
    for finished in attempts:
        for mistake in finished.mistakes:
            by_place.setdefault(mistake["place"], []).append(mistake)
    surest = [
        Mistake(**max(same, key=lambda mistake: float(mistake["probability"])), wrong=len(same))
        for same in by_place.values()
    ]
    return tuple(sorted(surest, key=lambda mistake: (-mistake.wrong, -mistake.probability))[:MOST])


def _accuracy(scores: Sequence[ClassScore]) -> Estimate:
    """Over seeds; of one alone, over its texts."""
    if len(scores) == 1:
        return over_texts(scores[0].correct, scores[0].count)
    return over_seeds([score.accuracy for score in scores], within=(0, 1))


def _known(values: Sequence[float | None]) -> Estimate | None:
    known = [value for value in values if value is not None]
    return over_seeds(known) if len(known) == len(values) else None
