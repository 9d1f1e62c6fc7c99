"""A text as a bag of words: which words, or runs of words, it has, without their order. scikit-learn counts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from elman.data.progress import watched
from elman.data.settings import DataSettings
from elman.data.tokens import Tokeniser
from elman.errors import DataError, FolderError

Kind = Literal["binary", "counts", "tf-idf"]
LARGEST_IDF = 1000.0


@dataclass(frozen=True)
class Features:
    """The features of texts, and what each counts in a text that has it n times.

        binary: 1;  counts: n;  tf-idf: n (ln((1 + N) / (1 + N_w)) + 1), N training texts, N_w of them with it

    Attributes:
        tokeniser: how a text becomes words.
        kind: what a feature counts.
        ngrams: so many words in a row, at most, are one feature.
        normalise: each text's features are divided by the square root of the sum of their squares.
        terms: the words, and words in a row joined by a space, by number.
        idf: the factor of each for tf-idf; empty otherwise.
        notes: sentences for the user, about what was left out.

    Source: Spärck Jones 1972 (idf); the form is scikit-learn's.
    """

    tokeniser: Tokeniser
    kind: Kind
    ngrams: int
    normalise: bool
    terms: tuple[str, ...]
    idf: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of_texts(
        cls,
        texts: Sequence[str],
        settings: DataSettings,
        *,
        kind: Kind = "binary",
        ngrams: int = 1,
        normalise: bool = False,
        min_texts: int = 1,
        keep_percentiles: Sequence[float] = (0.0, 100.0),
    ) -> Features:
        """The features that the training texts have, from the most frequent down.

        Args:
            texts: of the training part only; what other texts have beyond that is not seen.
            settings: how they are read; `max_symbols` of the features are kept at most.
            kind: as the attribute.
            ngrams: as the attribute.
            normalise: as the attribute.
            min_texts: features that fewer texts have are left out.
            keep_percentiles: so are those whose count over all texts is below the first or above the second percentile of all counts.

        Raises:
            DataError: no feature is left.
        """
        from sklearn.feature_extraction.text import TfidfTransformer

        tokeniser = Tokeniser.of(settings)
        counts, terms = _count(texts, tokeniser, ngrams)
        totals, having = np.asarray(counts.sum(0)).ravel(), np.asarray((counts > 0).sum(0)).ravel()
        low, high = np.percentile(totals, keep_percentiles) if len(totals) else (0, 0)
        kept = np.flatnonzero((having >= min_texts) & (totals >= low) & (totals <= high))
        kept = np.array(sorted(kept, key=lambda k: (-totals[k], terms[k]))[: settings.max_symbols], dtype=int)
        if not len(kept):
            raise DataError(
                f"no {settings.units} are left of {len(terms):,} as features: lower model.min_texts, or widen model.keep_percentiles"
                if terms
                else f"the training part has no {settings.units} at all: every text is empty"
            )
        idf = TfidfTransformer().fit(counts[:, kept]).idf_.tolist() if kind == "tf-idf" else []
        left = len(terms) - len(kept)
        notes = (f"{len(kept):,} features of {len(terms):,} in the training texts; {left:,} left out.",) if left else ()
        return cls(tokeniser, kind, ngrams, normalise, tuple(terms[k] for k in kept), tuple(idf), notes)

    @classmethod
    def of_words(cls, words: Sequence[str], texts: Sequence[str], tokeniser: Tokeniser) -> Features:
        """The tf-idf of these words, with the factors that they have in these texts; each text of length 1."""
        from sklearn.feature_extraction.text import TfidfTransformer

        plain = cls(tokeniser, "counts", 1, False, tuple(words))
        idf = TfidfTransformer().fit(plain.matrix(texts)).idf_.tolist()
        return cls(tokeniser, "tf-idf", 1, True, tuple(words), tuple(idf))

    @property
    def size(self) -> int:
        """How many features there are."""
        return len(self.terms)

    @cached_property
    def _vectoriser(self) -> Any:
        return _vectoriser(self.tokeniser, self.ngrams, {term: k for k, term in enumerate(self.terms)})

    def matrix(self, texts: Sequence[str]) -> Any:
        """The features of texts as SciPy's sparse matrix [texts, size], float32 in rows (CSR)."""
        counts = self._vectoriser.transform(watched(texts, "counting words (texts)", len(texts))).astype(np.float32)
        counts.sort_indices()
        if self.kind == "binary":
            counts.data[:] = 1
        elif self.kind == "tf-idf":
            counts.data *= np.array(self.idf, dtype=np.float32)[counts.indices]
        if self.normalise:
            squares = np.asarray(counts.multiply(counts).sum(1)).ravel()
            counts.data /= np.repeat(np.sqrt(squares), np.diff(counts.indptr))
        return counts

    def encode(self, texts: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers of the features of all texts in a row (int32), what each counts (float32), and how many each text has (int64).

        A text without any gets feature 0 with 0, since a row needs something in it.
        """
        matrix = self.matrix(texts)
        lengths = np.diff(matrix.indptr).astype(np.int64)
        empty = matrix.indptr[:-1][lengths == 0]
        numbers = np.insert(matrix.indices, empty, 0).astype(np.int32)
        weights = np.insert(matrix.data, empty, 0.0)
        return torch.from_numpy(numbers), torch.from_numpy(weights), torch.from_numpy(np.maximum(lengths, 1))

    def to_json(self) -> dict[str, Any]:
        """What a model folder keeps."""
        return {
            "features": self.kind, "ngrams": self.ngrams, "normalise": self.normalise, "terms": list(self.terms),
            "idf": list(self.idf), "tokeniser": self.tokeniser.to_json(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Any) -> Features:
        """The features of a model folder; `FolderError` says what is wrong with them."""
        keys = {"features", "ngrams", "normalise", "terms", "idf", "tokeniser"}
        if not isinstance(data, Mapping) or set(data) != keys:
            raise FolderError(f"the features must have exactly the keys {', '.join(sorted(keys))}")
        kind, ngrams, terms, idf = data["features"], data["ngrams"], data["terms"], data["idf"]
        if kind not in get_args(Kind) or type(data["normalise"]) is not bool:
            raise FolderError(f"features are {', '.join(get_args(Kind))}, and normalise true or false")
        if type(ngrams) is not int or not 1 <= ngrams <= 5:
            raise FolderError(f"ngrams are {ngrams!r}: expected a whole number from 1 to 5")
        if not isinstance(terms, list) or not terms or not all(isinstance(term, str) and term for term in terms):
            raise FolderError("the features' terms must be a list of words")
        if any("\ud800" <= character <= "\udfff" for term in terms for character in term):
            raise FolderError("the features have a term with half a surrogate pair, which no text has")
        if len(set(terms)) != len(terms):
            raise FolderError("the features have a term twice")
        # It is 1 + a logarithm of numbers of texts; 0 or infinity (in float32) would turn features into NaN.
        numbers = isinstance(idf, list) and all(type(x) is float and 0 < x < LARGEST_IDF for x in idf)
        if not numbers or len(idf) != (len(terms) if kind == "tf-idf" else 0):
            raise FolderError(
                f"idf must be a number from 0 to {LARGEST_IDF:g} for each term of tf-idf features, and empty for others"
            )
        return cls(Tokeniser.from_json(data["tokeniser"]), kind, ngrams, data["normalise"], tuple(terms), tuple(idf))


def _count(texts: Sequence[str], tokeniser: Tokeniser, ngrams: int) -> tuple[Any, list[str]]:
    """The counts [texts, terms] of all terms of the texts."""
    vectoriser = _vectoriser(tokeniser, ngrams, None)
    try:
        counts = vectoriser.fit_transform(watched(texts, "counting words (texts)", len(texts)))
    except ValueError:  # an empty vocabulary
        return np.zeros((len(texts), 0)), []
    return counts, vectoriser.get_feature_names_out().tolist()


def _vectoriser(tokeniser: Tokeniser, ngrams: int, vocabulary: dict[str, int] | None) -> Any:
    from sklearn.feature_extraction.text import CountVectorizer

    return CountVectorizer(
        tokenizer=tokeniser.tokens, token_pattern=None, lowercase=False, ngram_range=(1, ngrams), vocabulary=vocabulary
    )
