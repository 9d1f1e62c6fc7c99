"""Word vectors that somebody trained before, such as GloVe, for the words of a vocabulary.

Source: Pennington, Socher and Manning, GloVe: Global Vectors for Word Representation, EMNLP 2014;
https://nlp.stanford.edu/projects/glove/ (glove.6B.zip; Public Domain Dedication and License).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from elman.data.downloading import cache_folder
from elman.data.locating import nothing_there, readable
from elman.data.vector_files import VectorLine, read_vectors
from elman.data.vocabulary import UNKNOWN, Vocabulary
from elman.errors import DataError, InputError


@dataclass(frozen=True)
class WordVectors:
    """Vectors for a vocabulary.

    Attributes:
        table: `[V, D]` float32; a row of zeros for a word that was not found.
        found: `[V]` bool, which rows are vectors.
        share: of the vocabulary's words that were found.
        notes: sentences for the user: the share that was found, duplicates.
    """

    table: Tensor
    found: Tensor
    share: float
    notes: tuple[str, ...]

    @property
    def dimension(self) -> int:
        """D, how many numbers a vector has."""
        return self.table.shape[1]

    @property
    def deviation(self) -> float:
        """Standard deviation of the numbers in all vectors."""
        return float(self.table[self.found].std())

    def share_of(self, counts: Tensor) -> float:
        """Share of running words that were found, given how often each number comes (`TextBatches.counts`)."""
        real = counts.clone()
        real[Vocabulary.BOUNDARY] = 0
        return float(real[self.found].sum() / real.sum().clamp(min=1))

    @torch.no_grad()
    def copy_into(self, weight: Tensor) -> None:
        """Puts the vectors into an embedding's weight `[V, D]`; rows of words that were not found stay as they are.

        Raises:
            InputError: the weight has another size; the message says what to set.
        """
        if tuple(weight.shape) != tuple(self.table.shape):
            symbols, size = weight.shape
            what = (
                f"the word vectors have {self.dimension} numbers each, the embedding {size}: set its size to {self.dimension}"
                if symbols == len(self.table)
                else f"the word vectors are for {len(self.table):,} symbols, the embedding has {symbols:,}"
            )
            raise InputError(what)
        weight[self.found] = self.table[self.found].to(weight.dtype)


def find_vectors(name: str, dimension: int) -> Path:
    """The file of word vectors that a recipe means: a path, or for "glove" what lies in the folder glove of one's data.

    Of several files there, the one whose name tells the dimension, as `glove.6B.100d.txt` does; an archive has them all.

    Raises:
        DataError: nothing is there; the message says what to put where.
    """
    if name != "glove":
        return Path(name)
    folders = [Path(root) / "glove" for root in (os.environ.get("ELMAN_DATA"), cache_folder()) if root]
    for folder in folders:
        files = sorted(f for f in folder.glob("*") if f.suffix in (".zip", ".txt", ".json")) if folder.is_dir() else []
        if files:
            return min(
                files, key=lambda file: (f"{dimension}d" not in re.split(r"[.\-_]", file.name), file.suffix != ".zip")
            )
    raise DataError(
        f"there are no GloVe vectors: put glove.6B.zip of https://nlp.stanford.edu/projects/glove/ into {folders[0]}, or name a "
        "file with model.vectors"
    )


def load_vectors(path: str | Path, vocabulary: Vocabulary, dimension: int | None = None) -> WordVectors:
    """Vectors for a vocabulary's words out of a file: GloVe's .txt, its .zip, or JSON `{"word": [numbers]}`.

    A word that is not in the file gets the vector of its form in small letters, if that is there.

    Args:
        path: the file.
        vocabulary: of words.
        dimension: how many numbers a vector must have; chooses among the files of a .zip. None: as the file has.

    Raises:
        InputError: the vocabulary is not of words.
        DataError: the file can't be read, a line is broken, the dimension is another one, or it has none of the words.
    """
    if vocabulary.units != "words":
        raise InputError(f"word vectors need words; this vocabulary is of {vocabulary.units}")
    with readable(str(path)) as file:
        if not file.is_file():
            raise nothing_there(file)
        found, size, twice = _collect(file, read_vectors(file, dimension), vocabulary.symbols, dimension)
    table, known = torch.zeros(vocabulary.size, size), torch.zeros(vocabulary.size, dtype=torch.bool)
    in_small = 0
    for number, word in enumerate(vocabulary.symbols):
        vector = found.get(word)
        if vector is None and (vector := found.get(word.lower())) is not None:
            in_small += 1
        if vector is not None and word not in ("", UNKNOWN):
            table[number], known[number] = torch.tensor(vector), True
    words = sum(word not in ("", UNKNOWN) for word in vocabulary.symbols)
    if not known.any():
        raise DataError(
            f"{file} has none of the {words:,} words of the vocabulary, such as {_some(vocabulary.symbols)}: is it of another "
            "language?"
        )
    share = int(known.sum()) / words
    notes = [f"{int(known.sum()):,} of {words:,} words ({share:.1%}) have a vector in {file.name}."]
    if in_small:
        notes.append(f"{in_small:,} of them by their form in small letters (data.lower = true reads all words so).")
    if twice:
        notes.append(f"{file.name} has {twice:,} of the words more than once: the first vector counts.")
    return WordVectors(table, known, share, tuple(notes))


def _collect(
    file: Path, lines: Iterable[VectorLine], words: Sequence[str], dimension: int | None
) -> tuple[dict[str, list[float]], int, int]:
    """The vectors of the words and of their forms in small letters, their dimension, and how many came twice."""
    wanted = {form for word in words if word not in ("", UNKNOWN) for form in (word, word.lower())}
    found: dict[str, list[float]] = {}
    size, twice = 0, 0
    for place, word, numbers in lines:
        size = size or len(numbers)
        if len(numbers) != size:
            raise DataError(
                f"{file}, {place}: {word[:40]!r} has {len(numbers)} numbers, the first word {size}: the file is broken there"
            )
        if dimension is not None and size != dimension:
            raise DataError(f"{file} has vectors of {size} numbers, not {dimension}: give the file with {dimension}")
        if word in found:
            twice += 1
        elif word in wanted:
            found[word] = _as_numbers(numbers, f"{file}, {place}", word)
    if not size:
        raise DataError(f"{file} has no word vectors")
    return found, size, twice


def _as_numbers(numbers: Sequence[object], where: str, word: str) -> list[float]:
    try:
        vector = [float(number) for number in numbers]  # type: ignore[arg-type]
        if all(map(math.isfinite, vector)):
            return vector
    except (TypeError, ValueError, OverflowError):
        pass
    raise DataError(f"{where}: what follows {word[:40]!r} is not all finite numbers: the file is broken there")


def _some(symbols: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in symbols if word not in ("", UNKNOWN))[:60]
