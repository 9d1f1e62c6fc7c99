"""Batches of running text: the chunks of each stream follow one another, and every target comes once."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.data import Part, StreamBatches, Vocabulary
from elman.errors import DataError, InputError

KNOWN = Vocabulary("characters", tuple("abcde"), False)


def batches(text: str, batch_size: int, steps: int) -> StreamBatches:
    return StreamBatches(Part((), None, text), KNOWN, batch_size, steps)


@given(st.text("abcde", min_size=2, max_size=200), st.integers(1, 9), st.integers(1, 20))
def test_chunks_join_into_streams_and_streams_into_the_text(text: str, batch_size: int, steps: int) -> None:
    made = batches(text, batch_size, steps)
    streams: list[tuple[str, str]] = []
    counted = 0
    for chunk in made.plan(None):
        batch = made.batch(chunk)
        assert {tensor.dtype for tensor in batch[:3]} == {torch.int64}
        assert batch.carry == (chunk > 0)
        assert batch.categories is None
        width = batch.inputs.shape[1]
        assert int(batch.lengths.min()) >= 1
        last = chunk == made.plan(None)[-1]
        assert width == steps or (last and width <= steps + 1)
        assert batch.inputs.shape == batch.targets.shape
        streams = streams or [("", "")] * len(batch.inputs)
        assert len(batch.inputs) == len(streams) <= batch_size
        for row, length in enumerate(batch.lengths.tolist()):
            assert not batch.inputs[row, length:].any()
            assert not batch.targets[row, length:].any()
            inputs = KNOWN.decode(batch.inputs[row, :length].tolist())
            targets = KNOWN.decode(batch.targets[row, :length].tolist())
            streams[row] = streams[row][0] + inputs, streams[row][1] + targets
        counted += int(batch.lengths.sum())
    assert "".join(inputs for inputs, _ in streams) == text[:-1]
    assert "".join(targets for _, targets in streams) == text[1:]
    assert counted == made.symbols == len(text) - 1
    lengths = [len(inputs) for inputs, _ in streams]
    assert max(lengths) - min(lengths) <= 1
    assert len(streams) == 1 or min(lengths) >= steps, "a short text has fewer streams"


def test_a_small_example() -> None:
    made = batches("abcdeabcd", 2, 3)  # 8 targets: two streams of 4, chunks of 3 and 1
    first, second = (made.batch(chunk) for chunk in made.plan(None))
    assert first.inputs.tolist() == [[0, 1, 2], [4, 0, 1]]
    assert first.targets.tolist() == [[1, 2, 3], [0, 1, 2]]
    assert second.inputs.tolist() == [[3], [2]]
    assert second.targets.tolist() == [[4], [3]]
    assert (first.carry, second.carry) == (False, True)


def test_a_remainder_makes_the_last_chunk_longer() -> None:
    made = batches("abcdeabc", 2, 3)  # 7 targets: streams of 4 and 3, one chunk
    assert made.plan(None) == [0]
    batch = made.batch(0)
    assert batch.lengths.tolist() == [4, 3]
    assert batch.inputs.tolist() == [[0, 1, 2, 3], [4, 0, 1, 0]]
    assert batch.targets.tolist() == [[1, 2, 3, 4], [0, 1, 2, 0]]


def test_a_generator_does_not_change_the_order() -> None:
    made = batches("abcde" * 20, 2, 5)
    drawn = torch.Generator().manual_seed(1)
    state = drawn.get_state()
    assert made.plan(drawn) == made.plan(None) == list(range(10))
    assert torch.equal(drawn.get_state(), state)


def test_what_can_not_be_batched() -> None:
    for batch_size, steps in ((0, 3), (3, 0)):
        with pytest.raises(InputError, match=f"must be at least 1; got {batch_size} and {steps}"):
            batches("abc", batch_size, steps)
    for text in ("", "a"):
        with pytest.raises(DataError, match="fewer than two symbols"):
            batches(text, 1, 1)
