"""Dropout of models that classify: only in training, only from the generator that was given, of what it says it drops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from text_models import TEXTS, answers, averaging_by_hand, bag_by_hand, made, padded, recurrent_by_hand

BAG = {"shape": "bag-of-words", "hidden": 128, "embedding": 0}
KINDS: dict[str, dict[str, Any]] = {
    "before the output layer": {"dropout": 0.5},
    "between layers": {"dropout": 0.5, "layers": 2},
    "inputs": {"input_dropout": 0.5},
    "words": {"word_dropout": 0.5},
    "words of an average": {"shape": "average", "hidden": 128, "word_dropout": 0.5},
    "inputs of an average": {"shape": "average", "hidden": 128, "input_dropout": 0.5},
    "hidden layers of an average": {"shape": "average", "hidden": 128, "dropout": 0.5, "hidden_layers": [6]},
    "inputs of a bag": {**BAG, "input_dropout": 0.5},
    "hidden layers of a bag": {**BAG, "dropout": 0.5, "hidden_layers": [6]},
}


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_generator_and_only_in_training(kind: str) -> None:
    model = made(**KINDS[kind])
    still = answers(model, *padded())
    assert np.array_equal(still, answers(model, *padded()))
    model.train()
    before = torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        model.draw_dropout_from(seeded(seed))
        drawn.append(answers(model, *padded()))
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], still)
    assert not np.array_equal(drawn[2], answers(model, *padded())), "every call draws anew"
    assert torch.equal(before, torch.get_rng_state()), "nothing comes from the global generator"
    assert np.array_equal(answers(model.eval(), *padded()), still)


@pytest.mark.parametrize("kind", ["recurrent", "average"])
def test_words_that_are_dropped_are_read_as_unknown(kind: str) -> None:
    """With nearly all of them dropped: as texts of the unknown word, number 1, as long as they were."""
    shape = {"shape": "average", "hidden": 128} if kind == "average" else {"pooling": "concat"}
    model = made(word_dropout=1 - 1e-12, **shape).train()
    model.draw_dropout_from(seeded())
    by_hand = averaging_by_hand if kind == "average" else recurrent_by_hand
    unknown = [[1] * len(text) for text in TEXTS]
    np.testing.assert_allclose(answers(model, *padded()), by_hand(model, unknown), rtol=1e-9)


def test_the_share_of_dropped_words_and_that_each_place_is_drawn_for_itself() -> None:
    model = made(word_dropout=0.3).train()
    model.draw_dropout_from(seeded())
    numbers = torch.arange(2, 7).repeat(4000)
    read = model.embedding.words(numbers)
    dropped = read != numbers
    assert set(read[dropped].tolist()) == {1}
    share = dropped.double().mean().item()
    assert abs(share - 0.3) < 4 * (0.3 * 0.7 / len(numbers)) ** 0.5
    assert all(0 < dropped[numbers == word].sum() < 4000 for word in range(2, 7))


@pytest.mark.parametrize("kind", ["inputs", "inputs of an average", "inputs of a bag", "before the output layer"])
def test_what_is_left_is_scaled_so_that_the_mean_stays(kind: str) -> None:
    """What the output layer gets is linear in what was dropped, but for the recurrent layers: there, the pooled vector is watched."""
    model = made(**KINDS[kind]).train()
    model.draw_dropout_from(seeded())
    watched = {"inputs": "embedding", "inputs of an average": "embedding"}.get(kind)
    if watched:
        numbers = torch.arange(2, 7)
        found = torch.stack([model.embedding(numbers) for _ in range(4000)]).detach()
        still = model.embedding.weight[numbers].detach()
        assert set((found / still).round(decimals=9).unique().tolist()) == {0.0, 2.0}
    else:
        found = torch.stack([model.logits(*padded()) for _ in range(4000)]).detach()
        still = model.eval().logits(*padded()).detach()
    deviation = found.std(0) / len(found) ** 0.5
    assert bool(((found.mean(0) - still).abs() < 5 * deviation + 1e-12).all())


def test_all_inputs_dropped_leave_the_bias() -> None:
    model = made(**BAG, input_dropout=1.0).train()
    expected = bag_by_hand(model, np.zeros((len(TEXTS), 7)))
    np.testing.assert_allclose(answers(model, *padded()), expected, rtol=1e-12)
