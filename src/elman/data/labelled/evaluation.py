"""Labelled texts to evaluate a trained model on: their classes must be the model's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from elman.data.labelled.corpus import refuse_settings_for_language
from elman.data.labelled.finding import find_rows
from elman.data.labelled.splits import LabelledTexts
from elman.data.settings import DataSettings
from elman.errors import DataError


def load_for_evaluation(settings: DataSettings, classes: Sequence[str]) -> tuple[LabelledTexts, tuple[str, ...]]:
    """All texts that the settings name (of the test part, where there are parts), labelled as the model's classes are.

    Args:
        settings: where the texts are.
        classes: the model's classes, in its order. The texts need not have all of them.

    Returns:
        The texts, and notes for the user.

    Raises:
        DataError: they can't be read, or one has a class that the model does not know; the message says which and where.
    """
    refuse_settings_for_language(settings)
    title, found = find_rows(settings)
    rows, notes = found.rows, list(found.notes)
    if any(row.part == "test" for row in rows):
        kept = [row for row in rows if row.part == "test"]
        if len(kept) < len(rows):
            notes.append(f"Of {len(rows):,} texts only the {len(kept):,} of the test part are looked at.")
        rows = kept
    if not rows:
        raise DataError(f"{title} has no texts: there is nothing to evaluate on")
    numbers = {name: number for number, name in enumerate(classes)}
    unknown = Counter(row.label for row in rows if row.label not in numbers)
    if unknown:
        first = next(row for row in rows if row.label in unknown)
        raise DataError(
            f"{first.place}: the class {first.label!r} is none of the model's ({', '.join(classes)}); "
            f"{sum(unknown.values()):,} of {len(rows):,} texts have such a class"
        )
    texts = LabelledTexts(
        texts=tuple(row.text for row in rows),
        labels=tuple(numbers[row.label] for row in rows),
        places=tuple(row.place for row in rows),
    )
    return texts, tuple(notes)
