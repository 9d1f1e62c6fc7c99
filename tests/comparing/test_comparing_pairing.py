"""Votes, and the test of two rows on the same texts."""

from __future__ import annotations

import math

import pytest

from elman.comparing.pairing import paired_test, vote
from elman.comparing.run_files import Finished
from elman.reports.comparison import Attempt
from elman.training.scores import ClassScore


def finished(seed: int, labels: str, answers: str, probability: float = 0.9) -> Finished:
    score = ClassScore(1.0, len(labels), sum(a == b for a, b in zip(labels, answers, strict=True)))
    attempt = Attempt(seed, None, score, score, score, None, None, 1.0, 1, 1, 10, None)
    return Finished(
        attempt, tuple(map(int, labels)), tuple(map(int, answers)), (probability,) * len(labels), "digest"
    )  # fmt: skip


def test_of_one_seed_each() -> None:
    labels = "0011001100"
    found = paired_test(
        ("A", [finished(1, labels, "0011001111")]), ("B", [finished(1, labels, "1111001100")]), one_test_part=True
    )
    assert (found.only_first, found.only_second, found.texts) == (2, 2, 10)
    assert found.p == 1.0
    assert found.seeds == (1,)


def test_a_text_counts_once_however_many_seeds_there_are() -> None:
    """Ten texts that A alone gets right, thrice the same: pooled they would count thirty times, with p = 2 / 2³⁰."""
    labels, wrong = "0" * 10, "1" * 10
    ones, others = ([finished(seed, labels, answers) for seed in (1, 2, 3)] for answers in (labels, wrong))
    found = paired_test(("A", ones), ("B", others), one_test_part=True)
    assert (found.only_first, found.only_second) == (10, 0)
    assert found.p == pytest.approx(2 / 2**10)
    assert found.seeds == (1, 2, 3)


def test_where_the_seed_draws_the_test_texts_the_first_seed_is_tested_alone() -> None:
    ones = [finished(1, "0000", "0001"), finished(2, "1111", "1111")]
    others = [finished(1, "0000", "0011"), finished(2, "1111", "0000")]
    found = paired_test(("A", ones), ("B", others), one_test_part=False)
    assert (found.only_first, found.only_second, found.texts, found.seeds) == (1, 0, 4, (1,))
    assert math.isclose(found.p, 1.0)


def test_a_baseline_without_seeds_is_paired_with_the_vote() -> None:
    ones = [finished(seed, "0000", "0000") for seed in (1, 2, 3)]
    found = paired_test(("A", ones), ("B", [finished(1, "0000", "1100")]), one_test_part=True)
    assert (found.only_first, found.only_second, found.seeds) == (2, 0, (1, 2, 3))


def test_the_vote_takes_the_class_with_most_votes_then_the_surer_one() -> None:
    attempts = [
        finished(1, "000", "012", 0.5), finished(2, "000", "112", 0.6), finished(3, "000", "120", 0.9),
        finished(4, "000", "020", 0.3),
    ]  # fmt: skip
    # First text: 0 by 0.5 + 0.3, 1 by 0.6 + 0.9. Second: 1 by 0.5 + 0.6, 2 by 0.9 + 0.3. Third: 2 by 0.5 + 0.6, 0 by 0.9 + 0.3.
    assert vote(attempts) == [1, 2, 0]
    assert vote(attempts[:3]) == [1, 1, 2]
