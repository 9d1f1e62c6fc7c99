"""What all models that classify have in common: logits, probabilities, and the loss of a batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.models.settings import ModelSettings


def logits_for(classes: int) -> int:
    """How many outputs tell so many classes apart: two classes need one, the log-odds of the second."""
    return 1 if classes == 2 else classes


class ClassificationModel(nn.Module):
    """A model that gives a text a class.

    With one logit z: p(second class) = sigmoid(z), so the loss is binary cross-entropy with logits; with C logits: softmax.

    Attributes:
        settings: shape and start.
        symbols: V, what the model reads: words, or features.
        classes: C, at least 2.
        dropout_generator: draws dropout masks; None: torch's global one.
    """

    def __init__(self, settings: ModelSettings, symbols: int, classes: int) -> None:
        super().__init__()
        self.settings = settings
        self.symbols = symbols
        self.classes = classes
        self.dropout_generator: torch.Generator | None = None

    def draw_dropout_from(self, generator: torch.Generator) -> None:
        """Use this generator for all dropout masks."""
        for module in self.modules():
            if "dropout_generator" in vars(module):
                vars(module)["dropout_generator"] = generator

    def logits(self, inputs: Tensor, lengths: Tensor, weights: Tensor | None = None) -> Tensor:
        """[B, 1] for two classes, else [B, C]."""
        raise NotImplementedError

    def forward(self, inputs: Tensor, lengths: Tensor, weights: Tensor | None = None) -> Tensor:
        """Logarithms of p(class | text), [B, C].

        Args:
            inputs: [B, N] int64, numbers of words in order, or of features.
            lengths: [B], how many of them count.
            weights: [B, N], what each feature counts; None for words.
        """
        z = self.logits(inputs, lengths, weights)
        if self.classes == 2:
            return functional.logsigmoid(torch.cat([-z, z], 1))
        return z.log_softmax(1)
