"""What gives the answer away in labelled texts, measured on texts that were not learnt from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from elman.data.labelled import newsgroups
from elman.data.labelled.corpus import LabelledCorpus, load_labelled
from elman.data.labelled.evidence import Clue, WordEvidence, decided_by
from elman.data.labelled.splits import LabelledSplit
from elman.data.settings import DataSettings


@dataclass(frozen=True)
class Giveaways:
    """What gives the answer away.

    Attributes:
        measured_on: the part it was measured on, "test" or else "validation"; None where there is neither.
        majority: share that is right by always saying the class that training has most of.
        by_words: share that a naive Bayes over words gets right, by what it may see ("as it is"; newsgroups: with headers,
            headers alone, without them, ...).
        clues: single giveaways that decide.
        telling: for each class its most telling words, with their training texts of that class and of all.
    """

    measured_on: str | None
    majority: float
    by_words: dict[str, float]
    clues: tuple[Clue, ...]
    telling: dict[str, list[tuple[str, int, int]]]


def find_giveaways(corpus: LabelledCorpus, split: LabelledSplit, settings: DataSettings) -> Giveaways:
    """Measures them on the test part, or on the validation part where there is none."""
    number = len(corpus.classes)
    evidence = WordEvidence(split.train.texts, split.train.labels, number)
    telling = evidence.telling(corpus.classes)
    measured_on = next((name for name in ("test", "validation") if name in split.parts()), None)
    if measured_on is None:
        return Giveaways(None, math.nan, {}, (), telling)
    seen = split.parts()[measured_on]
    counts = split.train.counts(number)
    majority = seen.labels.count(counts.index(max(counts))) / len(seen)
    if settings.source == "newsgroups" and corpus.parts is not None:
        whole = corpus if not settings.strip else load_labelled(settings.model_copy(update={"strip": []}))
        train, test = _pairs(whole, "train"), _pairs(whole, "test")
        by_words = {name: _judged(train, test, look, number) for name, look in VIEWS.items()}
    else:
        train = list(zip(split.train.texts, split.train.labels, strict=True))
        test = list(zip(seen.texts, seen.labels, strict=True))
        by_words = {"as it is": evidence.accuracy(seen.texts, seen.labels)}
    clues = tuple(decided_by(name, read, train, test) for name, read in corpus.clues.items())
    return Giveaways(measured_on, majority, by_words, clues, telling)


VIEWS: dict[str, Callable[[str], str]] = {
    "with headers": lambda text: text,
    "headers alone": lambda text: newsgroups.parse(text).headers,
    "without headers": lambda text: newsgroups.strip(text, ["headers"]),
    "without headers, quotes and footers": lambda text: newsgroups.strip(text, ["headers", "quotes", "footers"]),
}
"""Newsgroups: what the judge of words may see of a post."""


def _pairs(corpus: LabelledCorpus, wanted: str) -> list[tuple[str, int]]:
    rows = zip(corpus.texts, corpus.labels, corpus.parts or (), strict=True)
    return [(text, label) for text, label, part in rows if part == wanted]


def _judged(
    train: list[tuple[str, int]], test: list[tuple[str, int]], look: Callable[[str], str], classes: int
) -> float:
    evidence = WordEvidence([look(text) for text, _ in train], [label for _, label in train], classes)
    return evidence.accuracy([look(text) for text, _ in test], [label for _, label in test])
