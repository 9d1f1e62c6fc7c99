"""Intervals and the paired test, beside formulas worked out here."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.comparing.statistics import mcnemar, over_seeds, over_texts

T_TABLE = {2: 12.7062, 3: 4.3027, 5: 2.7764, 10: 2.2622}
"""Two-sided 5 % points of Student's t by number of seeds, from a printed table."""


@pytest.mark.parametrize("seeds", T_TABLE)
def test_students_interval_is_that_of_the_printed_table(seeds: int) -> None:
    values = [0.9 + 0.001 * k * k for k in range(seeds)]
    mean = sum(values) / seeds
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (seeds - 1))
    found = over_seeds(values)
    assert found.value == pytest.approx(mean)
    assert found.high == pytest.approx(mean + T_TABLE[seeds] * deviation / math.sqrt(seeds), abs=1e-6)
    assert found.low == pytest.approx(mean - T_TABLE[seeds] * deviation / math.sqrt(seeds), abs=1e-6)
    assert (found.how, found.of) == ("student", seeds)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_an_interval_holds_the_mean_and_stays_where_the_quantity_can_be(values: list[float]) -> None:
    found = over_seeds(values, within=(0, 1))
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


@pytest.mark.parametrize("values", [[0.5], [math.inf, 1.0], [math.nan, 1.0]])
def test_one_seed_and_what_is_not_finite_have_no_interval(values: list[float]) -> None:
    found = over_seeds(values)
    assert (found.low, found.high, found.how) == (None, None, None)


@given(st.integers(1, 5000), st.data())
def test_wilsons_interval_solves_its_equation(count: int, data: st.DataObject) -> None:
    """Its ends are the shares p at which (p̂ - p)² = z² p (1 - p) / n."""
    correct = data.draw(st.integers(0, count))
    found = over_texts(correct, count)
    z = 1.959963984540054
    for end in (found.low, found.high):
        assert end is not None
        assert (correct / count - end) ** 2 == pytest.approx(z * z * end * (1 - end) / count, abs=1e-9)
    assert found.low is not None
    assert found.high is not None
    assert -1e-12 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1 + 1e-12
    assert (found.how, found.of) == ("wilson", count)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_twice_the_tail_of_a_fair_coin(a: int, b: int) -> None:
    tail = sum(Fraction(math.comb(a + b, k), 2 ** (a + b)) for k in range(min(a, b) + 1))
    assert mcnemar(a, b) == pytest.approx(float(min(2 * tail, Fraction(1))), rel=1e-9)
    assert mcnemar(a, b) == mcnemar(b, a)
