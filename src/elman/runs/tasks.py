"""What each kind of model is asked in training."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from elman.data import Batch
from elman.models import ClassificationModel, LanguageModel
from elman.training import Loss


class LanguageTask:
    """Predict each symbol from those before it."""

    def __init__(self, model: LanguageModel) -> None:
        self.module = model

    def loss(self, batch: Batch, state: Any) -> Loss:
        """Nats over the real targets of a batch."""
        nats, count, state = self.module.nats(batch.inputs, batch.targets, batch.lengths, state, batch.categories)
        return Loss(nats, count, state)


class ClassificationTask:
    """Tell the class of each text.

    Args:
        model: what is asked.
        weights: [C], what a text of each class counts in training; None: 1. Their mean over the training texts is 1.
    """

    def __init__(self, model: ClassificationModel, weights: Tensor | None = None) -> None:
        self.module = model
        self.weights = weights

    def loss(self, batch: Batch, state: Any) -> Loss:  # noqa: ARG002 - texts have nothing to do with each other
        """Nats over the texts of a batch."""
        log_p = self.module(batch.inputs, batch.lengths, batch.weights)
        nats = -log_p.gather(1, batch.targets[:, None])[:, 0]
        if self.weights is not None and self.module.training:
            nats = nats * self.weights[batch.targets]
        correct = int((log_p.argmax(1) == batch.targets).sum())
        return Loss(nats.sum(), len(batch.targets), None, correct, int(batch.lengths.sum()))
