"""The texts that all rows share, in the same parts: otherwise figures can't stand side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from elman.comparing.contestants import Contestant
from elman.data import DataSettings, LabelledCorpus, LabelledSplit, load_labelled, split_labelled
from elman.errors import DataError
from elman.reports.comparison.contents import Data

READING = ("source", "path", "kind", "text_column", "label_column", "header", "encoding", "classes", "strip")
"""Settings that say which texts there are."""
DIVIDING = ("validation", "test", "drop_duplicates")
"""Settings that say how they are divided."""


@dataclass(frozen=True)
class SharedData:
    """A corpus, and its parts by seed."""

    corpus: LabelledCorpus
    splits: dict[int, LabelledSplit]

    @property
    def one_split(self) -> bool:
        """Whether all parts are the same for every seed."""
        return len({_fingerprint(split) for split in self.splits.values()}) == 1

    def describe(self) -> Data:
        """For the reader."""
        first = next(iter(self.splits.values()))
        return Data(
            title=self.corpus.title,
            digest=self.corpus.digest,
            classes=self.corpus.classes,
            notes=(*self.corpus.notes, *first.notes),
            train=len(first.train),
            validation=len(first.validation),
            test=len(first.test),
            one_test_part=len({split.test.places for split in self.splits.values()}) == 1,
        )


def shared_data(rows: Sequence[Contestant]) -> SharedData:
    """Loads what the rows read, and divides it as they do.

    Raises:
        DataError: rows read different texts or divide them differently, or the data can't be read or has too few texts.
    """
    corpora: dict[str, LabelledCorpus] = {}
    for row in rows:
        if _key(row.recipe.data, READING) not in corpora:
            corpora[_key(row.recipe.data, READING)] = load_labelled(row.recipe.data)
    first, corpus = rows[0], corpora[_key(rows[0].recipe.data, READING)]
    splits: dict[tuple[str, int], LabelledSplit] = {}
    for row in rows:
        _refuse_other_texts(first, row, corpora)
        for seed, recipe in row.recipes.items():
            key = _key(recipe.data, DIVIDING), seed
            if key not in splits:
                splits[key] = split_labelled(corpus, recipe.data, seed)
    for row in rows:
        _refuse_other_parts(first, row, splits)
    parts = {seed: splits[_key(recipe.data, DIVIDING), seed] for row in rows for seed, recipe in row.recipes.items()}
    for name in ("validation", "test"):
        if not len(getattr(next(iter(parts.values())), name)):
            raise DataError(f"data.{name} is 0: a comparison needs a {name} part; set it to 0.1, for example")
    return SharedData(corpus, dict(sorted(parts.items())))


def _refuse_other_texts(first: Contestant, row: Contestant, corpora: dict[str, LabelledCorpus]) -> None:
    one, other = corpora[_key(first.recipe.data, READING)], corpora[_key(row.recipe.data, READING)]
    if one.digest != other.digest:
        titles = f"{one.title} and {other.title}" if one.title != other.title else f"different texts of {one.title}"
        raise DataError(f"{first.title} and {row.title} read {titles}: models are compared on the same texts only")


def _refuse_other_parts(first: Contestant, row: Contestant, splits: dict[tuple[str, int], LabelledSplit]) -> None:
    one, other = (
        {_fingerprint(splits[_key(recipe.data, DIVIDING), seed]) for seed, recipe in each.recipes.items()}
        for each in (first, row)
    )
    if one == other:
        return
    for name in DIVIDING:
        old, new = getattr(first.recipe.data, name), getattr(row.recipe.data, name)
        if old != new:
            raise DataError(
                f"{first.title} and {row.title} divide the texts differently (data.{name} is {old} and {new}): "
                "models are compared on the same parts only"
            )
    raise DataError(
        f"{first.title} has seed {_listed(first)}, {row.title} seed {_listed(row)}, and the seed draws the parts: "
        "train both with the same seeds"
    )


def _listed(row: Contestant) -> str:
    return ", ".join(str(seed) for seed in row.recipes)


def _key(settings: DataSettings, names: Sequence[str]) -> str:
    return repr([getattr(settings, name) for name in names])


def _fingerprint(split: LabelledSplit) -> str:
    digest = hashlib.sha256()
    for part in (split.train, split.validation, split.test):
        digest.update(repr(part.places).encode("utf-8", errors="surrogatepass"))
    return digest.hexdigest()
