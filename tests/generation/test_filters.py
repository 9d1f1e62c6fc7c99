"""Temperature, top-k, top-p: what is kept, and that it is a distribution."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import InputError
from elman.generation import filter_logits
from elman.generation.sampling import draw

LOGITS = st.lists(st.floats(-30, 30), min_size=1, max_size=12)


@given(LOGITS, st.floats(0.05, 5), st.integers(1, 12), st.floats(0.01, 1))
def test_probabilities_sum_to_one_and_only_what_is_asked_for_is_kept(
    logits: list[float], temperature: float, k: int, top_p: float
) -> None:
    k = min(k, len(logits))
    p = filter_logits(torch.tensor([logits]), temperature, k, top_p)[0]
    assert p.dtype == torch.float64
    assert p.sum().item() == pytest.approx(1, abs=1e-12)
    assert 1 <= int((p > 0).sum()) <= k
    # Whatever is kept is at least as likely as whatever is not.
    kept, dropped = torch.tensor(logits)[p > 0], torch.tensor(logits)[p == 0]
    assert not dropped.numel() or kept.min() >= dropped.max() - 1e-4


@given(LOGITS, st.floats(0.01, 1))
def test_top_p_is_the_smallest_set_that_reaches_p(logits: list[float], top_p: float) -> None:
    whole = torch.softmax(torch.tensor(logits, dtype=torch.float64), 0)
    kept = filter_logits(torch.tensor([logits], dtype=torch.float64), 1.0, None, top_p)[0] > 0
    assert whole[kept].sum() >= top_p - 1e-12
    if kept.sum() > 1:
        assert whole[kept].sum() - whole[kept].min() < top_p


def test_ties_go_to_the_lower_symbol_and_k_is_exact() -> None:
    assert (filter_logits(torch.zeros(1, 6), 1.0, 2) > 0).tolist() == [[True, True, False, False, False, False]]
    assert filter_logits(torch.zeros(1, 6), 0.0).argmax().item() == 0


def test_temperature_by_hand_and_at_its_ends() -> None:
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    wanted = [math.exp(x / 0.5) for x in (1, 2, 3)]
    assert filter_logits(logits, 0.5)[0].tolist() == pytest.approx([w / sum(wanted) for w in wanted])
    assert filter_logits(logits, 0.0).tolist() == [[0, 0, 1]]
    assert filter_logits(logits, 1e-300).tolist() == [[0, 0, 1]]
    assert filter_logits(logits, 1e9)[0].tolist() == pytest.approx([1 / 3] * 3, abs=1e-8)


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"temperature": math.inf}, "temperature"),
        ({"top_k": 0}, "between 1 and the 3 symbols"),
        ({"top_k": 4}, "between 1 and the 3 symbols"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.01}, "top_p"),
        ({"top_p": math.nan}, "top_p"),
    ],
)
def test_values_out_of_range(kwargs: dict[str, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        filter_logits(torch.zeros(1, 3), **kwargs)  # type: ignore[arg-type]


def test_drawn_frequencies_are_the_probabilities_and_impossible_symbols_never_come() -> None:
    p = torch.tensor([[0.0, 0.5, 0.0, 0.3, 0.2, 0.0]], dtype=torch.float64).expand(40_000, -1)
    drawn = draw(p, torch.Generator().manual_seed(5))
    counts = torch.bincount(drawn, minlength=6) / 40_000
    assert counts[[0, 2, 5]].sum() == 0
    assert torch.allclose(counts, p[0].float(), atol=0.01)
