"""Bags of words: against counting by hand, against scikit-learn's own vectorisers, and for any texts at all."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from labelled_examples import settings
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from elman.data import Features, LabelledTexts, TextBatches
from elman.errors import DataError, FolderError

TEXTS = (
    "the cat sat on the mat",
    "the dog sat on the cat",
    "a dog, a dog!",
    "",
    "mat",
    "the the the",
)
OTHERS = ("the bird sat on the mat", "nothing known", "", "cat cat dog the")


def of(texts: Any = TEXTS, **how: Any) -> Features:
    data = {name: how.pop(name) for name in ("max_symbols", "lower", "punctuation", "cut_at", "units") if name in how}
    return Features.of_texts(texts, settings(**data), **how)


def grams(features: Features, text: str) -> Counter[str]:
    """Terms of a text, counted by hand."""
    words = list(features.tokeniser.tokens(text))
    return Counter(
        " ".join(words[at : at + size]) for size in range(1, features.ngrams + 1) for at in range(len(words) - size + 1)
    )


def by_hand(features: Features, texts: Any, training: Any) -> np.ndarray[Any, Any]:
    """The formulas of the docstring, word by word."""
    found = np.zeros((len(texts), len(features.terms)))
    having = Counter(term for text in training for term in grams(features, text))
    for row, text in zip(found, texts, strict=True):
        for place, term in enumerate(features.terms):
            n = grams(features, text)[term]
            idf = math.log((1 + len(training)) / (1 + having[term])) + 1
            row[place] = {"binary": min(n, 1), "counts": n, "tf-idf": n * idf}[features.kind]
        if features.normalise and row.any():
            row /= math.sqrt((row**2).sum())
    return found


KINDS = ("binary", "counts", "tf-idf")


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("ngrams", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_by_hand(kind: Any, ngrams: int, normalise: bool) -> None:
    made = of(kind=kind, ngrams=ngrams, normalise=normalise)
    for texts in (TEXTS, OTHERS):
        np.testing.assert_allclose(made.matrix(texts).toarray(), by_hand(made, texts, TEXTS), rtol=1e-6)
    assert set(made.terms) == {term for text in TEXTS for term in grams(made, text)}


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("ngrams", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_by_scikit_learn(kind: Any, ngrams: int, normalise: bool) -> None:
    made = of(kind=kind, ngrams=ngrams, normalise=normalise, lower=True, punctuation=False)
    how: dict[str, Any] = {"ngram_range": (1, ngrams), "token_pattern": r"[^\W_]+"}
    if kind == "tf-idf":
        theirs = TfidfVectorizer(norm="l2" if normalise else None, **how)
    else:
        theirs = CountVectorizer(binary=kind == "binary", **how)
    theirs.fit(TEXTS)
    order = [theirs.vocabulary_[term] for term in made.terms]
    assert len(order) == len(theirs.vocabulary_)
    for texts in (TEXTS, OTHERS):
        wanted = theirs.transform(texts).toarray()[:, order].astype(float)
        if normalise and kind != "tf-idf":
            wanted /= np.maximum(np.linalg.norm(wanted, axis=1, keepdims=True), 1e-30)
        np.testing.assert_allclose(made.matrix(texts).toarray(), wanted, rtol=1e-6)


def test_the_most_frequent_come_first_and_max_symbols_keeps_them() -> None:
    made = of(punctuation=False)
    counts = Counter(word for text in TEXTS for word in grams(made, text).elements())
    assert made.terms == tuple(sorted(counts, key=lambda word: (-counts[word], word)))
    assert made.terms[0] == "the"
    assert of(max_symbols=3, punctuation=False).terms == made.terms[:3]
    assert of(max_symbols=3, punctuation=False).notes == ("3 features of 7 in the training texts; 4 left out.",)
    assert made.notes == ()


@pytest.mark.parametrize("least", [1, 2, 3])
def test_min_texts_counts_texts_not_words(least: int) -> None:
    made = of(min_texts=least, punctuation=False)
    having = Counter(term for text in TEXTS for term in grams(made, text))
    assert set(made.terms) == {term for term, count in having.items() if count >= least}
    assert ("dog" in made.terms) == (least <= 2), "three times, in two texts"


def test_percentiles_as_the_course_s_template_has_them() -> None:
    """Its lines: count all words, then leave out those below the 20th and above the 80th percentile of the counts."""
    draw = np.random.default_rng(3)
    texts = [" ".join(f"w{k}" for k in draw.zipf(1.4, 30) if k < 60) for _ in range(40)]
    counts = Counter(word for text in texts for word in text.split())
    low, high = np.percentile(np.array(list(counts.values())), [20, 80])
    kept = {word for word, count in counts.items() if not (count < low or count > high)}
    made = of(texts, keep_percentiles=[20, 80])
    assert set(made.terms) == kept
    assert 0 < len(kept) < len(counts)
    assert max(counts, key=lambda w: counts[w]) not in kept
    assert len(of(texts, keep_percentiles=[0, 100]).terms) == len(counts)
    assert f"{len(kept):,} features of {len(counts):,}" in made.notes[0]


def test_nothing_is_left() -> None:
    with pytest.raises(DataError, match=r"lower model.min_texts, or widen model.keep_percentiles"):
        of(min_texts=100)
    for empty in (["", "  "], ["..."]):
        with pytest.raises(DataError, match="every text is empty"):
            of(empty, punctuation=False)


def test_case_marks_cutting_and_units_are_the_tokeniser_s() -> None:
    assert of(["The THE the"], lower=True).terms == ("the",)
    assert set(of(["The THE the"]).terms) == {"The", "THE", "the"}
    assert "!" in of(["so!"]).terms
    assert "!" not in of(["so!"], punctuation=False).terms
    assert of(["one two three"], cut_at=2).matrix(["two three", "one two three"]).toarray().sum(1).tolist() == [1, 2]
    assert set(of(["aab"], units="characters", ngrams=2).terms) == {"a", "b", "a a", "a b"}


@pytest.mark.parametrize("kind", KINDS)
def test_texts_without_known_words_have_one_feature_that_counts_nothing(kind: Any) -> None:
    made = of(kind=kind, normalise=True)
    numbers, weights, lengths = made.encode(["", "unheard of", "the", "", ""])
    assert (numbers.dtype, weights.dtype, lengths.dtype) == (torch.int32, torch.float32, torch.int64)
    assert lengths.tolist() == [1, 1, 1, 1, 1]
    assert weights.tolist() == [0, 0, 1, 0, 0]
    assert numbers.tolist() == [0, 0, made.terms.index("the"), 0, 0]


words = st.lists(st.sampled_from(["a", "b", "c", "don't", "x-y", "Ünï", "...", "7"]), max_size=8).map(" ".join)
anything = st.text(max_size=12)


texts_of = st.lists(words | anything, min_size=1, max_size=8)


@given(texts_of, texts_of, st.sampled_from(KINDS), st.integers(1, 3), st.booleans(), st.booleans())
def test_any_texts(train: list[str], others: list[str], kind: Any, ngrams: int, normalise: bool, lower: bool) -> None:
    """By hand; as a row of numbers; after JSON; and as batches."""
    try:
        made = of(train, kind=kind, ngrams=ngrams, normalise=normalise, lower=lower)
    except DataError:
        assert not any(text.strip() for text in train)
        return
    expected = by_hand(made, others, train)
    np.testing.assert_allclose(made.matrix(others).toarray(), expected, rtol=1e-5, atol=1e-7)
    again = Features.from_json(json.loads(json.dumps(made.to_json())))
    assert (again.terms, again.idf, again.kind, again.ngrams) == (made.terms, made.idf, made.kind, made.ngrams)
    assert (again.matrix(others) != made.matrix(others)).nnz == 0

    numbers, weights, lengths = made.encode(others)
    rows = np.zeros_like(expected)
    at = 0
    for row, length in zip(rows, lengths.tolist(), strict=True):
        for place in range(at, at + length):
            row[numbers[place]] += weights[place].item()
        at += length
    assert at == len(numbers) == len(weights)
    np.testing.assert_allclose(rows, expected, rtol=1e-5, atol=1e-7)

    batches = TextBatches(LabelledTexts(tuple(others), (0,) * len(others), ("",) * len(others)), made, 3)
    for key in batches.plan(None):
        batch = batches.batch(key)
        for number, row, counts, length in zip(key, batch.inputs, batch.weights, batch.lengths.tolist(), strict=True):
            dense = np.zeros(made.size)
            np.add.at(dense, row.numpy(), counts.double().numpy())
            np.testing.assert_allclose(dense, expected[number], rtol=1e-5, atol=1e-7)
            assert not counts[length:].any()


def test_json_of_a_model_folder() -> None:
    made = of(kind="tf-idf", ngrams=2, normalise=True, max_symbols=5)
    data = made.to_json()
    assert Features.from_json(data).to_json() == data
    assert "notes" not in data
    for wrong in (None, [], "x", {}, {**data, "more": 1}, {**data, "idf": data["idf"][:-1]}, {**data, "terms": [5]}):
        with pytest.raises(FolderError) as caught:
            Features.from_json(wrong)
        assert "\n" not in str(caught.value)
