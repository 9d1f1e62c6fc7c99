"""Many-to-one: embedding, recurrent layers, one vector for the text, affine output."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from elman.models.classification import ClassificationModel, logits_for
from elman.models.embedding import WordEmbedding
from elman.models.making import make_cell
from elman.models.pooling import Pooling
from elman.models.settings import ModelSettings
from elman.nn import Recurrent, dropout, initialise
from elman.randomness import named_generator

Unrolled = tuple[PackedSequence, Tensor | tuple[Tensor, ...]]


class TextClassifier(ClassificationModel):
    """s_t = R(E[w_t], s_{t-1});  z = W pool(o_1 ... o_T) + b.

    Sequences of different lengths are unrolled only as far as they go, so padding is neither computed nor read.

    Args:
        settings: shape and start.
        symbols: V. classes: C.
        generator: draws the starting weights; None: always the same ones.

    Raises:
        InputError, CellError: unknown cell, or a cell text that does not hold together.
    """

    def __init__(
        self, settings: ModelSettings, symbols: int, classes: int, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(settings, symbols, classes)
        generator = generator or named_generator(0, "init")
        s = settings
        self.embedding = WordEmbedding(s, symbols)
        self.recurrent = Recurrent(
            make_cell(s), s.embedding, s.hidden, s.layers, s.bias, batch_first=True, bidirectional=s.bidirectional,
            dropout=s.dropout if s.layers > 1 else 0.0, recurrent_dropout=s.recurrent_dropout, engine=s.engine,
            precision=s.precision, generator=generator,
        )  # fmt: skip
        self.pooling = Pooling(s.pooling, s.hidden, self.recurrent.directions)
        self.output = nn.Linear(self.pooling.size, logits_for(classes), device="meta")
        if torch.empty(0).is_meta:  # shapes without numbers, for a model that is about to be loaded
            return
        self.output.to_empty(device="cpu")
        initialise(self.recurrent, s.init, generator=generator, scale=s.init_scale, forget_bias=s.forget_bias)
        self.embedding.reset_parameters(generator)
        self.pooling.reset_parameters(generator)
        bound = 1 / math.sqrt(self.pooling.size)
        with torch.no_grad():
            for parameter in self.output.parameters():
                parameter.uniform_(-bound, bound, generator=generator)

    def logits(self, inputs: Tensor, lengths: Tensor, weights: Tensor | None = None) -> Tensor:
        """From words [B, T]; `weights` mean nothing here."""
        if weights is not None:
            raise ValueError("a recurrent classifier reads words, which have no weights")
        packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        outputs, final = self.unroll(packed)
        pooled: Tensor = self.pooling(outputs, final)
        if self.training:
            pooled = dropout(pooled, self.settings.dropout, self.dropout_generator)
        z: Tensor = self.output(pooled)
        return z

    def unroll(self, words: PackedSequence) -> Unrolled:
        """Outputs of the last recurrent layer and final states."""
        if not self.embedding.same_for_all_steps():
            unrolled: Unrolled = self.recurrent(words._replace(data=self.embedding(words.data)))
            return unrolled
        # Most words of a batch come several times: each is embedded, and multiplied by W_ih, once.
        different, places = torch.unique(words.data, return_inverse=True)
        return self.recurrent.read(words._replace(data=places), self.embedding(different))
