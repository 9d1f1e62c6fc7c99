"""Resume is exact: stop after any step, go on with everything new, and every byte is as if there had been no stop."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from training_toy import SETTINGS, Documents, Recorder, ToyTask, digest, train

from elman.errors import FolderError, InputError, Interrupted, RunInUseError
from elman.storage import read_folder, write_folder
from elman.training import Loss, RunFolder, TrainingSettings

STEPS = 24
PLATEAU = {"schedule": "plateau", "plateau_patience": 0, "warmup": 0}
VARIANTS = {
    "adam, cosine, RNN": ("RNN", {}),
    "nesterov, plateau, LSTM": ("LSTM", {"optimiser": "sgd", "momentum": 0.9, "nesterov": True, "rate": 0.2} | PLATEAU),
    "rmsprop, step, GRU": ("GRU", {"optimiser": "rmsprop", "momentum": 0.5, "schedule": "step", "step_every": 1}),
    "adagrad, clip_value, RNN": ("RNN", {"optimiser": "adagrad", "clip_norm": None, "clip_value": 0.05}),
}


def stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("variant", VARIANTS)
def test_stop_at_every_step(variant: str, tmp_path: Path) -> None:
    recurrent, changes = VARIANTS[variant]
    settings = TrainingSettings(**SETTINGS.model_dump() | changes)
    whole = Recorder()
    train(tmp_path / "whole", settings, recurrent=recurrent, listener=whole)
    assert whole.steps == list(range(1, STEPS + 1))
    expected = digest(tmp_path / "whole")

    for step in range(1, STEPS + 1):
        path = tmp_path / f"stopped after {step}"
        with pytest.raises(Interrupted):
            train(path, settings, recurrent=recurrent, listener=Recorder({step: stop}))
        rest = Recorder()
        train(path, settings, recurrent=recurrent, listener=rest, resume=True)
        assert rest.steps == list(range(step + 1, STEPS + 1))
        assert digest(path) == expected, f"differs after a stop at step {step}"


def test_stop_after_each_step_in_one_run(tmp_path: Path) -> None:
    train(tmp_path / "whole")
    for step in range(1, STEPS + 1):
        with pytest.raises(Interrupted):
            train(tmp_path / "halting", listener=Recorder({step: stop}), resume=True)
    assert train(tmp_path / "halting", resume=True).step == STEPS
    assert digest(tmp_path / "halting") == digest(tmp_path / "whole")


def test_generators_and_weights_in_memory_are_those_of_the_run(tmp_path: Path) -> None:
    whole, resumed = ToyTask(), ToyTask()
    train(tmp_path / "a", task=whole)
    with pytest.raises(Interrupted):
        train(tmp_path / "b", listener=Recorder({11: stop}))
    train(tmp_path / "b", task=resumed, resume=True)
    for name, state in whole.generators.state().items():
        assert torch.equal(state, resumed.generators.state()[name]), name
    for name, weight in whole.module.state_dict().items():
        assert torch.equal(weight, resumed.module.state_dict()[name]), name


def test_each_ingredient_matters(tmp_path: Path) -> None:
    """Were one of them not at work in the runs above, their equality would say nothing about it."""
    base = SETTINGS.model_dump()
    seen = set()
    for number, changes in enumerate(
        [{}, {"seed": 6}, {"schedule": "constant"}, {"clip_norm": None}, {"l1": 0}, {"weight_decay": 0}, {"warmup": 0}]
    ):
        train(tmp_path / str(number), TrainingSettings(**base | changes))
        seen.add(digest(tmp_path / str(number))["last/model.safetensors"])
    train(tmp_path / "no dropout", task=ToyTask(dropout=0.0))
    seen.add(digest(tmp_path / "no dropout")["last/model.safetensors"])
    assert len(seen) == 8


def test_a_complete_run_returns_and_more_epochs_go_on(tmp_path: Path) -> None:
    settings = TrainingSettings(**SETTINGS.model_dump() | {"schedule": "constant"})
    longer = TrainingSettings(**settings.model_dump() | {"epochs": 5})
    first = train(tmp_path / "a", settings)
    before = digest(tmp_path / "a")
    again = train(tmp_path / "a", settings, resume=True)
    assert (again.reason, again.step, again.best) == ("epochs", first.step, first.best)
    assert digest(tmp_path / "a") == before

    assert train(tmp_path / "a", longer, resume=True).epochs == 5
    train(tmp_path / "b", longer)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_what_was_written_after_the_checkpoint_is_written_again(tmp_path: Path) -> None:
    train(tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(tmp_path / "cut", listener=Recorder({11: stop}))
    with (tmp_path / "cut" / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "epoch", "epoch": 2}\n{"torn')
    with (tmp_path / "cut" / "samples.txt").open("a") as file:
        file.write("epoch 2\n[half a samp")
    train(tmp_path / "cut", resume=True)
    assert digest(tmp_path / "cut") == digest(tmp_path / "whole")


def test_a_folder_with_a_run_is_refused(tmp_path: Path) -> None:
    train(tmp_path)
    before = digest(tmp_path)
    with pytest.raises(
        InputError, match="already holds a run: go on with --resume, or choose another folder with --run"
    ):
        train(tmp_path)
    assert digest(tmp_path) == before


def test_a_run_can_be_resumed_from_its_first_moment(tmp_path: Path) -> None:
    class Broken(ToyTask):
        def loss(self, batch: Any, state: Any) -> Loss:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(tmp_path / "a", task=Broken())
    assert (tmp_path / "a" / "last" / "resume.json").exists()
    train(tmp_path / "a", resume=True)
    train(tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_resume_without_a_run_starts_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "metrics.jsonl").write_text("{}\n")
    (tmp_path / "a" / "samples.txt").write_text("epoch 1\n")
    train(tmp_path / "a", resume=True)
    train(tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


@pytest.mark.parametrize(("name", "value"), [("rate", 0.5), ("seed", 6), ("optimiser", "adamw"), ("clip_norm", 3.0)])
def test_other_settings_are_refused(name: str, value: object, tmp_path: Path) -> None:
    train(tmp_path)
    with pytest.raises(InputError, match=f"was started with {name} = .*, not {value}: resume it unchanged"):
        train(tmp_path, TrainingSettings(**SETTINGS.model_dump() | {name: value}), resume=True)


def test_other_data_are_refused(tmp_path: Path) -> None:
    train(tmp_path)
    with pytest.raises(InputError, match="was started with batches in an epoch = 8, not 10"):
        train(tmp_path, documents=Documents(documents=5), resume=True)


def test_another_model_is_refused(tmp_path: Path) -> None:
    train(tmp_path)
    with pytest.raises(FolderError, match="not a checkpoint of this model: size mismatch for recurrent"):
        train(tmp_path, recurrent="LSTM", resume=True)


def test_a_model_folder_is_no_checkpoint(tmp_path: Path) -> None:
    train(tmp_path)
    write_folder(tmp_path / "last", read_folder(tmp_path / "best"), kind="model")
    with pytest.raises(FolderError, match=r"is no checkpoint: it has no 'resume.safetensors'"):
        train(tmp_path, resume=True)


def test_a_log_that_was_cut_is_refused(tmp_path: Path) -> None:
    train(tmp_path)
    (tmp_path / "samples.txt").write_text("")
    with pytest.raises(FolderError, match=r"samples.txt has 0 bytes, .* it was cut or replaced"):
        train(tmp_path, resume=True)


def test_the_folder_is_locked(tmp_path: Path) -> None:
    with RunFolder(tmp_path), pytest.raises(RunInUseError, match=str(tmp_path)):
        train(tmp_path)
