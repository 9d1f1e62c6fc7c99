"""Kill -9 at any moment, a full disk at any write: the run goes on to the same weights."""

from __future__ import annotations

import errno
import os
import random
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from training_process import EAGER, start
from training_toy import Recorder, digest, train

from elman.errors import InputError, StorageError
from elman.storage import bytes_to_tensors, disk, read_folder
from elman.training import TrainingSettings


def kill(kills: int, folder: Path, seed: int) -> None:
    """Kill trainings at `kills` random moments, resume each until it is complete, and compare all with one that was left alone."""
    for name in ("warm", "whole"):
        began = time.monotonic()
        start(folder / name).join()
        seconds = time.monotonic() - began
    expected = digest(folder / "whole")
    draw, path, runs = random.Random(seed), folder / "run 0", 0
    while kills:
        process = start(path)
        process.join(draw.uniform(0.1, 1.2) * seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
        if process.exitcode == -signal.SIGKILL:
            kills -= 1
            continue
        assert process.exitcode == 0
        assert digest(path) == expected
        present = {entry.name for entry in path.iterdir()} - {"lock"}
        assert present == {"best", "last", "metrics.jsonl", "samples.txt", "timing.jsonl", "environment.json"}
        runs += 1
        path = folder / f"run {runs}"
    train(path, EAGER, resume=True)
    assert digest(path) == expected


def test_killed_at_random_moments(tmp_path: Path) -> None:
    kill(10, tmp_path, seed=1)


@pytest.mark.slow
def test_killed_at_many_random_moments(tmp_path: Path) -> None:
    kill(200, tmp_path, seed=2)


def test_killed_between_two_renames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The moment in which there is no `last`, only its old and new content under other names."""

    class Killed(BaseException):
        pass

    def rename(old: Path, new: Path) -> None:
        moments.append(new.name)
        if moments.count("last") == 8:
            raise Killed
        real(old, new)

    train(tmp_path / "whole", EAGER)
    moments: list[str] = []
    real = disk.rename
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(disk, "rename", rename)
        train(tmp_path / "run", EAGER)
    assert not (tmp_path / "run" / "last").exists()
    assert not (tmp_path / "run" / "best").exists()
    with pytest.raises(InputError, match="already holds a run"):
        train(tmp_path / "run", EAGER)
    train(tmp_path / "run", EAGER, resume=True)
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")


class FullDisk:
    """`storage.disk.write` and `sync` until the n-th call, which finds no space left; later ones too while `full`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls, self.fail_from = 0, None
        for name in ("write", "sync"):
            monkeypatch.setattr(disk, name, self.wrap(getattr(disk, name)))

    def wrap(self, real):  # type: ignore[no-untyped-def]
        def operation(*args: object) -> object:
            self.calls += 1
            if self.fail_from is not None and self.calls >= self.fail_from:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(*args)

        return operation


SHORT = TrainingSettings(**EAGER.model_dump() | {"epochs": 1})


def fill_at(numbers: Callable[[int], Iterable[int]], folder: Path, full: FullDisk) -> None:
    """Let the disk be full from the n-th write on, for each n, then resume and compare with a run that had space."""
    train(folder / "whole", SHORT)
    writes, expected = full.calls, digest(folder / "whole")
    for number in numbers(writes):
        path = folder / str(number)
        full.calls, full.fail_from = 0, number
        with pytest.raises(StorageError, match=r"No space left on device; .*(intact|half-written)"):
            train(path, SHORT)
        full.fail_from = None
        assert not list(path.glob("*.new")), f"a temporary folder is left after write {number}"
        train(path, SHORT, resume=True)
        assert digest(path) == expected, f"differs after a full disk at write {number}"


def test_disk_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_at(lambda writes: range(1, writes + 1, writes // 15), tmp_path, FullDisk(monkeypatch))


@pytest.mark.slow
def test_disk_full_at_every_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill_at(lambda writes: range(1, writes + 1), tmp_path, FullDisk(monkeypatch))


def test_the_last_checkpoint_loads_after_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = FullDisk(monkeypatch)

    def fill() -> None:
        full.fail_from = full.calls + 1

    with pytest.raises(StorageError):
        train(tmp_path, EAGER, listener=Recorder({11: fill}))
    files = read_folder(tmp_path / "last", kind="model")
    assert bytes_to_tensors(files["model.safetensors"])["head.bias"].shape == (7,)
    full.fail_from = None
    rest = Recorder()
    train(tmp_path, EAGER, resume=True, listener=rest)
    assert rest.steps == list(range(11, 25))
