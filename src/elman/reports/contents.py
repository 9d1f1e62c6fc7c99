"""What results.json holds, with types; the rows of metrics.jsonl and timing.jsonl have theirs from the training room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import model_validator

from elman.coaching import Finding
from elman.training.rows import Contents as _Contents
from elman.training.rows import Epoch as Epoch
from elman.training.rows import Norms as Norms
from elman.training.rows import Refused as Refused
from elman.training.rows import Stretch as Stretch
from elman.training.scores import ClassScore as ClassScore
from elman.training.scores import Score as Score


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

    test: Score
    samples: tuple[SampleTable, ...]
    seconds: float
    parameters: int
    corpus: Data
    advice: tuple[Finding, ...] | None = None


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

    train: ClassScore
    validation: ClassScore
    test: ClassScore
    shuffled: ClassScore
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]
    epochs: Epochs
    seconds: float
    tokens_per_second: float
    parameters: int
    corpus: Data
    advice: tuple[Finding, ...] | None = None

    @model_validator(mode="after")
    def _square(self) -> Self:
        if [len(row) for row in self.confusion] != [len(self.classes)] * len(self.classes):
            raise ValueError("the confusion matrix does not have a row and a column for each class")
        return self


def results_of(values: Mapping[str, Any]) -> Results | ClassResults:
    """results.json with types; `ValidationError` where it is not what it should be."""
    return ClassResults.model_validate(values) if "classes" in values else Results.model_validate(values)
