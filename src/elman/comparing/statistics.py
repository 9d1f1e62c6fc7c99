"""How sure the figures are: intervals over seeds or texts, and a paired test."""

from __future__ import annotations

import math
from collections.abc import Sequence

from elman.reports.comparison.contents import Estimate
from elman.training.intervals import wilson

LEVEL = 0.95


def over_seeds(values: Sequence[float], *, within: tuple[float, float] = (-math.inf, math.inf)) -> Estimate:
    """The mean x̄ of one value a seed; from two seeds on with Student's interval x̄ ± t s / √n.

    Args:
        values: one a seed.
        within: what the quantity can be at all; an interval never reaches beyond it.
    """
    mean = sum(values) / len(values)  # a loss may be infinite
    if len(values) < 2 or not math.isfinite(mean):
        return Estimate(mean)
    from scipy.stats import t

    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    reach = float(t.ppf((1 + LEVEL) / 2, len(values) - 1)) * deviation / math.sqrt(len(values))
    return Estimate(mean, max(mean - reach, within[0]), min(mean + reach, within[1]), "student", len(values))


def over_texts(correct: int, count: int) -> Estimate:
    """A share with its interval over texts (Wilson 1927): it stays within 0 and 1, and is right for few texts too."""
    return Estimate(correct / count, *wilson(correct, count), "wilson", count)


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact McNemar test (McNemar 1947), two-sided: the p of so uneven a division of the texts that one row alone got right."""
    if only_first + only_second == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(only_first, only_first + only_second).pvalue)
