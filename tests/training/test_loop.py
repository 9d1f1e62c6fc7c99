"""What the loop does in a run without trouble."""

from __future__ import annotations

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from training_toy import SETTINGS, Documents, Recorder, ToyTask, digest, train

from elman.storage import bytes_to_tensors, read_folder
from elman.training import Loss, TrainingSettings, evaluate
from elman.training.position import Position


def rows(path: Path, name: str = "metrics.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (path / name).read_text().splitlines()]


def changed(**changes: object) -> TrainingSettings:
    return TrainingSettings(**SETTINGS.model_dump() | changes)


def test_it_learns(tmp_path: Path) -> None:
    task = ToyTask("GRU", dropout=0.0)
    outcome = train(tmp_path, changed(epochs=30, rate=0.03, l1=0.0), documents=Documents(documents=12), task=task)
    losses = [row["validation_nats"] / row["validation_count"] for row in rows(tmp_path)]
    assert losses[0] > 1.6
    assert outcome.best == min(losses) < 1.1  # ln 2 = 0.69 is the noise in the data


def test_metrics_row(tmp_path: Path) -> None:
    recorder = Recorder()
    train(tmp_path, listener=recorder)
    assert recorder.rows == rows(tmp_path)
    assert recorder.closed == 1
    first, last = rows(tmp_path)[0], rows(tmp_path)[-1]
    assert (first["kind"], first["epoch"], first["step"], last["epoch"], last["step"]) == ("epoch", 1, 8, 3, 24)
    assert first["train_count"] == Documents().symbols
    assert first["validation_count"] == Documents(documents=2).symbols
    assert set(first["gradient_norm"]) == {"median", "max"}
    assert last["rate"] == recorder.rates[-1]
    assert first["clipped"] > 0


def test_the_same_run_twice_is_the_same(tmp_path: Path) -> None:
    train(tmp_path / "a")
    train(tmp_path / "b", changed(checkpoint_seconds=0))
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_truncated_bptt_carries_the_state_and_cuts_the_gradient(tmp_path: Path) -> None:
    """The loop's first epoch equals one written out by hand, in the order that the shuffle generator gives."""
    settings = TrainingSettings(epochs=1, optimiser="sgd", rate=0.3, seed=8)
    documents, task = Documents(chunks=3), ToyTask("LSTM", dropout=0.0, seed=8)
    nats = 0.0
    for document in torch.randperm(4, generator=task.generators.shuffle).tolist():
        state = None
        for chunk in range(3):
            loss = task.loss(documents.batch([document, chunk]), state)
            task.module.zero_grad()
            (loss.nats / loss.count).backward()
            state = tuple(part.detach() for part in loss.state)
            with torch.no_grad():
                for weight in task.module.parameters():
                    weight -= 0.3 * weight.grad
            nats += loss.nats.item()

    trained = ToyTask("LSTM", dropout=0.0, seed=8)
    train(tmp_path, settings, task=trained, documents=documents)
    assert rows(tmp_path)[0]["train_nats"] == pytest.approx(nats, rel=1e-6)
    for name, weight in task.module.state_dict().items():
        torch.testing.assert_close(trained.module.state_dict()[name], weight, rtol=1e-6, atol=1e-6)


def test_l1_is_in_the_objective_and_not_in_the_metrics(tmp_path: Path) -> None:
    tasks = {}
    for l1 in (0.0, 0.5):
        tasks[l1] = ToyTask(dropout=0.0)
        train(tmp_path / str(l1), changed(l1=l1), task=tasks[l1])
    size = {l1: sum(weight.abs().sum().item() for weight in task.module.parameters()) for l1, task in tasks.items()}
    assert size[0.5] < size[0.0]
    assert rows(tmp_path / "0.5")[0]["train_nats"] < 1.1 * rows(tmp_path / "0.0")[0]["train_nats"]


def test_best_is_the_best_and_is_only_written_when_it_is(tmp_path: Path) -> None:
    class Touched(Recorder):
        def epoch_ended(self, row: Any, samples: Any) -> None:
            super().epoch_ended(row, samples)
            best.append(((tmp_path / "best").stat().st_ino, row["best"]))

    best: list[tuple[int, bool]] = []
    task = ToyTask()
    outcome = train(tmp_path, changed(epochs=12, rate=0.6, schedule="constant"), listener=Touched(), task=task)
    flags = [row["best"] for row in rows(tmp_path)]
    losses = [row["validation_nats"] for row in rows(tmp_path)]
    assert flags == [loss < min(losses[:number], default=9e9) for number, loss in enumerate(losses)]
    assert True in flags[1:]
    assert False in flags
    for (inode, _), (later, improved) in pairwise(best):
        assert (later != inode) == improved

    task.module.load_state_dict(bytes_to_tensors(read_folder(tmp_path / "best")["model.safetensors"]))
    found = evaluate(task, Documents(documents=2, seed=1))
    assert found.nats / found.count == outcome.best == min(losses) / found.count


def test_an_equal_loss_is_not_better() -> None:
    here = Position(shuffle=torch.zeros(0))
    assert [here.judge(nats, 10) for nats in (5.0, 5.0, None, 4.0, 4.5)] == [True, False, False, True, False]
    assert (here.best, here.stale) == (0.4, 1)


def test_evaluation_carries_the_state_and_builds_no_graph() -> None:
    class Watched(ToyTask):
        def loss(self, batch: Any, state: Any) -> Loss:
            assert not torch.is_grad_enabled()
            return super().loss(batch, state)

    task, documents = Watched("LSTM"), Documents(chunks=4)
    found = evaluate(task, documents)
    with torch.no_grad():
        logits, _ = task.module(documents.text.flatten(0, 1)[:, :-1], None)
    whole = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), documents.text.flatten(0, 1)[:, 1:].flatten(), reduction="sum"
    )
    assert found.nats == pytest.approx(whole.item(), rel=1e-6)
    assert (found.count, found.correct) == (documents.symbols, None)
    assert found.named("test") == {"test_nats": found.nats, "test_count": found.count}


def test_early_stopping(tmp_path: Path) -> None:
    settings = changed(epochs=200, patience=3, rate=0.6, schedule="constant")
    outcome = train(tmp_path, settings)
    flags = [row["best"] for row in rows(tmp_path)]
    assert outcome.reason == "patience"
    assert len(flags) < 200
    assert flags[-4:] == [True, False, False, False]
    assert train(tmp_path, settings, resume=True).epochs == outcome.epochs
    patient = changed(epochs=outcome.epochs + 1, patience=None, rate=0.6, schedule="constant")
    assert train(tmp_path, patient, resume=True).epochs == outcome.epochs + 1


def test_minutes_stop_at_a_step_and_the_run_can_go_on(tmp_path: Path) -> None:
    train(tmp_path / "whole")
    hurried = changed(minutes=0.3 / 60)
    outcome = train(tmp_path / "timed", hurried, listener=Recorder({3: lambda: time.sleep(0.4)}))
    assert (outcome.reason, outcome.step, outcome.epochs) == ("minutes", 3, 0)
    (row,) = rows(tmp_path / "timed")
    assert (row["kind"], row["step"], row["best"]) == ("stop", 3, True)
    assert row["validation_count"] > 0
    assert "model.safetensors" in read_folder(tmp_path / "timed" / "best")
    train(tmp_path / "timed", resume=True)
    assert digest(tmp_path / "timed") == digest(tmp_path / "whole")


def test_timing_has_its_own_file(tmp_path: Path) -> None:
    train(tmp_path)
    timing = rows(tmp_path, "timing.jsonl")
    assert [row["epoch"] for row in timing] == [1, 2, 3]
    assert all(row["symbols"] == Documents().symbols and row["seconds"] >= 0 for row in timing)


def test_environment(tmp_path: Path) -> None:
    train(tmp_path)
    environment = json.loads((tmp_path / "environment.json").read_text())
    assert environment["seed"] == 5
    assert environment["versions"]["torch"] == torch.__version__
    assert environment["threads"] == torch.get_num_threads()
    assert environment["pid"] > 0


def test_samples_come_every_so_many_epochs(tmp_path: Path) -> None:
    train(tmp_path, changed(sample_every=2, epochs=5))
    lines = (tmp_path / "samples.txt").read_text().splitlines()
    assert [line for line in lines if line.startswith("epoch")] == ["epoch 2", "epoch 4"]


def test_without_validation_data_the_last_is_the_best(tmp_path: Path) -> None:
    outcome = train(tmp_path, changed(patience=1), validation=Documents(documents=0))
    assert (outcome.reason, outcome.best) == ("epochs", None)
    assert digest(tmp_path)["best/model.safetensors"] == digest(tmp_path)["last/model.safetensors"]
