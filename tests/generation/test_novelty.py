"""Novelty against brute force."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.generation import novelty
from elman.generation.novelty import longest_copied

SHORT = st.text("ab\n\0", max_size=12)
LINES = st.lists(st.text("ab\0", min_size=1, max_size=6), min_size=1, max_size=6)


def pieces(text: str) -> set[str]:
    return {text[a:b] for a in range(len(text)) for b in range(a + 1, len(text) + 1)}


@given(SHORT, SHORT)
def test_the_longest_copied_piece_against_all_pieces(sample: str, text: str) -> None:
    common = pieces(sample) & pieces(text)
    longest = max(map(len, common), default=0)
    start, span = longest_copied(sample, text)
    assert span == longest
    assert sample[start : start + span] in text
    assert start == min((sample.index(piece) for piece in common if len(piece) == longest), default=0)


@given(st.lists(SHORT, min_size=1, max_size=4), LINES)
def test_lines_against_brute_force(samples: list[str], lines: list[str]) -> None:
    told = novelty(samples, lines)
    known = set().union(*map(pieces, lines))
    for sample, item in zip(samples, told.items, strict=True):
        assert item["text"] == sample
        assert item["new"] == (sample != "" and sample not in lines)
        assert item["copied_span"] == max((len(piece) for piece in pieces(sample) & known), default=0)
    assert told.share_new == pytest.approx(sum(item["new"] for item in told.items) / len(samples))
    assert told.longest_copied_span == max(item["copied_span"] for item in told.items)
    assert told.mean_copied_span == pytest.approx(sum(item["copied_span"] for item in told.items) / len(samples))


@given(st.lists(SHORT, min_size=1, max_size=4), SHORT)
def test_running_text_against_brute_force(samples: list[str], text: str) -> None:
    for sample, item in zip(samples, novelty(samples, text).items, strict=True):
        assert item["new"] == (item["copied_span"] < len(sample))
        assert item["copied_span"] == max((len(piece) for piece in pieces(sample) & pieces(text)), default=0)


def test_names() -> None:
    told = novelty(["Maria", "Mariana", "Anna", "Maria", ""], ["Maria", "Ana", "Annabel"])
    assert [item["new"] for item in told.items] == [False, True, True, False, False]
    assert [item["copied_span"] for item in told.items] == [5, 5, 4, 5, 0]
    assert told.items[1]["copied_start"] == 0
    assert told.share_new == pytest.approx(2 / 5)
    assert told.longest_copied_span == 5
    assert told.repetition == pytest.approx(1 / 5)


def test_a_copied_piece_does_not_run_from_one_line_into_the_next() -> None:
    assert novelty(["abcd"], ["ab", "cd"]).longest_copied_span == 2
    for between in ("\n", "\0", " "):
        assert novelty([f"b{between}c"], ["ab", "cd"]).longest_copied_span == 1


def test_part_of_a_line_is_new_but_part_of_a_text_is_not() -> None:
    assert novelty(["Mari"], ["Maria"]).items[0]["new"]
    assert not novelty(["Mari"], "Maria").items[0]["new"]


def test_repetition_of_running_text_counts_4_grams_within_a_sample() -> None:
    assert novelty(["abcdefgh"], "x").repetition == 0
    assert novelty(["abababab"], "x").repetition == pytest.approx(3 / 5)  # abab, baba, then both again, abab
    assert novelty(["abcabcabc"], "x").repetition == pytest.approx(3 / 6)
    assert novelty(["abcd", "abcd"], "x").repetition == 0, "two samples may begin alike"
    assert novelty(["abc"], "x").repetition == 0, "too short to have one"


def test_no_samples_are_neither_new_nor_repeated() -> None:
    for training in (["a"], "a"):
        told = novelty([], training)
        assert (told.items, told.share_new, told.mean_copied_span, told.longest_copied_span, told.repetition) == (
            (),
            0,
            0,
            0,
            0,
        )


def test_a_megabyte_of_text_takes_well_under_a_second_a_sample() -> None:
    words = random.Random(1)  # its own generator
    vocabulary = ["".join(words.choices("etaoinshrdlu", k=words.randint(2, 9))) for _ in range(3000)]
    text = " ".join(words.choices(vocabulary, k=170_000))
    samples = [" ".join(words.choices(vocabulary, k=60))[:400] for _ in range(4)]
    assert len(text) > 1_000_000
    samples[3] = "???" + text[500_000:500_397]
    began = time.perf_counter()
    told = novelty(samples, text)
    assert time.perf_counter() - began < 4
    assert told.items[3]["copied_span"] == 397
    assert told.items[3]["copied_start"] == 3
