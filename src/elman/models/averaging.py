"""The averaging network: the mean of the words' embeddings, then hidden layers. It knows the words, not their order."""

from __future__ import annotations

import torch
from torch import Tensor

from elman.models.classification import ClassificationModel, logits_for
from elman.models.embedding import WordEmbedding
from elman.models.feedforward import FeedForward
from elman.models.settings import ModelSettings
from elman.randomness import named_generator


class AveragingNetwork(ClassificationModel):
    """z = FeedForward((1 / T) Σ E[w_t]).

    Args:
        settings: shape and start.
        symbols: V. classes: C.
        generator: draws the starting weights; None: always the same ones.

    Source: Iyyer et al. 2015, Deep Unordered Composition Rivals Syntactic Methods for Text Classification.
    """

    def __init__(
        self, settings: ModelSettings, symbols: int, classes: int, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(settings, symbols, classes)
        generator = generator or named_generator(0, "init")
        self.embedding = WordEmbedding(settings, symbols)
        self.head = FeedForward(settings, settings.embedding, logits_for(classes))
        if torch.empty(0).is_meta:
            return
        self.embedding.reset_parameters(generator)
        self.head.reset_parameters(generator)

    def logits(self, inputs: Tensor, lengths: Tensor, weights: Tensor | None = None) -> Tensor:
        """From words [B, T]; `weights` mean nothing here."""
        if weights is not None:
            raise ValueError("an averaging network reads words, which have no weights")
        inside = torch.arange(inputs.shape[1]) < lengths[:, None]
        texts = torch.arange(len(lengths)).repeat_interleave(lengths)
        words = self.embedding(inputs[inside])
        sums = words.new_zeros(len(lengths), words.shape[1]).index_add(0, texts, words)
        z: Tensor = self.head(sums / lengths[:, None].to(sums))
        return z
