"""The practical's two IMDB experiments in plain torch.nn, as people write them: embedding 128, hidden 256, Adam, BCE with logits.

In two forms. *usual* pads a shuffled batch to its longest text and reads `output[:, -1]`: of a shorter text that is the state after
all its padding. With two directions it is wrong twice: there the backward half has read nothing but one last position.
*right* packs the batch and takes each direction's own last state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from elman.data import TextBatches
from elman.randomness import named_generator

Form = Literal["usual", "right"]
FORMS: tuple[Form, ...] = ("usual", "right")
BATCH, RATE = 64, 1e-3


class Shape(NamedTuple):
    """What differs between the two experiments, and the sizes, which do not."""

    cell: str
    bidirectional: bool = False
    embedding: int = 128
    hidden: int = 256


SHAPES = {"imdb-rnn": Shape("RNN"), "imdb-bilstm": Shape("LSTM", bidirectional=True)}
SMALL_SHAPES = {recipe: shape._replace(embedding=6, hidden=8) for recipe, shape in SHAPES.items()}


class Texts:
    """The texts of a part, as the numbers that our side reads."""

    def __init__(self, ours: TextBatches) -> None:
        self.rows = [ours.batch([k]).inputs[0] for k in range(ours.symbols)]
        self.labels = ours.labels.float()
        self.tokens = ours.tokens

    def in_order(self) -> list[list[int]]:
        """Text numbers by batch, as they come."""
        return _cut(list(range(len(self.rows))))

    def shuffled(self, generator: torch.Generator) -> list[list[int]]:
        """Text numbers by batch, in any order."""
        return _cut(torch.randperm(len(self.rows), generator=generator).tolist())

    def batch(self, key: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Numbers [B, T] padded with 0 to the longest, lengths [B], labels [B]."""
        rows = [self.rows[k] for k in key]
        return pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows]), self.labels[list(key)]


def _cut(order: list[int]) -> list[list[int]]:
    return [order[first : first + BATCH] for first in range(0, len(order), BATCH)]


class Script(nn.Module):
    """Embedding, recurrent layer, one logit."""

    def __init__(self, symbols: int, shape: Shape, form: Form) -> None:
        super().__init__()
        self.form = form
        self.embedding = nn.Embedding(symbols, shape.embedding, padding_idx=0)
        layer = getattr(nn, shape.cell)
        self.recurrent = layer(shape.embedding, shape.hidden, batch_first=True, bidirectional=shape.bidirectional)
        self.output = nn.Linear((1 + shape.bidirectional) * shape.hidden, 1)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Logits [B]."""
        x = self.embedding(tokens)
        if self.form == "usual":
            outputs, _ = self.recurrent(x)
            last = outputs[:, -1]
        else:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            _, state = self.recurrent(packed)
            h = state[0] if isinstance(state, tuple) else state
            last = torch.cat(list(h), dim=1)
        logits: Tensor = self.output(last)[:, 0]
        return logits


class ScriptTraining:
    """A script from its texts to its optimiser, and the loop body that everybody writes.

    The start is torch's own. It is drawn from the global generator, as in a script, which gets its state back afterwards.
    """

    def __init__(self, texts: Texts, symbols: int, shape: Shape, form: Form, seed: int = 1) -> None:
        self.texts = texts
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = Script(symbols, shape, form)
        self.loss = nn.BCEWithLogitsLoss()
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=RATE)
        self.shuffle = named_generator(seed, "shuffle")

    def draw(self) -> list[list[int]]:
        """The batches of an epoch."""
        return self.texts.shuffled(self.shuffle)

    def tokens_in(self, plan: Iterable[Sequence[int]]) -> int:
        return sum(len(self.texts.rows[k]) for key in plan for k in key)

    def train(self, plan: Iterable[Sequence[int]]) -> None:
        """A step on each of these batches."""
        self.model.train()
        for key in plan:
            tokens, lengths, labels = self.texts.batch(key)
            self.optimiser.zero_grad()
            self.loss(self.model(tokens, lengths), labels).backward()
            self.optimiser.step()

    @torch.no_grad()
    def accuracy(self, texts: Texts) -> float:
        """The share of these texts that are put into their class."""
        self.model.eval()
        correct = 0
        for tokens, lengths, labels in map(texts.batch, texts.in_order()):
            correct += int(((self.model(tokens, lengths) > 0) == (labels > 0.5)).sum())
        return correct / len(texts.rows)
