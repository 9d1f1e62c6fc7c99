"""The test part, watched: it is in the log, and on no clock."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from training_toy import SETTINGS, Documents, digest, train

from elman.data import Batch
from elman.storage import read_lines


class Clock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Slow(Documents):
    """Each batch takes so many seconds."""

    def __init__(self, clock: Clock, seconds: float, **more: int) -> None:
        super().__init__(**more)
        self.clock, self.seconds = clock, seconds

    def batch(self, key: list[int]) -> Batch:
        self.clock.now += self.seconds
        return super().batch(key)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in ("loop", "timing"):
        monkeypatch.setattr(f"elman.training.{module}.time", SimpleNamespace(monotonic=made.monotonic))
    return made


def test_watching_is_not_timed(tmp_path: Path, clock: Clock) -> None:
    """3 epochs: 8 batches to learn from, 4 to validate on, 4 watched."""
    settings = SETTINGS.model_copy(update={"watch_test": True})
    outcome = train(
        tmp_path / "run", settings, documents=Slow(clock, 1.0), validation=Slow(clock, 0.5, documents=2, seed=1),
        test=Slow(clock, 100.0, documents=2, seed=2),
    )  # fmt: skip
    assert clock.now == 3 * (8 + 2 + 400)
    assert [row["seconds"] for row in read_lines(tmp_path / "run" / "timing.jsonl")] == [10.0] * 3
    assert outcome.seconds == 30.0


def test_watching_takes_nothing_of_the_minutes(tmp_path: Path, clock: Clock) -> None:
    settings = SETTINGS.model_copy(update={"watch_test": True, "minutes": 29 / 60})
    outcome = train(
        tmp_path / "run", settings, documents=Slow(clock, 1.0), validation=Slow(clock, 0.5, documents=2, seed=1),
        test=Slow(clock, 100.0, documents=2, seed=2),
    )  # fmt: skip
    assert (outcome.reason, outcome.epochs, outcome.step) == ("epochs", 3, 24)


def test_watching_changes_nothing_but_the_log(tmp_path: Path) -> None:
    test = Documents(documents=2, seed=2)
    alone, watched = train(tmp_path / "alone"), train(
        tmp_path / "watched", SETTINGS.model_copy(update={"watch_test": True}), test=test
    )  # fmt: skip
    assert alone.best == watched.best
    weights = ("best/model.safetensors", "last/model.safetensors", "samples.txt")
    one, other = digest(tmp_path / "alone"), digest(tmp_path / "watched")
    assert [one[name] for name in weights] == [other[name] for name in weights]
    rows = read_lines(tmp_path / "watched" / "metrics.jsonl")
    assert [row["test_count"] for row in rows] == [2 * 2 * 3 * 5] * 3
    assert all(torch.isfinite(torch.tensor(row["test_nats"])) for row in rows)
    bare = [{key: value for key, value in row.items() if not key.startswith("test_")} for row in rows]
    assert bare == read_lines(tmp_path / "alone" / "metrics.jsonl")
