"""Text to numbers and back."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data import Corpus, DataSettings, Vocabulary
from elman.data.units import join_units, split_units
from elman.data.vocabulary import UNKNOWN
from elman.errors import DataError, FolderError, InputError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
WORDY = st.text(st.sampled_from("ab-'.,()\"«…! \n\té"), min_size=1, max_size=60)


def corpus(*lines: str, text: str = "") -> Corpus:
    return Corpus("continuous" if text else "lines", lines, None, (), text, "test", "", ())


def vocabulary(text: str, **settings: Any) -> Vocabulary:
    return Vocabulary.build(corpus(text=text), DataSettings(**settings))


@given(TEXTS)
def test_characters_and_bytes_lose_nothing(text: str) -> None:
    for units in ("characters", "bytes"):
        assert join_units(split_units(text, units), units) == text  # type: ignore[arg-type]
        known = vocabulary(text + "ab", units=units)
        assert known.decode(known.encode(text)) == text
        assert all(0 <= number < known.size for number in known.encode(text))


@given(WORDY | TEXTS)
def test_words_lose_blanks_only(text: str) -> None:
    words = split_units(text, "words")
    assert list(split_units(join_units(words, "words"), "words")) == words
    assert "".join(words).replace("\n", "") == "".join(text.split())
    known = vocabulary(text + " ab cd", units="words")
    assert known.encode(known.decode(known.encode(text))) == known.encode(text)


def test_words_look_like_print() -> None:
    text = "Well-known (it's 3 o'clock), isn't it?\nYes -- no..."
    words = split_units(text, "words")
    assert words[:5] == ["Well-known", "(", "it's", "3", "o'clock"]
    assert join_units(words, "words") == text
    assert split_units("well--known", "words") == ["well", "--", "known"]


def test_numbers_are_in_the_order_of_the_symbols() -> None:
    assert vocabulary("banana").symbols == ("a", "b", "n")
    assert vocabulary("c b b a a", units="words").symbols == ("a", "b", "c")
    assert vocabulary("ab", units="bytes").size == 256
    lines = Vocabulary.build(corpus("ba", "c"), DataSettings())
    assert (lines.symbols, lines.has_boundary, lines.BOUNDARY) == (("", "a", "b", "c"), True, 0)
    assert lines.encode("cab") == [3, 1, 2]
    assert lines.decode([0, 3, 1, 0]) == "ca"


def test_unknown_symbols_are_named_with_their_place() -> None:
    known = vocabulary("abc")
    with pytest.raises(
        InputError, match=r"the vocabulary has no 'ж' \(character 2\), 'q' \(character 4\): it has 3 other"
    ):
        known.encode("aжbqж")
    with pytest.raises(InputError, match=r"'j' \(character 5\) and 3 more"):
        known.encode("fghijklm")
    assert known.unknown_in("aжbqж") == Counter({"ж": 2, "q": 1})
    assert known.unknown is None


def test_rare_words_become_the_unknown_word() -> None:
    known = vocabulary("a a a b b c d", units="words", max_symbols=2)
    assert known.symbols == (UNKNOWN, "a", "b")
    assert known.unknown == 0
    assert known.encode("a c b d e") == [1, 0, 2, 0, 0]
    assert known.unknown_in("a c b d e") == Counter("cde")
    assert known.decode([1, 0]) == f"a {UNKNOWN}"
    with_lines = Vocabulary.build(corpus("a b", "a c"), DataSettings(units="words", max_symbols=1))
    assert (with_lines.symbols, with_lines.unknown) == (("", UNKNOWN, "a"), 1)
    assert vocabulary("a b", units="words").unknown is None


def test_a_text_that_has_the_unknown_word_already() -> None:
    text = f"a {UNKNOWN} {UNKNOWN} b c"
    known = vocabulary(text, units="words")
    assert (known.symbols, known.unknown) == ((UNKNOWN, "a", "b", "c"), 0)
    assert known.decode(known.encode(text + " new")) == f"{text} {UNKNOWN}"
    assert vocabulary(text, units="words", max_symbols=1).symbols == (UNKNOWN, "a")
    assert vocabulary(text).unknown is None, "of characters none is the unknown word"


def test_all_bytes_are_known() -> None:
    known = vocabulary("ab", units="bytes")
    assert known.decode(known.encode("жé")) == "жé"
    assert known.decode([0xD0]) == "�"
    with pytest.raises(InputError, match="character 2 is half a pair"):
        known.encode("a\udc80")


@pytest.mark.parametrize("number", [-1, 3])
def test_numbers_of_nothing(number: int) -> None:
    with pytest.raises(InputError, match="they go from 0 to 2"):
        vocabulary("abc").decode([0, number])


@pytest.mark.parametrize("text", ["a", "aaaa"])
def test_nothing_to_predict(text: str) -> None:
    with pytest.raises(DataError, match="only 1 symbol"):
        vocabulary(text)


@given(TEXTS, st.sampled_from(["characters", "bytes", "words"]), st.booleans())
def test_json_keeps_everything(text: str, units: str, lines: bool) -> None:
    source = corpus(text + " ab cd") if lines else corpus(text=text + " ab cd")
    known = Vocabulary.build(source, DataSettings(units=units))  # type: ignore[arg-type]
    assert Vocabulary.from_json(json.loads(json.dumps(known.to_json()))) == known


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"units": "letters"}, "units are 'letters'"),
        ({"units": ["characters"]}, "units are"),
        ({"boundary": 1}, "true or false"),
        ({"boundary": False}, "contradict"),
        ({"symbols": ["a", "b"]}, "contradict"),
        ({"symbols": "ab"}, "a list"),
        ({"symbols": []}, "contradict"),
        ({"symbols": [""]}, "missing or twice"),
        ({"symbols": ["", "a", "a"]}, "missing or twice"),
        ({"symbols": ["", "a", ""]}, "has '' among"),
        ({"symbols": ["", "a", 0]}, "has 0 among"),
        ({"symbols": ["", "a", None]}, "has None among"),
        ({"symbols": ["", "a", ["b"]]}, r"has \['b'\] among"),
        ({"symbols": ["", "ab"]}, "has 'ab' among"),
        ({"symbols": ["", "\ud800"]}, "among its characters"),
        ({"units": "bytes"}, "has 'a' among"),
        ({"units": "bytes", "symbols": ["", "61"]}, "missing or twice"),
        ({"units": "words", "symbols": ["", "a b"]}, "has 'a b' among"),
        ({"extra": 1}, "exactly the keys"),
    ],
)
def test_a_vocabulary_that_is_wrong(change: dict[str, Any], said: str) -> None:
    good = {"units": "characters", "boundary": True, "symbols": ["", "a", "b"]}
    assert Vocabulary.from_json(good).size == 3
    with pytest.raises(FolderError, match=said):
        Vocabulary.from_json({**good, **change})


@pytest.mark.parametrize("value", [None, [], "characters", {}])
def test_a_vocabulary_that_is_none(value: Any) -> None:
    with pytest.raises(FolderError, match="exactly the keys"):
        Vocabulary.from_json(value)
