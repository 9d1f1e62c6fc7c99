"""Dividing a corpus: nothing lost, nothing twice, nothing in two parts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.data import Corpus, DataSettings, Part, Vocabulary, split
from elman.errors import DataError

LINES = st.lists(st.text("abc", min_size=1, max_size=3), min_size=8, max_size=60).filter(
    lambda lines: len(set(lines)) > 5
)
SHARES = st.sampled_from([(0.1, 0.1), (0.3, 0.2), (0.0, 0.25), (0.25, 0.0), (0.0, 0.0)])


def of_lines(lines: list[str], labels: tuple[int, ...] | None = None) -> Corpus:
    return Corpus("lines", tuple(lines), labels, (), "", "test", "", ())


def of_text(text: str) -> Corpus:
    return Corpus("continuous", (), None, (), text, "test", "", ())


def parts(corpus: Corpus, seed: int = 1, **settings: Any) -> tuple[Part, Part, Part]:
    made = split(corpus, DataSettings(**settings), seed)
    return made.train, made.validation, made.test


@given(LINES, SHARES, st.integers(0, 1000))
def test_lines_are_divided_without_a_leak(lines: list[str], shares: tuple[float, float], seed: int) -> None:
    corpus = of_lines(lines, labels=tuple(range(len(lines))))
    made = parts(corpus, seed, validation=shares[0], test=shares[1])
    assert sum((Counter(part.lines) for part in made), Counter()) == Counter(lines)
    texts = [set(part.lines) for part in made]
    assert sum(map(len, texts)) == len(set().union(*texts))
    for part, share in zip(made, (1 - sum(shares), *shares), strict=True):
        assert part.labels is not None
        assert [lines[label] for label in part.labels] == list(part.lines)
        assert list(part.labels) == sorted(part.labels), "the order of the corpus is kept"
        assert bool(part.lines) == (share > 0)
        assert abs(len(set(part.lines)) - share * len(set(lines))) <= 2


@given(st.text("ab \n", min_size=50, max_size=300), SHARES)
def test_running_text_is_cut_in_order(text: str, shares: tuple[float, float]) -> None:
    made = parts(of_text(text), validation=shares[0], test=shares[1])
    assert "".join(part.text for part in made) == text
    for part, share in zip(made, (1 - sum(shares), *shares), strict=True):
        assert abs(len(part.text) - share * len(text)) <= 1


def test_the_seed_decides() -> None:
    corpus = of_lines([f"line {n}" for n in range(100)])
    assert parts(corpus, seed=1) == parts(corpus, seed=1)
    assert parts(corpus, seed=1) != parts(corpus, seed=2)
    assert sorted(map(len, (part.lines for part in parts(corpus)))) == [10, 10, 80]


def test_the_parts_do_not_depend_on_repeats() -> None:
    """More copies of a line must not move other lines to another part."""
    lines = [f"line {n}" for n in range(50)]
    once, often = parts(of_lines(lines)), parts(of_lines(lines + lines[:20]))
    assert [set(part.lines) for part in once] == [set(part.lines) for part in often]


def test_words_are_not_cut() -> None:
    text = "alpha beta gamma delta epsilon zeta eta theta iota kappa"
    made = parts(of_text(text), units="words", validation=0.3, test=0.3)
    assert "".join(part.text for part in made) == text
    assert [part.text.split() for part in made] == [text.split()[:4], text.split()[4:7], text.split()[7:]]
    settings = DataSettings(units="words")
    known = Vocabulary.build(of_text(text), settings)
    assert [len(known.encode(part.text)) for part in made] == [4, 3, 3]


@pytest.mark.parametrize("text", ["ab", "abcdefgh", "abc " * 4])
def test_too_short_a_text(text: str) -> None:
    with pytest.raises(DataError, match="too few to divide"):
        parts(of_text(text))


def test_too_few_lines() -> None:
    with pytest.raises(DataError, match="2 different lines: too few"):
        parts(of_lines(["a", "b", "a", "b"]))
    assert [len(part.lines) for part in parts(of_lines(["a", "b", "c"]))] == [1, 1, 1]
    assert [len(part.lines) for part in parts(of_lines(["a"]), validation=0, test=0)] == [1, 0, 0]


def test_labels_are_optional() -> None:
    corpus = of_lines(["a", "b", "c"])
    assert all(part.labels is None for part in parts(corpus))
    assert all(part.labels for part in parts(replace(corpus, labels=(1, 2, 3))))
