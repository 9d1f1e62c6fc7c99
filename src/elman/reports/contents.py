"""What the files of a run hold, with types: rows of metrics.jsonl and timing.jsonl, and results.json. Losses are sums and counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from elman.reports.intervals import wilson


class _Contents(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Loss(_Contents):
    """A negative log-likelihood in nats, summed over `count` symbols."""

    nats: float
    count: int

    @property
    def per_symbol(self) -> float:
        """Nats per symbol."""
        return self.nats / self.count if self.count else math.nan

    @property
    def bits(self) -> float:
        """Bits per symbol."""
        return self.per_symbol / math.log(2)

    @property
    def perplexity(self) -> float:
        """exp(nats per symbol)."""
        return math.exp(self.per_symbol) if self.per_symbol < 700 else math.inf


class ClassLoss(Loss):
    """The same over texts with a class each, of which `correct` were told right."""

    correct: int

    @property
    def accuracy(self) -> float:
        """Share that was told right."""
        return self.correct / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy, as far as the number of texts goes."""
        return wilson(self.correct, self.count)


class Norms(_Contents):
    """Global norms of the gradient over an epoch's steps, before clipping."""

    median: float
    max: float


class Epoch(_Contents):
    """A row of metrics.jsonl that closes an epoch, or ("stop") the part of one that was done."""

    kind: Literal["epoch", "stop"]
    epoch: int
    step: int
    train_nats: float | None
    train_count: int
    train_correct: int | None = None
    validation_nats: float | None
    validation_count: int
    validation_correct: int | None = None
    rate: float | None = None
    gradient_norm: Norms | None = None
    clipped: int = 0
    skipped: int = 0
    best: bool = False

    @property
    def training(self) -> Loss | None:
        """While the weights changed; None if nothing was trained or it was not finite."""
        return _loss(self.train_nats, self.train_count)

    def accuracy(self, part: Literal["training", "validation"]) -> float | None:
        """Share that was told right; None for models that don't classify."""
        correct, count = {
            "training": (self.train_correct, self.train_count),
            "validation": (self.validation_correct, self.validation_count),
        }[part]
        return None if correct is None or not count else correct / count

    @property
    def validation(self) -> Loss | None:
        """With the weights at the end."""
        return _loss(self.validation_nats, self.validation_count)


class Refused(_Contents):
    """A row of metrics.jsonl about a step that was not applied, since `tensor` was not finite."""

    epoch: int
    step: int
    batch: int
    tensor: str
    value: str


class Stretch(_Contents):
    """A row of timing.jsonl."""

    seconds: float


class Sample(_Contents):
    """A sample, and what of it stands in the training data (lengths in characters)."""

    text: str
    new: bool
    copied_span: int
    copied_start: int | None = None
    category: str | None = None


class SampleTable(_Contents):
    """Samples of one filter; the shares are over all that were drawn, `items` are those to show."""

    top_k: int | None
    temperature: float
    items: tuple[Sample, ...]
    drawn: int
    share_new: float
    repetition: float
    mean_copied_span: float
    longest_copied_span: int

    @property
    def filter(self) -> str:
        """What the symbols were drawn from, in words."""
        name = "unrestricted" if self.top_k is None else f"top-k {self.top_k}"
        return name if self.temperature == 1 else f"{name}, temperature {self.temperature:g}"

    def short(self, characters: int) -> bool:
        """Whether each sample is one line of at most so many characters."""
        return all(len(item.text) <= characters and "\n" not in item.text for item in self.items)


class Data(_Contents):
    """The corpus, and how many lines (or characters of running text) each part has."""

    title: str
    digest: str
    notes: tuple[str, ...]
    train: int
    validation: int
    test: int
    symbols: int


class Results(_Contents):
    """results.json: what was measured when the training had ended."""

    test: Loss
    samples: tuple[SampleTable, ...]
    seconds: float
    parameters: int
    corpus: Data


class Mistake(_Contents):
    """A test text that was told wrong, and how sure the model was."""

    text: str
    place: str
    label: str
    predicted: str
    probability: float


class Epochs(_Contents):
    """How many epochs were trained, and whose weights are the best."""

    trained: int
    best: int


class ClassResults(_Contents):
    """results.json of a model that classifies; all with the best weights. `confusion`: a row for each true class."""

    train: ClassLoss
    validation: ClassLoss
    test: ClassLoss
    shuffled: ClassLoss
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]
    epochs: Epochs
    seconds: float
    tokens_per_second: float
    parameters: int
    corpus: Data

    @model_validator(mode="after")
    def _square(self) -> Self:
        if [len(row) for row in self.confusion] != [len(self.classes)] * len(self.classes):
            raise ValueError("the confusion matrix does not have a row and a column for each class")
        return self


def results_of(values: Mapping[str, Any]) -> Results | ClassResults:
    """results.json with types; `ValidationError` where it is not what it should be."""
    return ClassResults.model_validate(values) if "classes" in values else Results.model_validate(values)


def _loss(nats: float | None, count: int) -> Loss | None:
    return Loss(nats=nats, count=count) if nats is not None and math.isfinite(nats) and count else None
