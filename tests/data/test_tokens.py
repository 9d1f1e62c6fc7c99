"""How texts to classify become tokens and numbers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_examples import settings

from elman.data import DataSettings, Tokeniser, Vocabulary
from elman.data.vocabulary import UNKNOWN
from elman.errors import DataError, FolderError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.text("aB'’-. n t't", max_size=40)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't panic!", ["Do", "n't", "panic", "!"]),
        ("It's Bob's... isn’t it?", ["It", "'s", "Bob", "'s", "...", "is", "n't", "it", "?"]),
        ("well-known 3D 'quoted'", ["well", "-", "known", "3D", "'", "quoted", "'"]),
        ("-----\n>> a_b <b>x</b>", ["-----", ">", ">", "a", "_", "b", "<", "b", ">", "x", "<", "/", "b", ">"]),
        ("naïve Привет 日本語 👍", ["naïve", "Привет", "日本語", "👍"]),
        ("'sound we're", ["'", "sound", "we", "'re"]),
        (" \n\t", []),
    ],
)
def test_words(text: str, tokens: list[str]) -> None:
    assert Tokeniser().all_tokens(text) == tokens
    bare = [token for token in tokens if any(c.isalnum() for c in token)]
    assert Tokeniser(punctuation=False).all_tokens(text) == bare
    assert Tokeniser(lower=True).all_tokens(text) == [token.lower() for token in tokens]


@given(TEXTS)
def test_words_lose_blanks_only(text: str) -> None:
    plain = text.replace("’", "'")
    assert "".join(Tokeniser().all_tokens(text)) == "".join(plain.split())


@given(TEXTS, st.sampled_from(["words", "characters", "bytes"]), st.booleans(), st.integers(1, 5) | st.none())
def test_a_vocabulary_survives_json(text: str, units: str, lower: bool, cut_at: int | None) -> None:
    made = DataSettings(units=units, lower=lower, cut_at=cut_at)  # type: ignore[arg-type]
    known = Vocabulary.of_texts([text, "ab cd"], made)
    again = Vocabulary.from_json(json.loads(json.dumps(known.to_json())))
    assert again == known
    assert again.encode(text) == known.encode(text)
    assert len(known.encode(text)) == len(Tokeniser.of(made).tokens(text)) <= (cut_at or 10**6)
    assert 0 not in known.encode(text)


def test_the_most_frequent_words() -> None:
    known = Vocabulary.of_texts(["b b b a a c", "c c d"], settings(max_symbols=2))
    assert known.symbols == ("", UNKNOWN, "b", "c")
    assert known.encode("a b C d") == [1, 2, 1, 1]
    assert (known.unknown, known.size) == (1, 4)
    assert Vocabulary.of_texts(["B b"], settings(lower=True)).symbols == ("", UNKNOWN, "b")
    assert Vocabulary.of_texts(["a"], settings()).encode(UNKNOWN) == [1, 1, 1], "a text's own <unknown> is three tokens"


def test_only_what_is_read_counts() -> None:
    known = Vocabulary.of_texts(["a b c", "a d"], settings(cut_at=1))
    assert known.symbols == ("", UNKNOWN, "a")
    assert known.encode("x a a") == [1]


def test_characters_and_bytes() -> None:
    known = Vocabulary.of_texts(["abca"], settings(units="characters"))
    assert known.symbols == ("", UNKNOWN, "a", "b", "c")
    assert known.encode("caz") == [4, 2, 1]
    known = Vocabulary.of_texts(["abc"], settings(units="bytes"))
    assert known.encode("é") == [1 + 0xC3, 1 + 0xA9]
    assert known.size == 257


def test_no_tokens_at_all() -> None:
    with pytest.raises(DataError, match="the training part has no words at all: every text is empty"):
        Vocabulary.of_texts(["", " "], settings())


GOOD: dict[str, Any] = {
    "units": "words",
    "boundary": True,
    "symbols": ["", UNKNOWN, "a"],
    "tokeniser": {"units": "words", "lower": True, "punctuation": False, "cut_at": 3},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tokeniser": None}, "exactly the keys units, lower, punctuation and cut_at"),
        ({"tokeniser": {**GOOD["tokeniser"], "x": 1}}, "exactly the keys"),
        ({"tokeniser": {**GOOD["tokeniser"], "units": "bytes"}}, "contradict"),
        ({"tokeniser": {**GOOD["tokeniser"], "units": []}}, "units are"),
        ({"tokeniser": {**GOOD["tokeniser"], "lower": 1}}, "true or false"),
        ({"tokeniser": {**GOOD["tokeniser"], "cut_at": 0}}, "cut_at is 0"),
        ({"tokeniser": {**GOOD["tokeniser"], "cut_at": True}}, "cut_at is True"),
        ({"boundary": False, "symbols": [UNKNOWN, "a"]}, "contradict"),
        ({"symbols": ["", "a"]}, "no unknown word"),
        ({"symbols": ["", UNKNOWN, "A"]}, "has 'A' among"),
        ({"symbols": ["", UNKNOWN, "."]}, r"has '\.' among"),
        ({"symbols": ["", UNKNOWN, "a", "a"]}, "missing or twice"),
    ],
)
def test_a_vocabulary_that_is_wrong(change: dict[str, Any], said: str) -> None:
    assert Vocabulary.from_json(GOOD).encode("A. b a a") == [2, 1, 2]
    with pytest.raises(FolderError, match=said):
        Vocabulary.from_json({**GOOD, **change})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cut_at": 0}, "greater than or equal to 1"),
        ({"punctuation": False}, 'punctuation = false needs units = "words"'),
        ({"classes": ["a"]}, "classes names only 'a'"),
        ({"strip": ["header"]}, "'headers', 'quotes' or 'footers'"),
        ({"encoding": "utf8x"}, "no encoding of that name is known"),
        ({"encoding": "base64"}, "no encoding of that name is known"),
    ],
)
def test_settings_that_are_wrong(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DataSettings(**values)
