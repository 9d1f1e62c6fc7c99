"""What a finished run of a classifier tells: read from its folder alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from elman.errors import FolderError, InputError
from elman.reports.comparison.contents import Attempt, Point
from elman.reports.contents import ClassResults
from elman.storage import from_json, read_lines
from elman.training.rows import Contents, Epoch

File = TypeVar("File", bound=BaseModel)


class _Predictions(Contents):
    """predictions.json."""

    labels: tuple[int, ...]
    predicted: tuple[int, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True)
class Finished:
    """A run that ended, or a baseline: its figures, and its answer to each test text with the probability it gave it.

    Attributes:
        digest: of the corpus it was trained on.
        mistakes: as results.json has them; none for a baseline.
    """

    attempt: Attempt
    labels: tuple[int, ...]
    predicted: tuple[int, ...]
    probability: tuple[float, ...]
    digest: str
    mistakes: tuple[dict[str, Any], ...] = ()

    def right(self) -> list[bool]:
        """For each test text whether the answer was right."""
        return [answer == label for answer, label in zip(self.predicted, self.labels, strict=True)]


def has_ended(run: Path) -> bool:
    """Whether a run folder has all that its training leaves at its end."""
    return all((run / name).is_file() for name in ("results.json", "predictions.json"))


def read_run(run: Path, seed: int) -> Finished:
    """The figures of a run folder.

    Raises:
        FolderError: a file is missing or damaged. InputError: the model does not classify.
    """
    raw = _json(run / "results.json")
    if isinstance(raw, dict) and "classes" not in raw:
        raise InputError(
            f"{run} is the run of a language model: compare is for models that tell classes apart; "
            f"`elman evaluate` measures this one"
        )
    results = _valid(ClassResults, raw, run / "results.json")
    answers = _valid(_Predictions, _json(run / "predictions.json"), run / "predictions.json")
    if not len(answers.labels) == len(answers.predicted) == len(answers.probability) == results.test.count:
        raise FolderError(f"{run / 'predictions.json'} does not have one answer for each of the test texts")
    rows = [row for row in read_lines(run / "metrics.jsonl") if row.get("kind") in ("epoch", "stop")]
    epochs = [_valid(Epoch, row, run / "metrics.jsonl") for row in rows]
    watched = [row.test_correct / row.test_count for row in epochs if row.test_count]
    attempt = Attempt(
        seed=seed,
        run=str(run),
        train=results.train,
        validation=results.validation,
        test=results.test,
        shuffled=results.shuffled,
        claimed=max(watched, default=None),
        seconds=results.seconds,
        epochs=results.epochs.trained,
        best_epoch=results.epochs.best,
        parameters=results.parameters,
        tokens_per_second=results.tokens_per_second,
        curve=tuple(_point(row) for row in epochs if row.validation_count),
    )
    mistakes = tuple(mistake.model_dump() for mistake in results.mistakes)
    return Finished(
        attempt, answers.labels, answers.predicted, answers.probability, results.corpus.digest, mistakes
    )  # fmt: skip


def _point(row: Epoch) -> Point:
    loss, accuracy = row.validation, row.accuracy("validation")
    return Point(row.epoch, loss.per_symbol if loss else math.nan, math.nan if accuracy is None else accuracy, row.best)


def _json(path: Path) -> Any:
    try:
        return from_json(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise FolderError(f"there is no {path}: the run has not ended") from None
    except OSError as error:
        raise FolderError(f"{path} can't be read: {error.strerror}") from None


def _valid(kind: type[File], value: Any, path: Path) -> File:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        raise FolderError(
            f"{path} is not as this version writes it: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
        ) from None
