"""Steps of training of a recipe for texts with labels, as `elman.train` takes them, on batches that one chooses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from elman.data import (
    Batch,
    DataSettings,
    LabelledSplit,
    TextBatches,
    Vocabulary,
    load_labelled,
    split_labelled,
)  # fmt: skip
from elman.nn import Recurrent
from elman.randomness import named_generator
from elman.training import Loss, TrainingSettings, make_optimiser
from elman.training.step import Refused, train_step

REHEARSAL = {"data.cut_at": 12, "model.embedding": 6, "model.hidden": 8}


class RecipeSteps:
    """A recipe from its data to its optimiser."""

    def __init__(self, recipe: str, settings: dict[str, Any]) -> None:
        self.settings = TrainingSettings()
        self.vocabulary, self.split, self.task = _stand_in(recipe, settings)
        self.batches = TextBatches(self.split.train, self.vocabulary, self.settings.batch_size)
        self.optimiser = make_optimiser(self.settings, self.task.module.parameters())
        self.shuffle = named_generator(self.settings.seed, "shuffle")

    def draw(self) -> list[list[int]]:
        """The batches of an epoch."""
        return self.batches.plan(self.shuffle)

    def tokens_in(self, plan: Iterable[Sequence[int]]) -> int:
        return sum(int(self.batches.lengths[list(key)].sum()) for key in plan)

    def train(self, plan: Iterable[Sequence[int]]) -> None:
        """A step on each of these batches."""
        self.task.module.train()
        for key in plan:
            done = train_step(
                self.task, self.batches.batch(list(key)), None, self.optimiser, self.settings, self.settings.rate
            )
            assert not isinstance(done, Refused), done


# Until the recipes are here:


class _Model(nn.Module):
    def __init__(self, symbols: int, cell: str, *, bidirectional: bool, embedding: int, hidden: int) -> None:
        super().__init__()
        generator = named_generator(1, "init")
        drawn = torch.randn(symbols, embedding, generator=generator)
        self.embedding = nn.Embedding(symbols, embedding, _weight=drawn)
        self.recurrent = Recurrent(
            cell, embedding, hidden, batch_first=True, bidirectional=bidirectional, generator=generator
        )
        width = (1 + bidirectional) * hidden
        self.weight = nn.Parameter(torch.empty(1, width).uniform_(-(width**-0.5), width**-0.5, generator=generator))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, state = self.recurrent(packed)
        h = state[0] if isinstance(state, tuple) else state
        return functional.linear(torch.cat(list(h), dim=1), self.weight, self.bias)[:, 0]


class _Task:
    def __init__(self, module: _Model) -> None:
        self.module = module

    def loss(self, batch: Batch, state: Any) -> Loss:  # noqa: ARG002
        logits = self.module(batch.inputs, batch.lengths)
        nats = functional.binary_cross_entropy_with_logits(logits, batch.targets.float(), reduction="sum")
        return Loss(nats, len(logits))


def _stand_in(recipe: str, settings: dict[str, Any]) -> tuple[Vocabulary, LabelledSplit, _Task]:
    values = {
        "data.source": "imdb", "data.units": "words", "data.lower": True, "data.cut_at": 256, "data.max_symbols": 25_000,
        "model.cell": "elman" if recipe == "imdb-rnn" else "lstm", "model.bidirectional": recipe != "imdb-rnn",
        "model.embedding": 128, "model.hidden": 256, **settings,
    }  # fmt: skip
    sections = {
        section: {key.partition(".")[2]: value for key, value in values.items() if key.startswith(section)}
        for section in ("data", "model")
    }
    data = DataSettings(**sections["data"])
    parts = split_labelled(load_labelled(data), data, 1)
    vocabulary = Vocabulary.of_texts(parts.train.texts, data)
    return vocabulary, parts, _Task(_Model(vocabulary.size, **sections["model"]))
