"""Batches of lines: every target once, padding never counted."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.data import Batch, Corpus, DataSettings, LineBatches, Part, Vocabulary
from elman.errors import DataError, InputError

LINES = st.lists(st.text("abcde", min_size=1, max_size=12), min_size=1, max_size=40)
KNOWN = Vocabulary("characters", ("", "a", "b", "c", "d", "e"), True)


def batches(lines: list[str], batch_size: int = 4, labels: tuple[int, ...] | None = None) -> LineBatches:
    return LineBatches(Part(tuple(lines), labels, ""), KNOWN, batch_size)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows(batch: Batch) -> list[tuple[list[int], list[int]]]:
    """Inputs and targets of each row, after checking that what lies beyond its length is 0."""
    found = []
    for inputs, targets, length in zip(batch.inputs, batch.targets, batch.lengths.tolist(), strict=True):
        assert not inputs[length:].any()
        assert not targets[length:].any()
        found.append((inputs[:length].tolist(), targets[:length].tolist()))
    return found


@given(LINES, st.integers(1, 9), st.integers(0, 99) | st.none())
def test_every_line_is_in_exactly_one_batch(lines: list[str], batch_size: int, seed: int | None) -> None:
    made = batches(lines, batch_size)
    plan = made.plan(None if seed is None else generator(seed))
    assert sorted(number for key in plan for number in key) == list(range(len(lines)))
    assert all(len(key) <= batch_size for key in plan)
    assert len(plan) == -(-len(lines) // batch_size)
    seen: Counter[str] = Counter()
    positions = symbols = 0
    for key in plan:
        batch = made.batch(key)
        assert {tensor.dtype for tensor in batch[:3]} == {torch.int64}
        assert batch.inputs.shape == batch.targets.shape == (len(key), int(batch.lengths.max()))
        assert batch.carry is False
        for number, (inputs, targets) in zip(key, rows(batch), strict=True):
            assert inputs == [0, *targets[:-1]]
            assert targets == [*KNOWN.encode(lines[number]), 0]
            seen[KNOWN.decode(targets)] += 1
        positions += batch.inputs.numel()
        symbols += int(batch.lengths.sum())
    assert seen == Counter(lines)
    assert symbols == made.symbols == sum(len(line) + 1 for line in lines)
    assert made.padding_share == pytest.approx(1 - symbols / positions)


def test_lines_of_like_length_are_together() -> None:
    lines = ["a" * (1 + number % 10) for number in range(200)]
    assert batches(lines, 20).padding_share == 0
    assert batches(lines, 7).padding_share < 0.03
    assert batches(lines, 200).padding_share == pytest.approx(1 - 6.5 / 11)


def test_the_order_is_drawn_and_can_be_drawn_again() -> None:
    lines = ["ab", "cd", "ea", "a", "b", "abc"] * 5
    made = batches(lines, 3)
    first, again, other = made.plan(generator(1)), made.plan(generator(1)), made.plan(generator(2))
    assert first == again != other
    assert {frozenset(key) for key in first} != {frozenset(key) for key in other}, "ties are broken at random"
    lengths = [len(lines[key[0]]) for key in first]
    assert lengths != sorted(lengths), "batches are shuffled"
    assert made.plan(None) == made.plan(None)
    one = generator(1)
    assert made.plan(one) != made.plan(one), "each epoch has its own order"


def test_drawing_an_order_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    batches(["ab", "c"]).plan(generator())
    assert torch.equal(before, torch.get_rng_state())


def test_categories_follow_their_lines() -> None:
    made = batches(["a", "bb", "c", "dd"], 2, labels=(5, 6, 7, 8))
    got = {}
    for key in made.plan(generator()):
        batch = made.batch(key)
        assert batch.categories is not None
        got.update(zip(key, batch.categories.tolist(), strict=True))
    assert got == {0: 5, 1: 6, 2: 7, 3: 8}
    assert batches(["a"]).batch([0]).categories is None


def test_one_line() -> None:
    batch = batches(["abc"]).batch([0])
    assert rows(batch) == [([0, 1, 2, 3], [1, 2, 3, 0])]


def test_what_can_not_be_batched() -> None:
    with pytest.raises(InputError, match="batch_size must be at least 1; got 0"):
        batches(["a"], 0)
    with pytest.raises(DataError, match="no lines in this part"):
        batches([])
    with pytest.raises(InputError, match=r"no 'z' \(character 1\)"):
        batches(["z"])
    text = Corpus("continuous", (), None, (), "ab", "test", "", ())
    with pytest.raises(InputError, match="built for running text"):
        LineBatches(Part(("a",), None, ""), Vocabulary.build(text, DataSettings()), 4)
