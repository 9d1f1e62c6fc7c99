"""Dividing a corpus: a part to learn from, a part that says when to stop, and a part that is looked at once."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import torch

from elman.data.corpus import Corpus
from elman.data.settings import DataSettings
from elman.errors import DataError
from elman.randomness import named_generator


@dataclass(frozen=True)
class Part:
    """Some lines of a corpus with their labels, or a stretch of its text."""

    lines: tuple[str, ...]
    labels: tuple[int, ...] | None
    text: str


@dataclass(frozen=True)
class Split:
    """The three parts. One whose share is 0 is empty."""

    train: Part
    validation: Part
    test: Part


def split(corpus: Corpus, settings: DataSettings, seed: int) -> Split:
    """Lines are drawn by seed, and identical lines always land in the same part; running text is cut in order.

    Raises `DataError` if there is too little to give every part something.
    """
    return _split_lines(corpus, settings, seed) if corpus.kind == "lines" else _split_text(corpus, settings)


def _split_lines(corpus: Corpus, settings: DataSettings, seed: int) -> Split:
    distinct = list(dict.fromkeys(corpus.lines))
    validation, test = (share(fraction, len(distinct)) for fraction in (settings.validation, settings.test))
    if validation + test >= len(distinct):
        raise DataError(
            f"{corpus.title} has {len(distinct)} different line{'s' * (len(distinct) > 1)}: too few to divide into "
            'training, validation and test (data.kind = "continuous" reads it as running text)'
        )
    order = torch.randperm(len(distinct), generator=named_generator(seed, "split")).tolist()
    drawn = [distinct[place] for place in order]
    in_test, in_validation = set(drawn[:test]), set(drawn[test : test + validation])
    return Split(
        train=_part(corpus, set(drawn[test + validation :])),
        validation=_part(corpus, in_validation),
        test=_part(corpus, in_test),
    )


def share(fraction: float, count: int) -> int:
    """That fraction of a count, at least one unless nothing is wanted."""
    return max(1, round(fraction * count)) if fraction > 0 else 0


def _part(corpus: Corpus, chosen: Collection[str]) -> Part:
    places = [place for place, line in enumerate(corpus.lines) if line in chosen]
    labels = None if corpus.labels is None else tuple(corpus.labels[place] for place in places)
    return Part(lines=tuple(corpus.lines[place] for place in places), labels=labels, text="")


def _split_text(corpus: Corpus, settings: DataSettings) -> Split:
    text = corpus.text
    middle, last = (
        _after_blank(text, cut) if settings.units == "words" else cut
        for cut in (_cut(text, settings.validation + settings.test), _cut(text, settings.test))
    )
    parts = text[:middle], text[middle:last], text[last:]
    for part, share in zip(parts, (1.0, settings.validation, settings.test), strict=True):
        if share > 0 and len(part) < 2:
            raise DataError(
                f"{corpus.title} has {len(text):,} characters: too few to divide into training, validation and test"
            )
    train, validation, test = (Part(lines=(), labels=None, text=part) for part in parts)
    return Split(train=train, validation=validation, test=test)


def _cut(text: str, share_behind: float) -> int:
    return len(text) - round(share_behind * len(text))


def _after_blank(text: str, position: int) -> int:
    """The next place behind a blank or line end (or the end), so that no word is cut in two."""
    blank = re.compile(r"\s").search(text, position)
    return blank.end() if blank else len(text)
