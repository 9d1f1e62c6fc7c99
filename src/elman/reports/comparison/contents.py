"""What a comparison came to: rows, each with one attempt a seed; sums and counts, and what is estimated from them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from elman.training.scores import ClassScore

How = Literal["student", "wilson"]


@dataclass(frozen=True)
class Point:
    """The validation part after an epoch."""

    epoch: int
    loss: float
    accuracy: float
    best: bool


@dataclass(frozen=True)
class Attempt:
    """A row with one seed.

    Attributes:
        seed: of the training, and of what was drawn for validation.
        run: the run folder; None for a baseline.
        train, validation, test: with the best weights; `shuffled`: the test texts, the words of each in random order.
        claimed: the highest accuracy that the test part had after any epoch: what stopping on it would have claimed.
        seconds: training time, all its goes together.
        epochs, best_epoch: how many were trained, and the one whose weights count.
        parameters: numbers that were learnt.
        tokens_per_second: in training.
        curve: the validation part, epoch by epoch.
    """

    seed: int
    run: str | None
    train: ClassScore
    validation: ClassScore | None
    test: ClassScore
    shuffled: ClassScore | None
    claimed: float | None
    seconds: float
    epochs: int | None
    best_epoch: int | None
    parameters: int
    tokens_per_second: float | None
    curve: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """A mean over attempts, with a 95 % interval where there is one.

    Attributes:
        how: "student": of the mean, over `of` seeds (Student's t). "wilson": of a share, over `of` test texts.
    """

    value: float
    low: float | None = None
    high: float | None = None
    how: How | None = None
    of: int = 0


@dataclass(frozen=True)
class Row:
    """A model or a baseline; `lost` is what its accuracy loses when the words are shuffled."""

    title: str
    kind: Literal["model", "baseline"]
    about: str
    attempts: tuple[Attempt, ...]
    train_loss: Estimate
    test_loss: Estimate
    accuracy: Estimate
    seconds: Estimate
    epochs: Estimate | None
    parameters: int
    tokens_per_second: Estimate | None
    validation_accuracy: Estimate | None
    shuffled: Estimate | None
    lost: Estimate | None
    claimed: Estimate | None


@dataclass(frozen=True)
class PairedTest:
    """Exact McNemar test of two rows on the same texts: of those that one of them got right and the other wrong, who got how many.

    Attributes:
        seeds: whose majority vote is each row's answer to a text; a text counts once, however many seeds there are.
    """

    first: str
    second: str
    only_first: int
    only_second: int
    texts: int
    p: float
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Mistake:
    """A test text that the best row got wrong; `wrong` of its attempts did, `probability` is the surest one's."""

    text: str
    place: str
    label: str
    predicted: str
    probability: float
    wrong: int


@dataclass(frozen=True)
class Data:
    """The texts that all rows share.

    Attributes:
        one_test_part: whether the test texts are the same for every seed; otherwise the seed draws them.
    """

    title: str
    digest: str
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    train: int
    validation: int
    test: int
    one_test_part: bool


@dataclass(frozen=True)
class Comparison:
    """Models side by side on the same texts.

    Attributes:
        best: place of the best row, by accuracy on the validation part: the test part decides nothing.
        tests: paired tests of the best row against the second best, and against the reference.
        confusion: of the best row, over all its attempts: how many texts of each true class (rows) got each answer (columns).
        mistakes: of the best row, the surest first.
        folder: where the files and runs are.
        again: the command that makes the same comparison.
    """

    name: str
    title: str
    about: str
    data: Data
    seeds: tuple[int, ...]
    rows: tuple[Row, ...]
    best: int
    tests: tuple[PairedTest, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]
    folder: Path
    again: str

    @property
    def winner(self) -> Row:
        """The best row."""
        return self.rows[self.best]

    def to_json(self) -> dict[str, Any]:
        """For programs: everything, and the folder as text; what is not finite is null."""
        found: dict[str, Any] = _plain(asdict(replace(self, folder=Path())))
        return found | {"folder": str(self.folder)}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
