"""Few sequences, many threads: the threads share the units of a part, and no number depends on how many they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence

from elman.engines import fused
from elman.nn import Recurrent

pytestmark = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")

CELLS = ("elman", "lstm", "gru", "lstm-peephole", "indrnn", "mingru")
#: So many multiplications in all that a call is worth threads, and more than a panel of units.
STEPS, INPUTS = 60, 70


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=fused.instruction_sets() or ["none"], autouse=True)
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "INSTRUCTION_SET", request.param if request.param != "none" else "")


def numbers(count: int, cell: str, lengths: list[int], units: int, **options: Any) -> list[Tensor]:
    """Outputs, final states and all gradients of a layer, by `count` threads."""
    torch.set_num_threads(count)
    generator = torch.Generator().manual_seed(1)
    layer = Recurrent(cell, INPUTS, units, engine="fused", generator=generator, **options)
    x = torch.randn(max(lengths), len(lengths), INPUTS, generator=generator).requires_grad_()
    output, state = layer(pack_padded_sequence(x, lengths, enforce_sorted=False))
    states = state if isinstance(state, tuple) else (state,)
    loss = (output.data * torch.randn(output.data.shape, generator=generator)).sum()
    for one in states:
        loss = loss + (one * torch.randn(one.shape, generator=generator)).sum()
    loss.backward()
    return [output.data, *states, x.grad, *(p.grad for p in layer.parameters())]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("cell", CELLS)
def test_one_part_is_the_same_by_any_number_of_threads(cell: str, precision: str) -> None:
    """Up to three sequences are one part for two threads, and in one direction for three as well."""
    for lengths, units in (([STEPS], 130), ([STEPS, STEPS], 129), ([STEPS, 31, 7], 200), ([1500], 66)):
        alone = numbers(1, cell, lengths, units, precision=precision)
        for count in (2, 3):
            assert same(alone, numbers(count, cell, lengths, units, precision=precision)), (lengths, units, count)


@given(
    st.lists(st.integers(1, 90), min_size=1, max_size=6), st.integers(60, 200), st.integers(2, 5), st.booleans(), st.sampled_from(CELLS)
)  # fmt: skip
@settings(max_examples=25)
def test_any_number_of_threads_gives_nearly_the_same_and_twice_exactly_the_same(
    lengths: list[int], units: int, count: int, bidirectional: bool, cell: str
) -> None:
    alone = numbers(1, cell, lengths, units, bidirectional=bidirectional)
    first, second = (numbers(count, cell, lengths, units, bidirectional=bidirectional) for _ in range(2))
    assert same(first, second)
    for a, b in zip(alone, first, strict=True):
        assert (a - b).abs().max() <= 2e-5 * (1 + a.abs().max())
