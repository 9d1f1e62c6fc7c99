"""SIGINT and SIGTERM: finish the step, save, leave with 128 + the number; a second one leaves at once."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from training_process import EAGER, start, wait_for
from training_toy import Recorder, ToyTask, digest, train

from elman.errors import Interrupted
from elman.training import Loss, watch_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_in_another_process(number: signal.Signals, tmp_path: Path) -> None:
    process = start(tmp_path / "run", wait=0.05)
    wait_for((tmp_path / "run.step").exists)
    os.kill(process.pid, number)
    process.join(30)
    assert process.exitcode == 128 + number
    step = int((tmp_path / "run.step").read_text())
    assert (tmp_path / "run.error").read_text() == (
        f"{number.name}: saved after step {step} in {tmp_path / 'run' / 'last'}; go on with --resume"
    )
    assert step < 24

    rest = Recorder()
    train(tmp_path / "run", EAGER, resume=True, listener=rest)
    assert rest.steps == list(range(step + 1, 25))
    train(tmp_path / "whole", EAGER)
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")


def test_the_second_signal_leaves_at_once(tmp_path: Path) -> None:
    process = start(tmp_path / "run", stuck=True)
    wait_for((tmp_path / "run.step").exists)
    os.kill(process.pid, signal.SIGTERM)
    process.join(0.3)
    assert process.exitcode is None
    os.kill(process.pid, signal.SIGINT)
    process.join(5)
    code = process.exitcode
    process.kill()
    assert code == 130


def test_a_signal_during_validation(tmp_path: Path) -> None:
    class Signalling(ToyTask):
        def loss(self, batch: Any, state: Any) -> Loss:
            if not self.module.training:
                os.kill(os.getpid(), signal.SIGINT)
            return super().loss(batch, state)

    with pytest.raises(Interrupted, match="SIGINT: saved after step 8") as caught:
        train(tmp_path / "run", task=Signalling())
    assert caught.value.exit_code == 130
    assert not (tmp_path / "run" / "best").exists()
    train(tmp_path / "run", resume=True)
    train(tmp_path / "whole")
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")


def test_a_signal_after_the_last_step_is_not_lost(tmp_path: Path) -> None:
    class Last(Recorder):
        def epoch_ended(self, row: Any, samples: Any) -> None:
            if row["epoch"] == 3:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted, match="SIGTERM: saved after step 24"):
        train(tmp_path / "run", listener=Last())
    train(tmp_path / "whole")
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")


def test_handlers_are_put_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    inside = []
    train(tmp_path, listener=Recorder({1: lambda: inside.append(signal.getsignal(signal.SIGINT))}))
    assert inside[0] is not before[0]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    with pytest.raises(ZeroDivisionError), watch_signals():
        raise ZeroDivisionError
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_another_thread_trains_without_handlers(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []
    listener = Recorder({1: lambda: seen.append(signal.getsignal(signal.SIGINT))})
    thread = threading.Thread(target=train, args=(tmp_path,), kwargs={"listener": listener})
    thread.start()
    thread.join()
    assert seen == [before]
    assert listener.steps[-1] == 24
