"""Texts that read the same: within a part, across parts, and with contradicting labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def same_as(texts: Sequence[str]) -> list[int]:
    """For each text the number of the first one that reads the same, capital letters and blanks aside (often its own)."""
    first: dict[str, int] = {}
    return [first.setdefault(" ".join(text.split()).casefold(), number) for number, text in enumerate(texts)]


@dataclass(frozen=True)
class Duplicates:
    """How many texts repeat others.

    Attributes:
        within: by part, texts that repeat an earlier one of the same part.
        of_train: for the validation and the test part, texts that the training part has too: they test memory.
        contradicting: texts that read the same as one with another label.
        examples: places of a few pairs across parts.
    """

    within: dict[str, int]
    of_train: dict[str, int]
    contradicting: int
    examples: tuple[tuple[str, str], ...]


def count_duplicates(
    texts: Sequence[str], labels: Sequence[int], parts: Sequence[str], places: Sequence[str]
) -> Duplicates:
    """Counts them, given for each text its label, part and place."""
    same = same_as(texts)
    within: dict[str, int] = dict.fromkeys(parts, 0)
    seen: dict[tuple[int, str], int] = {}
    for number, part in enumerate(parts):
        first = seen.setdefault((same[number], part), number)
        within[part] += first != number
    of_train = dict.fromkeys((part for part in within if part != "train"), 0)
    examples = []
    for number, part in enumerate(parts):
        learnt = seen.get((same[number], "train"))
        if part != "train" and learnt is not None:
            of_train[part] += 1
            examples.append((places[number], places[learnt]))
    by_text: dict[int, set[int]] = {}
    for number, label in enumerate(labels):
        by_text.setdefault(same[number], set()).add(label)
    contradicting = sum(len(by_text[first]) > 1 for first in same)
    return Duplicates(within, of_train, contradicting, tuple(examples[:3]))
