"""Novelty against brute force."""

from __future__ import annotations

import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.generation import novelty
from elman.generation.novelty import longest_copied_span, repeated_ngrams

SMALL = st.text("ab", max_size=12)


@given(SMALL, SMALL)
def test_the_longest_copied_span_is_that_of_brute_force(sample: str, text: str) -> None:
    pieces = {sample[i:j] for i in range(len(sample)) for j in range(i + 1, len(sample) + 1)}
    assert longest_copied_span(sample, text) == max((len(p) for p in pieces if p in text), default=0)


def test_lines() -> None:
    told = novelty(["Anna", "Annab", "Anna", "naAn"], ["Anna", "Bea"])
    assert [item["new"] for item in told.items] == [False, True, False, True]
    assert [item["copied_span"] for item in told.items] == [4, 4, 4, 2], "a piece never runs over the end of a line"
    assert told.share_new == 0.5
    assert told.repetition == 0.25
    assert told.longest_copied_span == 4
    assert told.mean_copied_span == pytest.approx(3.5)


def test_running_text() -> None:
    told = novelty(["the cat", "a dog"], "on the cat mat")
    assert [item["new"] for item in told.items] == [False, True]
    assert repeated_ngrams(["abcabcabc"]) == pytest.approx(3 / 6)
    assert repeated_ngrams(["abcd"]) == 0
    assert novelty([], "text").share_new == 0


def test_a_megabyte_of_text_takes_under_a_second_for_a_sample() -> None:
    letters = torch.randint(97, 117, (1_000_000,), generator=torch.Generator().manual_seed(0)).tolist()
    text = bytes(letters).decode()
    sample = text[500_000:500_200] + text[100:300][::-1]
    began = time.perf_counter()
    assert longest_copied_span(sample, text) >= 200
    assert time.perf_counter() - began < 5
