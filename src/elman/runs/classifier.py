"""A trained classifier to use: tell the class of texts, measure it on texts whose class is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from elman.data import Features, LabelledTexts, TextBatches, Tokeniser, Vocabulary
from elman.data.progress import watched
from elman.errors import FolderError, InputError, WrongTypeError
from elman.models import ClassificationModel, StoredModel
from elman.models.finding import stored_model
from elman.training.scores import ClassScore


@dataclass(frozen=True)
class Judgement:
    """What a model says of texts whose class is known, in their order; classes are told by number."""

    labels: list[int]
    predicted: list[int]
    probability: list[float]
    """Of the predicted class."""
    nats: float

    def score(self) -> ClassScore:
        """Loss and accuracy."""
        right = sum(a == b for a, b in zip(self.labels, self.predicted, strict=True))
        return ClassScore(self.nats, len(self.labels), right)

    def confusion(self, classes: int) -> list[list[int]]:
        """How many texts of each class (row) were taken for each class (column)."""
        table = [[0] * classes for _ in range(classes)]
        for label, predicted in zip(self.labels, self.predicted, strict=True):
            table[label][predicted] += 1
        return table

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {"labels": self.labels, "predicted": self.predicted, "probability": self.probability}


@dataclass(frozen=True)
class Prediction:
    """What a model says of one text."""

    label: str
    probability: float
    probabilities: dict[str, float]
    """Of every class."""
    tokens: int
    """Words (or what else the model reads) in the text."""
    known: int
    """Of these, so many were in the training texts often enough to be known."""

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return dict(vars(self))


@torch.no_grad()
def probabilities(network: ClassificationModel, batches: TextBatches, doing: str) -> torch.Tensor:
    """Ln p of every class, [N, C], for the texts of a part in their own order; the network is left in evaluation mode."""
    network.eval()
    found = torch.empty(batches.symbols, network.classes)
    for key in watched(batches.plan(None), doing, batches.symbols, size=len):
        batch = batches.batch(key)
        found[key] = network(batch.inputs, batch.lengths, batch.weights)
    return found


def judge(network: ClassificationModel, batches: TextBatches, doing: str) -> Judgement:
    """What a network says of the texts of a part."""
    log_p = probabilities(network, batches, doing)
    largest, predicted = log_p.max(1)
    nats = -log_p.double().gather(1, batches.labels[:, None]).sum().item()
    return Judgement(batches.labels.tolist(), predicted.tolist(), largest.exp().tolist(), nats)


class Classifier:
    """A classifier out of a folder.

    Attributes:
        network: the torch module, in evaluation mode.
        vocabulary: its words, or its features.
        classes: their names.
        config: what `config.json` says.
    """

    def __init__(self, network: ClassificationModel, vocabulary: Vocabulary | Features, config: dict[str, Any]) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.config = config
        self.classes: tuple[str, ...] = tuple(config["classes"])

    @property
    def tokeniser(self) -> Tokeniser:
        """How a text becomes words."""
        if self.vocabulary.tokeniser is None:
            raise FolderError("the vocabulary is a language model's: it does not say how a text becomes words")
        return self.vocabulary.tokeniser

    @cached_property
    def _words(self) -> frozenset[str]:
        """What it knows; made once, since a file may have many texts."""
        return frozenset(self.vocabulary.terms if isinstance(self.vocabulary, Features) else self.vocabulary.symbols)

    def predict(self, inputs: str | Sequence[str]) -> Any:
        """The class of a text, or of each of several: a `Prediction`, or a list of them.

        Raises:
            InputError: no texts. WrongTypeError: something that is not text.
        """
        texts = [inputs] if isinstance(inputs, str) else list(inputs)
        if not all(isinstance(text, str) for text in texts):
            wrong = next(type(text).__name__ for text in texts if not isinstance(text, str))
            raise WrongTypeError(f"predict() takes a text or several; got {wrong}")
        if not texts:
            raise InputError("there are no texts to predict the class of")
        part = LabelledTexts(tuple(texts), (0,) * len(texts), ("",) * len(texts))
        batches = TextBatches(part, self.vocabulary, 64)
        found = [
            self._prediction(text, row)
            for text, row in zip(texts, probabilities(self.network, batches, "texts").exp().tolist(), strict=True)
        ]
        return found[0] if isinstance(inputs, str) else found

    def _prediction(self, text: str, row: list[float]) -> Prediction:
        best = max(range(len(row)), key=row.__getitem__)
        tokens = self.tokeniser.tokens(text)
        return Prediction(
            label=self.classes[best],
            probability=row[best],
            probabilities=dict(zip(self.classes, row, strict=True)),
            tokens=len(tokens),
            known=sum(token in self._words for token in tokens),
        )

    def judge(self, part: LabelledTexts, batch_size: int = 64) -> Judgement:
        """What it says of texts whose class is known."""
        return judge(self.network, TextBatches(part, self.vocabulary, batch_size), "texts")

    def sample(self, *_: Any, **__: Any) -> Any:
        """For language models; a classifier has `predict`."""
        raise InputError("this model classifies: use predict(); sample() is for language models")

    def score(self, *_: Any, **__: Any) -> Any:
        """For language models; a classifier has `predict` and `judge`."""
        raise InputError("this model classifies: use predict(), or judge() for texts whose class is known")


def load_classifier(path: Path) -> Classifier:
    """Load a classifier from a run or a model folder; `FolderError` if it is none."""
    return as_classifier(*stored_model(path))


def as_classifier(folder: Path, stored: StoredModel) -> Classifier:
    """The classifier that a model folder holds."""
    network = stored.model
    if not isinstance(network, ClassificationModel):
        raise FolderError(f"{folder} holds a {stored.config['shape']}, which does not classify")
    kind = Features if network.settings.shape == "bag-of-words" else Vocabulary
    vocabulary = kind.from_json(stored.vocabulary)
    if vocabulary.size != network.symbols:
        raise FolderError(f"{folder}: the vocabulary has {vocabulary.size} symbols, the model {network.symbols}")
    if vocabulary.tokeniser is None:
        raise FolderError(f"{folder}: the vocabulary does not say how a text becomes words (tokeniser)")
    return Classifier(network, vocabulary, stored.config)
