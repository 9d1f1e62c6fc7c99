"""Shuffled words: the same tokens as often, in another order, as the model will read them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from labelled_examples import settings

from elman.data import Features, LabelledTexts, Tokeniser
from elman.data.labelled.shuffling import shuffle_words


def part(*texts: str) -> LabelledTexts:
    return LabelledTexts(texts, tuple(k % 2 for k in range(len(texts))), tuple(f"line {k}" for k in range(len(texts))))


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


ways = st.builds(
    lambda units, lower, punctuation, cut_at: Tokeniser(units, lower, punctuation or units != "words", cut_at),
    st.sampled_from(["words", "characters", "bytes"]),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(1, 6),
)
pieces = st.sampled_from(
    ["don't", "it's", "n't", "'s", "N'T", "...", "--", "-", "é", "İ", "ΑΣ", "_", "a", "b", "'", "t", " ", "\n"]
)
texts = st.lists(pieces, max_size=10).map("".join) | st.lists(pieces, max_size=10).map(" ".join) | st.text(max_size=15)


@given(texts, ways, st.integers(0, 99))
def test_the_same_tokens_as_often(text: str, tokeniser: Tokeniser, seed: int) -> None:
    """What is read of the shuffled text, by the same tokeniser; of bytes, whole characters only, since half of one is no text."""
    shuffled = shuffle_words(part(text), tokeniser, generator(seed)).texts[0]
    before, after = Counter(tokeniser.tokens(text)), Counter(tokeniser.tokens(shuffled))
    if tokeniser.units == "bytes" and tokeniser.cut_at is not None:
        assert after <= before
        assert (before - after).total() <= 3, "of the character that was cut"
    else:
        assert after == before


def test_labels_and_places_stay_and_empty_texts_too() -> None:
    made = part("one two three four", "", "five", "six seven eight nine")
    found = shuffle_words(made, Tokeniser(), generator())
    assert (found.labels, found.places, len(found)) == (made.labels, made.places, 4)
    assert found.texts[1:3] == ("", "five")
    assert found.texts != made.texts


def test_drawn_and_drawn_again() -> None:
    text = " ".join(f"w{k}" for k in range(30))
    once, again, other = (shuffle_words(part(text), Tokeniser(), generator(seed)).texts[0] for seed in (1, 1, 2))
    assert once == again
    assert len({text, once, other}) == 3


def test_every_order_is_as_likely() -> None:
    """24 orders of four words, 4,800 draws: a chi-square that is exceeded once in ten thousand times."""
    source = generator()
    found = Counter(shuffle_words(part("a b c d"), Tokeniser(), source).texts[0] for _ in range(4800))
    assert len(found) == 24
    assert sum((count - 200) ** 2 / 200 for count in found.values()) < 58.6


def test_only_what_is_read_is_shuffled() -> None:
    """Behind the cut nothing is read, so nothing may come forward."""
    for seed in range(20):
        (found,) = shuffle_words(part("a b c d e f"), Tokeniser(cut_at=3), generator(seed)).texts
        assert sorted(found.split()) == ["a", "b", "c"]


@pytest.mark.parametrize("units", ["words", "characters", "bytes"])
def test_a_bag_of_words_does_not_notice(units: Any) -> None:
    corpus = ["the cat's café... isn't SHUT", "a b a", ""]
    features = Features.of_texts(corpus, settings(units=units), kind="counts")
    shuffled = shuffle_words(part(*corpus), features.tokeniser, generator())
    assert (features.matrix(shuffled.texts) != features.matrix(corpus)).nnz == 0
