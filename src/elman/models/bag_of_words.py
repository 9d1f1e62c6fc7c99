"""Bag of words: which words a text has, without their order; logistic regression, or hidden layers on top."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.models.classification import ClassificationModel, logits_for
from elman.models.feedforward import FeedForward
from elman.models.settings import ModelSettings
from elman.nn import dropout
from elman.randomness import named_generator


class BagOfWords(ClassificationModel):
    """z = W f + b for features f [V] of a text; with hidden layers, z is the first one's pre-activation.

    f is sparse, so W f is the sum of the columns of W whose features the text has, each times what the feature counts.
    Logistic regression starts at zero: its loss has one minimum, wherever it starts.

    Args:
        settings: shape and start.
        symbols: V, features. classes: C.
        generator: draws the starting weights; None: always the same ones.
    """

    def __init__(
        self, settings: ModelSettings, symbols: int, classes: int, generator: torch.Generator | None = None
    ) -> None:
        super().__init__(settings, symbols, classes)
        generator = generator or named_generator(0, "init")
        outputs = logits_for(classes)
        first = settings.hidden_layers[0] if settings.hidden_layers else outputs
        self.weight = nn.Parameter(torch.empty(symbols, first))  # Wᵀ: a feature's numbers lie together
        self.bias = nn.Parameter(torch.empty(first))
        self.head = FeedForward(settings, None, outputs) if settings.hidden_layers else None
        if torch.empty(0).is_meta:
            return
        with torch.no_grad():
            self.bias.zero_()
            self.weight.zero_()
            if self.head is not None:
                bound = 1 / math.sqrt(symbols)
                self.weight.uniform_(-bound, bound, generator=generator)
                self.head.reset_parameters(generator)

    def logits(self, inputs: Tensor, lengths: Tensor, weights: Tensor | None = None) -> Tensor:
        """From features [B, N] and what they count [B, N], 0 beyond each length (None: 1 within it)."""
        if weights is None:
            weights = (torch.arange(inputs.shape[1]) < lengths[:, None]).to(self.weight)
        if self.training:
            weights = dropout(weights, self.settings.input_dropout, self.dropout_generator)
        z = functional.embedding_bag(inputs, self.weight, per_sample_weights=weights, mode="sum") + self.bias
        if self.head is not None:
            z = self.head(z)
        return z
