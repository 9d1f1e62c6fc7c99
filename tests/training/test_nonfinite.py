"""NaN is shown and not applied."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from training_toy import SETTINGS, Documents, Recorder, ToyTask, digest, train

from elman.errors import NonFiniteError
from elman.training import Loss, TrainingSettings, make_optimiser
from elman.training.step import Refused, train_step


class Poisoned(ToyTask):
    """The toy, with a bad value in the loss or in one gradient at some calls while training."""

    def __init__(self, where: str, value: float, calls: set[int]) -> None:
        super().__init__()
        self.where, self.value, self.calls, self.call = where, value, calls, 0

    def loss(self, batch: Any, state: Any) -> Loss:
        loss = super().loss(batch, state)
        if not self.module.training:
            return loss
        self.call += 1
        if self.call not in self.calls:
            return loss
        if self.where == "loss":
            return replace(loss, nats=loss.nats + self.value, state=loss.state * math.nan)
        weight = self.module.get_parameter(self.where)
        return replace(loss, nats=loss.nats + 0 * Bad.apply(weight, self.value).sum())


class Bad(torch.autograd.Function):
    """The identity, whose gradient has one bad element."""

    @staticmethod
    def forward(ctx: Any, weight: torch.Tensor, value: float) -> torch.Tensor:
        ctx.value = value
        return weight.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        bad = gradient.clone()
        bad.view(-1)[1] = ctx.value
        return bad, None


def bits(task: ToyTask) -> list[bytes]:
    return [weight.detach().numpy().tobytes() for weight in task.module.parameters()]


def changed(**changes: object) -> TrainingSettings:
    return TrainingSettings(**SETTINGS.model_dump() | changes)


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


VALUES = [math.nan, math.inf, -math.inf]
PLACES = ["loss", "recurrent.weight_hh_l0", "head.bias"]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("place", PLACES)
def test_stop(place: str, value: float, tmp_path: Path) -> None:
    task, before = Poisoned(place, value, {11}), []
    tensor = "loss" if place == "loss" else f"gradient of {place}"
    with pytest.raises(NonFiniteError, match=rf"step 11 \(batch 3 of epoch 2\): the {tensor} is {value}") as caught:
        train(tmp_path, task=task, listener=Recorder({10: lambda: before.append(bits(task))}))
    assert bits(task) == before[0]
    assert caught.value.exit_code == 1
    row = rows(tmp_path)[-1]
    assert (row["kind"], row["step"], row["batch"], row["tensor"]) == ("nonfinite", 11, 3, tensor)
    assert row["value"] == str(value)
    assert len(row["key"]) == 2


@pytest.mark.parametrize("optimiser", ["sgd", "rmsprop", "adagrad", "adam", "adamw"])
@pytest.mark.parametrize("place", PLACES)
def test_a_refused_step_changes_nothing(place: str, optimiser: str) -> None:
    settings = TrainingSettings(optimiser=optimiser, weight_decay=0.1, l1=0.1, clip_norm=1.0)
    task = Poisoned(place, math.nan, {2})
    made = make_optimiser(settings, task.module.parameters())
    batch = Documents().batch([0, 0])
    train_step(task, batch, None, made, settings, 0.1)
    weights, state = bits(task), repr(made.state_dict()["state"])
    assert isinstance(train_step(task, batch, None, made, settings, 0.1), Refused)
    assert bits(task) == weights
    assert repr(made.state_dict()["state"]) == state
    train_step(task, batch, None, made, settings, 0.1)
    assert bits(task) != weights


@pytest.mark.parametrize("place", PLACES)
def test_skip_goes_on_as_if_the_batch_had_not_been_there(place: str, tmp_path: Path) -> None:
    recorder, task = Recorder(), Poisoned(place, math.nan, {1, 11, 12})
    outcome = train(tmp_path, changed(on_nonfinite="skip", max_skips=3), task=task, listener=recorder)
    assert outcome.reason == "epochs"
    assert [row["step"] for row in recorder.bad] == [1, 11, 12]
    assert set(range(1, 25)) - set(recorder.steps) == {1, 11, 12}
    epochs = [row for row in rows(tmp_path) if row["kind"] == "epoch"]
    assert [row["skipped"] for row in epochs] == [1, 2, 0]
    assert epochs[0]["train_count"] * 7 * 6 == epochs[1]["train_count"] * 7 * 7
    assert all(math.isfinite(row["validation_nats"]) for row in epochs)


def test_the_state_of_a_skipped_batch_is_not_carried(tmp_path: Path) -> None:
    class Watched(Poisoned):
        def loss(self, batch: Any, state: Any) -> Loss:
            loss = super().loss(batch, state)
            if self.module.training:
                states.append((state, loss.state.detach()))
            return loss

    states: list[tuple[Any, torch.Tensor]] = []
    train(
        tmp_path,
        changed(on_nonfinite="skip", epochs=1),
        task=Watched("loss", math.nan, {2}),
        documents=Documents(chunks=3),
        validation=Documents(documents=0),
    )
    (_, after_first), (before_skipped, _), (before_third, _) = states[:3]
    assert torch.equal(before_skipped, after_first)
    assert torch.equal(before_third, after_first)


def test_skips_are_bounded(tmp_path: Path) -> None:
    task = Poisoned("loss", math.nan, {2, 11, 20})
    with pytest.raises(NonFiniteError, match="step 20"):
        train(tmp_path, changed(on_nonfinite="skip", max_skips=2), task=task)


def test_after_a_stop_the_run_can_be_resumed_with_skip(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError):
        train(tmp_path, task=Poisoned("loss", math.nan, {11}))
    # The last checkpoint is the end of epoch 1, so the bad batch is the third that the resumed run sees.
    train(tmp_path, changed(on_nonfinite="skip"), task=Poisoned("loss", math.nan, {3}), resume=True)
    train(tmp_path.with_name("other"), changed(on_nonfinite="skip"), task=Poisoned("loss", math.nan, {11}))
    assert digest(tmp_path) == digest(tmp_path.with_name("other"))


class BlindValidation(ToyTask):
    def loss(self, batch: Any, state: Any) -> Loss:
        loss = super().loss(batch, state)
        return loss if self.module.training else replace(loss, nats=loss.nats * math.nan)


def test_validation_that_is_not_finite(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError, match="the validation loss is nan"):
        train(tmp_path / "stop", task=BlindValidation())
    outcome = train(tmp_path / "skip", changed(on_nonfinite="skip"), task=BlindValidation())
    assert outcome.best is None
    assert not (tmp_path / "skip" / "best").exists()
    epochs = [row for row in rows(tmp_path / "skip") if row["kind"] == "epoch"]
    assert [(row["validation_nats"], row["best"]) for row in epochs] == [(None, False)] * 3


def test_a_diverging_run_stops(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError):
        train(tmp_path, TrainingSettings(epochs=20, optimiser="sgd", rate=3e38))
