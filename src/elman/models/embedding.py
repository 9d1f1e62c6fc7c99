"""Words as vectors: learnt, or started from vectors that somebody trained before; with the dropout that belongs to inputs."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.models.settings import ModelSettings
from elman.nn import dropout

UNKNOWN = 1
"""The number of the unknown word in the vocabulary of texts with labels."""


class WordEmbedding(nn.Module):
    """E[w], [N] -> [N, embedding].

    In training, `word_dropout` of the words are read as unknown (Dai and Le 2015), and `input_dropout` of the numbers are zero.
    With `normalise`, each vector x is (x - mean) / deviation, times g, plus b (Ba, Kiros and Hinton 2016).
    """

    def __init__(self, settings: ModelSettings, symbols: int) -> None:
        super().__init__()
        self.settings = settings
        self.dropout_generator: torch.Generator | None = None
        size = settings.embedding
        self.weight = nn.Parameter(torch.empty(symbols, size), requires_grad=settings.train_embedding)
        self.norm = nn.LayerNorm(size) if settings.normalise else None

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator, deviation: float = 1.0) -> None:
        """Normal; with deviation 1 as torch.nn.Embedding starts."""
        self.weight.normal_(0.0, deviation, generator=generator)

    def same_for_all_steps(self) -> bool:
        """Whether the same word is always the same vector: not while dropout is drawn anew for each step."""
        s = self.settings
        return not (self.training and (s.input_dropout or s.word_dropout))

    def words(self, numbers: Tensor) -> Tensor:
        """The numbers, some of them unknown in training."""
        p = self.settings.word_dropout
        if not (self.training and p):
            return numbers
        return numbers.masked_fill(torch.rand(numbers.shape, generator=self.dropout_generator) < p, UNKNOWN)

    def forward(self, numbers: Tensor) -> Tensor:
        """Vectors of words."""
        x = functional.embedding(self.words(numbers), self.weight)
        if self.norm is not None:
            x = self.norm(x)
        return dropout(x, self.settings.input_dropout, self.dropout_generator) if self.training else x
