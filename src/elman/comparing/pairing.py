"""The paired test: two rows on the same test texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from elman.comparing.run_files import Finished
from elman.comparing.statistics import mcnemar
from elman.reports.comparison.contents import PairedTest


def paired_test(
    first: tuple[str, Sequence[Finished]], second: tuple[str, Sequence[Finished]], *, one_test_part: bool
) -> PairedTest:
    """Exact McNemar test of two rows, each given by its title and its attempts.

    With several seeds each row answers by majority vote. Pooling the seeds' answers instead would count every text several
    times, and the test takes its texts for independent: p would come out too small. Where the seed draws the test texts there
    is no vote on them, so the attempts with the first seed are tested alone.
    """
    (one, ones), (other, others) = first, second
    if not one_test_part:
        ones, others = ones[:1], others[:1]
    labels = ones[0].labels
    answers, their_answers = vote(ones), vote(others)
    pairs = [(a == label, b == label) for a, b, label in zip(answers, their_answers, labels, strict=True)]
    only_first, only_second = pairs.count((True, False)), pairs.count((False, True))
    seeds = tuple(finished.attempt.seed for finished in max(ones, others, key=len))
    return PairedTest(one, other, only_first, only_second, len(labels), mcnemar(only_first, only_second), seeds)


def vote(attempts: Sequence[Finished]) -> list[int]:
    """For each text the class that most attempts chose; of classes with as many votes the one with the greater probabilities."""
    return [
        _most(answers)
        for answers in zip(*(zip(a.predicted, a.probability, strict=True) for a in attempts), strict=True)
    ]


def _most(answers: Sequence[tuple[int, float]]) -> int:
    votes: dict[int, int] = defaultdict(int)
    certainty: dict[int, float] = defaultdict(float)
    for chosen, probability in answers:
        votes[chosen] += 1
        certainty[chosen] += probability
    return max(sorted(votes), key=lambda chosen: (votes[chosen], certainty[chosen]))
