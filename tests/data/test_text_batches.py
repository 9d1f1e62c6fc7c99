"""Batches of labelled texts: each text once, padding never counted, little of it, and an order that can be drawn again."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from labelled_examples import settings

from elman.data import LabelledTexts, TextBatches, Vocabulary
from elman.errors import DataError, InputError

TEXTS = st.lists(st.text("abc ", max_size=12), min_size=1, max_size=60)
KNOWN = Vocabulary.of_texts(["a b c"], settings())


def part(texts: list[str]) -> LabelledTexts:
    return LabelledTexts(tuple(texts), tuple(n % 3 for n in range(len(texts))), tuple(map(str, range(len(texts)))))


def lengths_of(lengths: list[int], batch_size: int) -> TextBatches:
    return TextBatches(part(["a " * length for length in lengths]), KNOWN, batch_size)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(TEXTS, st.integers(1, 9), st.integers(0, 99) | st.none())
def test_every_text_is_in_exactly_one_batch(texts: list[str], batch_size: int, seed: int | None) -> None:
    made = TextBatches(part(texts), KNOWN, batch_size)
    plan = made.plan(None if seed is None else generator(seed))
    assert sorted(number for key in plan for number in key) == list(range(len(texts)))
    assert all(1 <= len(key) <= batch_size for key in plan)
    assert json.loads(json.dumps(plan)) == plan
    seen: Counter[tuple[tuple[int, ...], int]] = Counter()
    positions = 0
    for key in plan:
        batch = made.batch(key)
        assert {tensor.dtype for tensor in batch[:3]} == {torch.int64}
        assert batch.inputs.shape == (len(key), int(batch.lengths.max()))
        assert batch.targets.shape == batch.lengths.shape == (len(key),)
        assert (batch.categories, batch.carry) == (None, False)
        assert int(batch.lengths.min()) >= 1
        for number, row, length, label in zip(
            key, batch.inputs, batch.lengths.tolist(), batch.targets.tolist(), strict=True
        ):
            assert not row[length:].any()
            assert row[:length].tolist() == (KNOWN.encode(texts[number]) or [0])
            seen[tuple(row[:length].tolist()), label] += 1
        positions += batch.inputs.numel()
    assert seen.total() == made.symbols == len(texts)
    assert made.tokens == int(made.lengths.sum())
    assert made.padding_share(plan) == pytest.approx(1 - made.tokens / positions)
    assert made.counts(KNOWN.size).tolist() == [
        sum((KNOWN.encode(text) or [0]).count(number) for text in texts) for number in range(KNOWN.size)
    ]


def test_the_order_is_drawn_and_can_be_drawn_again() -> None:
    made = lengths_of([1, 2, 3, 4] * 50, 8)
    first, again, other = made.plan(generator(1)), made.plan(generator(1)), made.plan(generator(2))
    assert first == again != other
    assert {frozenset(key) for key in first} != {frozenset(key) for key in other}
    one = generator(1)
    assert made.plan(one) != made.plan(one), "each epoch has its own order"
    assert made.plan(None) == made.plan(None)


def test_an_epoch_can_be_taken_up_in_the_middle() -> None:
    """As the loop resumes: the generator's state from before the plan, then the batches that were not done."""
    made, running = lengths_of(list(range(1, 100)), 4), generator()
    made.plan(running)
    state = running.get_state()
    plan = made.plan(running)
    later = torch.Generator()
    later.set_state(state)
    again = made.plan(later)
    assert plan == again
    assert torch.equal(running.get_state(), later.get_state())
    for key in plan[10:]:
        assert all(
            torch.equal(a, b)
            for a, b in zip(made.batch(key)[:3], made.batch(json.loads(json.dumps(key)))[:3], strict=True)
        )


def test_drawing_an_order_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    lengths_of([1, 2], 1).plan(generator())
    assert torch.equal(before, torch.get_rng_state())


def test_mixed_lengths_cost_little() -> None:
    """Log-normal lengths, as those of reviews: at least 85 % of the positions are tokens, whatever the batch size."""
    drawn = torch.empty(5000).log_normal_(5, 0.8, generator=generator()).long().clamp(min=1)
    for lengths in (drawn, drawn.clamp(max=256), torch.cat([drawn[:500], torch.tensor([20_000])])):
        for batch_size in (16, 64):
            made = lengths_of(lengths.tolist(), batch_size)
            plan = made.plan(generator())
            assert made.padding_share(plan) < 0.15
            assert len(plan) <= 1.2 * len(lengths) / batch_size + 8


def test_a_small_part_keeps_its_batch_size() -> None:
    made = lengths_of(list(range(1, 21)), 64)
    assert [len(key) for key in made.plan(None)] == [20]


def test_real_reviews_would_fit() -> None:
    cut = Vocabulary.of_texts(["a b c"], settings(cut_at=3))
    made = TextBatches(part(["a b c a b c", "", "c"]), cut, 3)
    batch = made.batch([0, 1, 2])
    assert batch.inputs.tolist() == [[2, 3, 4], [0, 0, 0], [4, 0, 0]]
    assert batch.lengths.tolist() == [3, 1, 1]
    assert batch.targets.tolist() == [0, 1, 2]


def test_what_can_not_be_batched() -> None:
    with pytest.raises(InputError, match="batch_size must be at least 1; got 0"):
        TextBatches(part(["a"]), KNOWN, 0)
    with pytest.raises(DataError, match="no texts in this part"):
        TextBatches(part([]), KNOWN, 1)
    with pytest.raises(InputError, match="this one is a language model's"):
        TextBatches(part(["a"]), Vocabulary("words", ("", "a"), True), 1)
