"""What is in labelled texts, as a value: for the terminal, for JSON, and for a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from elman.data.labelled.corpus import load_labelled
from elman.data.labelled.duplicates import Duplicates, count_duplicates
from elman.data.labelled.giveaways import Giveaways, find_giveaways
from elman.data.labelled.splits import LabelledSplit, LabelledTexts, split_labelled
from elman.data.progress import watched
from elman.data.settings import DataSettings
from elman.data.tokens import Tokeniser
from elman.errors import DataError


@dataclass(frozen=True)
class Lengths:
    """How long texts are, in words and marks, before anything is cut; `longest_place` says where the longest is."""

    shortest: int
    median: float
    mean: float
    ninety_percent: int
    ninety_nine_percent: int
    longest: int
    longest_place: str


@dataclass(frozen=True)
class PartReport:
    """One part: its texts by class, how long they are, and how many are empty."""

    texts: int
    by_class: dict[str, int]
    lengths: Lengths
    empty: int


@dataclass(frozen=True)
class LabelledReport:
    """Everything that `elman data` tells of labelled texts.

    Attributes:
        title: what they are.
        sha256: of their content.
        classes: names.
        imbalance: texts of the largest class for each one of the smallest, over all parts.
        parts: by name, "train" first.
        duplicates: texts that repeat others, within and across parts.
        giveaways: what gives the answer away.
        notes: sentences for the user.
    """

    title: str
    sha256: str
    classes: tuple[str, ...]
    imbalance: float
    parts: dict[str, PartReport]
    duplicates: Duplicates
    giveaways: Giveaways
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs: plain values; what could not be measured is null."""
        return {"kind": "labelled", **_plain(asdict(self))}


def report_labelled(settings: DataSettings, seed: int = 1) -> LabelledReport:
    """Reads, divides and describes what the settings ask for, as a training with this seed would have it.

    What can't be divided is described as a whole, and a note says why.

    Raises:
        DataError: as `load_labelled`.
    """
    corpus = load_labelled(settings)
    try:
        split = split_labelled(corpus, settings, seed)
    except DataError as error:
        whole = LabelledTexts(corpus.texts, corpus.labels, corpus.places)
        nothing = LabelledTexts((), (), ())
        split = LabelledSplit(whole, nothing, nothing, (f"This can't be divided for training: {error}.",))
    parts = split.parts()
    by_class = np.sum([part.counts(len(corpus.classes)) for part in parts.values()], axis=0)
    return LabelledReport(
        title=corpus.title,
        sha256=corpus.digest,
        classes=corpus.classes,
        imbalance=float(by_class.max() / max(by_class.min(), 1)),
        parts={name: _part(part, corpus.classes) for name, part in parts.items()},
        duplicates=_duplicates(parts),
        giveaways=find_giveaways(corpus, split, settings),
        notes=(*corpus.notes, *split.notes),
    )


def _part(part: LabelledTexts, classes: Sequence[str]) -> PartReport:
    words = Tokeniser("words")
    texts = watched(part.texts, "counting words (texts)", len(part))
    lengths = np.array([len(words.tokens(text)) for text in texts])
    ninety, ninety_nine = np.percentile(lengths, [90, 99], method="higher")
    return PartReport(
        texts=len(part),
        by_class=dict(zip(classes, part.counts(len(classes)), strict=True)),
        lengths=Lengths(
            shortest=int(lengths.min()),
            median=float(np.median(lengths)),
            mean=float(lengths.mean()),
            ninety_percent=int(ninety),
            ninety_nine_percent=int(ninety_nine),
            longest=int(lengths.max()),
            longest_place=part.places[int(lengths.argmax())],
        ),
        empty=sum(not text.strip() for text in part.texts),
    )


def _duplicates(parts: dict[str, LabelledTexts]) -> Duplicates:
    return count_duplicates(
        texts=[text for part in parts.values() for text in part.texts],
        labels=[label for part in parts.values() for label in part.labels],
        parts=[name for name, part in parts.items() for _ in part.texts],
        places=[place for part in parts.values() for place in part.places],
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
