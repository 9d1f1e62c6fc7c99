"""Dividing labelled texts: the parts their publisher made, or parts with the same share of each class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from elman.data.labelled.corpus import LabelledCorpus
from elman.data.labelled.duplicates import same_as
from elman.data.settings import DataSettings
from elman.data.splits import share
from elman.errors import DataError
from elman.randomness import named_generator


@dataclass(frozen=True)
class LabelledTexts:
    """Some texts of a corpus: raw, with the index of each one's class and where it stands."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    places: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def counts(self, classes: int) -> list[int]:
        """How many texts there are of each of so many classes."""
        return torch.bincount(torch.tensor(self.labels, dtype=torch.int64), minlength=classes).tolist()


@dataclass(frozen=True)
class LabelledSplit:
    """The three parts; one whose share is 0 is empty. `notes` are sentences for the user."""

    train: LabelledTexts
    validation: LabelledTexts
    test: LabelledTexts
    notes: tuple[str, ...] = ()

    def parts(self) -> dict[str, LabelledTexts]:
        """The parts that are not empty, by name."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if part.texts}


def split_labelled(corpus: LabelledCorpus, settings: DataSettings, seed: int) -> LabelledSplit:
    """Official parts stay as they are; what is missing is drawn from the training texts, class by class, by seed.

    Texts that read the same are drawn together, so what is drawn has no duplicates across parts. Those across official parts
    are reported, or left out of the training part where `drop_duplicates` says so.

    Raises:
        DataError: there is no training part, or too few texts to give every part something.
    """
    official: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for number, part in enumerate(corpus.parts or ("train",) * len(corpus.texts)):
        official[part].append(number)
    if not official["train"]:
        raise DataError(f"{corpus.title} has no training part: there is nothing to learn from")
    wanted = {
        name: 0.0 if official[name] else getattr(settings, name)
        for name in ("validation", "test")
    }  # fmt: skip
    same = same_as(corpus.texts)
    drawn = _draw(corpus, official["train"], same, wanted, seed)
    for name, fraction in wanted.items():
        if fraction > 0 and not drawn[name]:
            raise DataError(
                f"{corpus.title} has {len(official['train'])} texts to divide: too few for a {name} part of "
                f"{fraction:.0%} (data.{name})"
            )
    numbers = {"train": drawn["train"], **{name: official[name] or drawn[name] for name in wanted}}
    notes = list(_notes(corpus, official, wanted))
    numbers["train"], note = _without_duplicates(numbers, same, drop=settings.drop_duplicates)
    parts = {name: _texts(corpus, chosen) for name, chosen in numbers.items()}
    notes += [*note, *_unlearnt(corpus, parts)]
    return LabelledSplit(parts["train"], parts["validation"], parts["test"], tuple(notes))


def _draw(
    corpus: LabelledCorpus, train: Sequence[int], same: Sequence[int], wanted: dict[str, float], seed: int
) -> dict[str, list[int]]:
    """Numbers of texts by part. Of each class: first the test part, then validation; at least one text stays to learn from."""
    groups: dict[int, list[int]] = {}
    for number in train:
        groups.setdefault(same[number], []).append(number)
    generator = named_generator(seed, "split")
    drawn: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
    for label in range(len(corpus.classes)):
        own = [group for group in groups.values() if corpus.labels[group[0]] == label]
        order = [own[place] for place in torch.randperm(len(own), generator=generator).tolist()]
        for name in ("test", "validation"):
            count = min(share(wanted[name], len(own)), max(len(order) - 1, 0))
            drawn[name] += [number for group in order[:count] for number in group]
            order = order[count:]
        drawn["train"] += [number for group in order for number in group]
    return {name: sorted(numbers) for name, numbers in drawn.items()}


def _without_duplicates(
    numbers: dict[str, list[int]], same: Sequence[int], *, drop: bool
) -> tuple[list[int], list[str]]:
    """The training texts, without those that other parts have too if that is wanted; and what to say of it."""
    others = {same[number] for name in ("validation", "test") for number in numbers[name]}
    repeated = [number for number in numbers["train"] if same[number] in others]
    if not repeated:
        return numbers["train"], []
    total = len(numbers["train"])
    if not drop:
        note = (
            f"{len(repeated):,} of {total:,} training texts are in the validation or test part too, word for word: they "
            "test memory (data.drop_duplicates = true leaves them out of training)."
        )
        return numbers["train"], [note]
    kept = [number for number in numbers["train"] if same[number] not in others]
    if not kept:
        raise DataError("every training text is in the validation or test part too: nothing is left to learn from")
    note = f"Left out: {len(repeated):,} of {total:,} training texts, because the validation or test part has them too."
    return kept, [note]


def _notes(corpus: LabelledCorpus, official: dict[str, list[int]], wanted: dict[str, float]) -> Iterable[str]:
    if corpus.parts is None:
        return
    own = [name for name in ("train", "validation", "test") if official[name]]
    drawn = [f"{name} ({fraction:.0%})" for name, fraction in wanted.items() if fraction > 0]
    cut = f"; cut from its training part: {' and '.join(drawn)}" if drawn else ""
    yield f"Parts as published: {', '.join(own)}{cut}."


def _unlearnt(corpus: LabelledCorpus, parts: dict[str, LabelledTexts]) -> Iterable[str]:
    learnt = set(parts["train"].labels)
    for number, name in enumerate(corpus.classes):
        if number not in learnt and any(number in part.labels for part in parts.values()):
            yield f"No training text is of the class {name}, so it can't be learnt."
        elif number in learnt and parts["test"].texts and number not in parts["test"].labels:
            yield f"No test text is of the class {name}, so nothing tells how well it was learnt."


def _texts(corpus: LabelledCorpus, numbers: Sequence[int]) -> LabelledTexts:
    return LabelledTexts(
        texts=tuple(corpus.texts[number] for number in numbers),
        labels=tuple(corpus.labels[number] for number in numbers),
        places=tuple(corpus.places[number] for number in numbers),
    )
