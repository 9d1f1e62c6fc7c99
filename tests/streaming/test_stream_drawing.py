"""How the kernels draw: symbol for symbol what `filter_logits` and `draw` do, ties and all, on logits of any kind."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from streamed import HAVE_KERNELS, generator

from elman.errors import NonFiniteError
from elman.models import LanguageModel, ModelSettings
from elman.models.drawing import draw, filter_logits

pytestmark = pytest.mark.skipif(not HAVE_KERNELS, reason="Elman was installed without a C++ compiler")
# Few distinct values: equal logits, where it matters which symbol comes first and where top_p is just reached, are common.
ROWS = st.lists(
    st.one_of(st.integers(-3, 3).map(float), st.floats(-40, 40), st.just(-math.inf)), min_size=2, max_size=40
)
COUNT = 64


def drawn_by_the_kernels(row: list[float], seed: int, dtype: torch.dtype, **filters: Any) -> Any:
    """COUNT texts of a model whose logits are `row` whatever it reads."""
    model = LanguageModel(ModelSettings(hidden=1), len(row)).to(dtype)
    with torch.no_grad():
        model.output.weight.zero_()
        model.output.bias.copy_(torch.tensor(row, dtype=torch.float64))
    stream = model.stream(COUNT)
    assert stream.engine_used == "fused"
    stream.step(torch.zeros(COUNT, dtype=torch.int64))
    return answer(lambda: stream.generate(1, generator=generator(seed), **filters)[:, 0])


def answer(action: Any) -> Any:
    try:
        return action().tolist()
    except NonFiniteError as error:
        return str(error)


@given(
    ROWS,
    st.integers(0, 2**32),
    st.sampled_from([torch.float32, torch.float64]),
    st.one_of(st.sampled_from([0, 1.0, 1e-9, 1e-300, 1e9]), st.floats(0.05, 20)),
    st.one_of(st.none(), st.floats(0, 1)),
    st.one_of(st.none(), st.sampled_from([k / 20 for k in range(1, 21)]), st.floats(1e-9, 1)),
)
@example([0.0] * 10, 1, torch.float32, 1.0, 1.0, 0.8)
@example([0.0] * 9, 1, torch.float64, 3.0, 0.9, 0.5)
@example([-math.inf, -math.inf], 1, torch.float32, 1.0, None, None)
def test_the_same_symbols(
    row: list[float], seed: int, dtype: torch.dtype, temperature: float, share: float | None, top_p: float | None
) -> None:
    top_k = None if share is None else max(1, round(share * len(row)))
    ours = drawn_by_the_kernels(row, seed, dtype, temperature=temperature, top_k=top_k, top_p=top_p)
    logits = torch.tensor([row], dtype=dtype).expand(COUNT, -1)
    assert ours == answer(lambda: draw(filter_logits(logits, temperature, top_k, top_p), generator(seed)))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("place", [0, 3, 8])
def test_logits_that_are_not_finite(bad: float, place: int, kernels: str) -> None:
    row = [1.0] * 9
    row[place] = bad
    for filters in ({}, {"temperature": 0}, {"top_k": 2}):
        assert "NaN or infinite" in drawn_by_the_kernels(row, 1, torch.float32, **filters)
    allowed = drawn_by_the_kernels(row, 1, torch.float32, never=place)  # what is left out is not looked at
    assert place not in allowed
    assert len(set(allowed)) == 8


def test_a_symbol_that_is_never_drawn(kernels: str) -> None:
    row = [5.0, 9.0, 1.0, 2.0]
    assert set(drawn_by_the_kernels(row, 1, torch.float64, temperature=5.0, never=1)) == {0, 2, 3}
    assert set(drawn_by_the_kernels(row, 1, torch.float64, temperature=0, never=1)) == {0}
    assert set(drawn_by_the_kernels(row, 1, torch.float64, top_k=2, temperature=9.0, never=1)) == {0, 3}


def test_uniform_numbers_drawn_at_once_are_those_drawn_one_by_one() -> None:
    """What lets a whole text be drawn in one call: the generator's stream does not depend on how it is cut."""
    for shape in ((1, 1), (7, 1), (16, 3), (100, 20), (3, 64)):
        whole, single = generator(9), generator(9)
        at_once = torch.rand(*shape, generator=whole, dtype=torch.float64)
        one_by_one = torch.stack(
            [torch.rand(shape[1], 1, generator=single, dtype=torch.float64)[:, 0] for _ in range(shape[0])]
        )
        assert torch.equal(at_once, one_by_one)
        assert torch.equal(whole.get_state(), single.get_state())
