"""Word vectors out of the texts at hand: words that come in the same texts get similar vectors (latent semantic analysis)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from elman.data.features import Features
from elman.data.vectors import WordVectors
from elman.data.vocabulary import UNKNOWN, Vocabulary
from elman.errors import DataError, InputError


def latent_vectors(texts: Sequence[str], vocabulary: Vocabulary, dimension: int, seed: int) -> WordVectors:
    """Vectors for a vocabulary's words from texts, which need no labels.

        X ≈ U S Vᵀ, X the tf-idf of each word in each text;  a word's vector is its row of V S, made √D long

    Args:
        texts: the more the better: with those that have no label.
        vocabulary: of words of texts with labels.
        dimension: D.
        seed: of the randomised decomposition (Halko, Martinsson and Tropp 2011).

    Raises:
        InputError: the vocabulary is not of texts with labels. DataError: fewer words or texts than numbers in a vector.

    Source: Deerwester et al. 1990, Indexing by Latent Semantic Analysis.
    """
    from sklearn.decomposition import TruncatedSVD

    if vocabulary.tokeniser is None:
        raise InputError("latent vectors need a vocabulary that was built of texts with labels")
    words = [word for word in vocabulary.symbols if word not in ("", UNKNOWN)]
    if dimension >= min(len(words), len(texts)):
        raise DataError(
            f"{len(texts):,} texts with {len(words):,} words are too few for vectors of {dimension} numbers: set model.embedding lower"
        )
    features = Features.of_words(words, texts, vocabulary.tokeniser)
    found = TruncatedSVD(dimension, random_state=seed % (1 << 32)).fit(features.matrix(texts))
    rows = found.components_.T * found.singular_values_
    norms = np.linalg.norm(rows, axis=1)
    known = norms > 0
    rows[known] *= np.sqrt(dimension) / norms[known, None]
    table, has = torch.zeros(vocabulary.size, dimension), torch.zeros(vocabulary.size, dtype=torch.bool)
    places = torch.tensor([k for k, word in enumerate(vocabulary.symbols) if word not in ("", UNKNOWN)])
    table[places], has[places] = torch.from_numpy(rows).float(), torch.from_numpy(known)
    note = f"Word vectors of {dimension} numbers from {len(texts):,} texts (latent semantic analysis)."
    return WordVectors(table, has, float(known.mean()), (note,))
