"""Temperature, top-k, top-p: what is kept, in which proportions, and that it is a distribution."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from elman.errors import InputError, NonFiniteError
from elman.generation import filter_logits

# Few distinct values: equal logits, where it matters which symbol comes first, are common.
LOGITS = st.lists(
    st.one_of(st.integers(-3, 3).map(float), st.floats(-40, 40), st.just(-math.inf)), min_size=1, max_size=12
).filter(lambda row: max(row) > -math.inf)
TEMPERATURES = st.floats(0.05, 20)
TOP_P = st.floats(1e-6, 1.0)


def probabilities(
    row: list[float], temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> list[float]:
    return filter_logits(torch.tensor([row], dtype=torch.float64), temperature, top_k, top_p)[0].tolist()


def softmax(row: list[float], temperature: float) -> list[float]:
    weights = [math.exp((x - max(row)) / temperature) for x in row]
    return [w / sum(weights) for w in weights]


def by_rank(p: list[float]) -> list[int]:
    """Symbols from the likeliest down, the lower number first where two are equal."""
    return sorted(range(len(p)), key=lambda symbol: (-p[symbol], symbol))


@given(LOGITS, TEMPERATURES, st.data())
def test_probabilities_sum_to_one_and_none_is_negative(
    row: list[float], temperature: float, data: st.DataObject
) -> None:
    top_k = data.draw(st.none() | st.integers(1, len(row)))
    top_p = data.draw(st.none() | TOP_P)
    p = probabilities(row, temperature, top_k, top_p)
    assert sum(p) == pytest.approx(1, abs=1e-12)
    assert min(p) >= 0


@given(LOGITS, TEMPERATURES)
def test_without_filters_it_is_softmax(row: list[float], temperature: float) -> None:
    assert probabilities(row, temperature) == pytest.approx(softmax(row, temperature), rel=1e-12, abs=1e-300)


@given(LOGITS, TEMPERATURES, st.data())
def test_top_k_keeps_the_k_likeliest_in_their_proportions(
    row: list[float], temperature: float, data: st.DataObject
) -> None:
    top_k = data.draw(st.integers(1, len(row)))
    whole, cut = softmax(row, temperature), probabilities(row, temperature, top_k)
    kept = by_rank(row)[:top_k]
    share = sum(whole[symbol] for symbol in kept)
    expected = [whole[symbol] / share if symbol in kept else 0 for symbol in range(len(row))]
    assert cut == pytest.approx(expected, rel=1e-12, abs=1e-300)
    assert sum(x > 0 for x in cut) <= top_k


@given(LOGITS, TEMPERATURES, TOP_P)
def test_top_p_keeps_the_fewest_symbols_that_reach_p(row: list[float], temperature: float, top_p: float) -> None:
    whole, cut = softmax(row, temperature), probabilities(row, temperature, None, top_p)
    kept = [symbol for symbol in by_rank(row) if cut[symbol] > 0]
    assert kept == by_rank(row)[: len(kept)], "the likeliest ones stay"
    share = sum(whole[symbol] for symbol in kept)
    assert share >= top_p - 1e-9
    assert len(kept) == 1 or share - whole[kept[-1]] < top_p + 1e-9, "one fewer would not reach p"
    assert [cut[s] for s in kept] == pytest.approx([whole[s] / share for s in kept], rel=1e-9)


def test_top_p_counts_in_what_top_k_left() -> None:
    row = [math.log(x) for x in (0.4, 0.3, 0.2, 0.1)]
    # Of the two that top-k leaves, the first has 4/7 = 0.571.
    assert probabilities(row, 1, 2, 0.57) == pytest.approx([1, 0, 0, 0])
    assert probabilities(row, 1, 2, 0.58) == pytest.approx([4 / 7, 3 / 7, 0, 0])


def test_top_p_1_keeps_what_rounding_would_cut_off() -> None:
    row = [0.0, 0.0] + [-45.0] * 3  # the tail is below the last digit of a sum that is 1
    assert all(x > 0 for x in probabilities(row, 1, None, 1.0))


def test_of_equal_logits_the_lower_number_stays() -> None:
    assert probabilities([1.0, 2.0, 2.0, 2.0], 1, 2) == pytest.approx([0, 0.5, 0.5, 0])
    assert probabilities([2.0, 2.0, 2.0], 0) == [1, 0, 0]
    assert probabilities([2.0, 2.0, 2.0], 1, None, 0.5) == pytest.approx([0.5, 0.5, 0])
    assert probabilities([2.0, 2.0], 1, None, 0.5) == [1, 0], "the first reaches a half already"
    assert probabilities([1.0] * 5000, 1, 2)[:3] == [0.5, 0.5, 0]


@given(LOGITS)
def test_temperature_0_is_the_likeliest_symbol(row: list[float]) -> None:
    assert probabilities(row, 0) == [float(symbol == by_rank(row)[0]) for symbol in range(len(row))]


@given(st.lists(st.integers(-20, 20).map(float), min_size=2, max_size=8, unique=True))
def test_temperature_towards_0_tends_to_greedy(row: list[float]) -> None:
    best = row.index(max(row))
    shares = [probabilities(row, temperature)[best] for temperature in (2.0, 1.0, 0.5, 0.1, 0.01, 1e-300)]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_high_temperature_tends_to_equal_shares() -> None:
    assert probabilities([5.0, 0.0, -5.0, 1.0], 1e9) == pytest.approx([0.25] * 4, abs=1e-6)


def test_logits_of_any_size_and_kind_give_float64() -> None:
    p = filter_logits(torch.tensor([[1e4, 9e3, -1e4]], dtype=torch.float32))
    assert p.dtype == torch.float64
    assert p.tolist() == [[1.0, 0.0, 0.0]]


def test_each_row_is_filtered_on_its_own_and_the_logits_stay() -> None:
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(3))
    before = logits.clone()
    together = filter_logits(logits, 0.7, 3, 0.8)
    assert torch.equal(together, torch.cat([filter_logits(row[None], 0.7, 3, 0.8) for row in logits]))
    assert torch.equal(logits, before)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": -0.5}, "temperature is 0 .* got -0.5"),
        ({"temperature": math.nan}, "temperature .* got nan"),
        ({"temperature": math.inf}, "temperature .* got inf"),
        ({"top_k": 0}, "top_k is between 1 and the 3 symbols .* got 0"),
        ({"top_k": -1}, "top_k .* got -1"),
        ({"top_k": 4}, "top_k .* got 4"),
        ({"top_p": 0.0}, "top_p is above 0 and at most 1; got 0.0"),
        ({"top_p": 1.01}, "top_p .* got 1.01"),
        ({"top_p": math.nan}, "top_p .* got nan"),
    ],
)
def test_values_out_of_range_are_told(values: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        filter_logits(torch.zeros(1, 3), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_logits_that_are_not_finite_are_shown(wrong: float, temperature: float) -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0], [0.0, wrong, 2.0]])
    with pytest.raises(NonFiniteError, match="NaN or infinite"):
        filter_logits(logits, temperature)


def test_a_row_without_any_possible_symbol_is_shown() -> None:
    nothing: Tensor = torch.full((1, 3), -math.inf)
    with pytest.raises(NonFiniteError):
        filter_logits(nothing)
