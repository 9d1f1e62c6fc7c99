"""The sampling loop against a hand-made model whose every answer is known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from elman.data import Vocabulary
from elman.errors import InputError
from elman.generation import sample

NAMES = Vocabulary("characters", ("", "a", "b", "c"), has_boundary=True)
TEXT = Vocabulary("characters", ("\n", "a", "b", "c"), has_boundary=False)


class Counting:
    """After symbol k comes k + 1, and after the last one the first; the state counts steps."""

    def __init__(self) -> None:
        self.read: list[list[int]] = []

    def __call__(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        self.read.append(tokens.tolist())
        logits = torch.full((len(tokens), 4), -50.0)
        logits[torch.arange(len(tokens)), (tokens + 1) % 4] = 50.0
        return logits, (state or 0) + 1


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_line_begins_and_ends_at_the_boundary() -> None:
    step = Counting()
    assert sample(step, NAMES, count=2, length=30, generator=generator()) == ["abc", "abc"]
    assert step.read == [[0, 0], [1, 1], [2, 2], [3, 3]]


def test_the_prompt_is_read_and_belongs_to_the_text() -> None:
    step = Counting()
    assert sample(step, NAMES, prompt="b", count=1, length=30, generator=generator()) == ["bc"]
    assert step.read == [[0], [2], [3]]


def test_running_text_goes_on_and_its_start_is_not_shown() -> None:
    assert sample(Counting(), TEXT, count=1, length=6, generator=generator()) == ["abc\nab"]
    assert sample(Counting(), TEXT, prompt="c", count=1, length=3, generator=generator()) == ["c\nab"]


def test_length_counts_new_symbols() -> None:
    assert sample(Counting(), NAMES, count=1, length=2, generator=generator()) == ["ab"]


class Uniform:
    def __call__(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        return torch.zeros(len(tokens), 4), None


def test_the_same_seed_gives_the_same_texts_and_ended_ones_stay() -> None:
    first = sample(Uniform(), NAMES, count=50, length=40, generator=generator(7))
    assert first == sample(Uniform(), NAMES, count=50, length=40, generator=generator(7))
    assert first != sample(Uniform(), NAMES, count=50, length=40, generator=generator(8))
    # The u of a text do not depend on when the others end: drawn one step longer, each begins with the same symbols.
    longer = sample(Uniform(), NAMES, count=50, length=60, generator=generator(7))
    assert all(b.startswith(a) for a, b in zip(first, longer, strict=True))
    assert len(set(first)) > 10


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"length": 0}, "length"),
        ({"count": 0}, "count"),
        ({"prompt": "abx"}, "'x'"),
        ({"top_k": 9}, "top_k"),
        ({"temperature": -1.0}, "temperature"),
    ],
)
def test_bad_values_are_told_before_the_model_is_asked(kwargs: dict[str, Any], says: str) -> None:
    step = Counting()
    with pytest.raises(InputError, match=says):
        sample(step, NAMES, **{"count": 1, "length": 5, **kwargs}, generator=generator())
    assert step.read == []
