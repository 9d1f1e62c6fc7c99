"""Readers, writers and killers in several processes."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from disk_faults import leftovers
from folder_states import NEW, OLD, previous
from storage_process import Start

from elman.errors import FolderError, RunInUseError, StorageError
from elman.storage import LineLog, RunLock, folders, read_folder, read_lines, sweep, write_folder


def started(start: Start, verb: str, folder: Path) -> int:
    """The process id of a verb that has said that it is ready."""
    process = start(verb, folder)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process.pid


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_reader_beside_a_writer_always_succeeds(tmp_path: Path, start: Start) -> None:
    pid = started(start, "write_for_ever", tmp_path)
    seen, until = [], time.monotonic() + 1.5
    while time.monotonic() < until:
        seen.append(read_folder(tmp_path / "model", kind="model"))
        assert seen[-1] in (OLD, NEW)
        assert (tmp_path / "file.txt").read_text()
        read_lines(tmp_path / "log.jsonl")
    kill(pid)
    assert len(seen) > 50
    assert OLD in seen
    assert NEW in seen


def test_a_folder_that_never_rests_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    previous(tmp_path / "model")
    attempts = 0

    def never_whole(*arguments: object) -> None:
        nonlocal attempts
        attempts += 1
        write_folder(tmp_path / "model", NEW, kind="model")
        raise FolderError("was being replaced")

    monkeypatch.setattr(folders, "verified", never_whole)
    with pytest.raises(FolderError, match="was replaced during each of 100 attempts"):
        read_folder(tmp_path / "model")
    assert attempts == 100


def kill_at_random(folder: Path, start: Start, times: int) -> None:
    chance = random.Random(1)
    for _ in range(times):
        pid = started(start, "write_for_ever", folder)
        time.sleep(chance.uniform(0, 0.1))
        kill(pid)
        assert read_folder(folder / "model", kind="model") in (OLD, NEW)
        rows = read_lines(folder / "log.jsonl")
        numbers = [row["row"] for row in rows]
        since = numbers[len(numbers) - numbers[::-1].index(0) :] if 0 in numbers else numbers
        assert since == list(range(1, len(since) + 1))  # each row once, in order
        text = (folder / "file.txt").read_text()
        number = text[: len(text) // 1000]
        assert text == number * 1000
        assert int(number) in (
            len(since),
            len(since) + 1,
        )  # the log is written after the file: nothing finished is lost
        with RunLock(folder):
            for name in ("model", "file.txt"):
                sweep(folder / name)
            assert leftovers(folder) == []
            LineLog(folder / "log.jsonl").append({"row": 0, "text": ""})
            assert len(read_lines(folder / "log.jsonl")) == len(rows) + 1


def test_killed_at_random(tmp_path: Path, start: Start) -> None:
    kill_at_random(tmp_path, start, times=6)


@pytest.mark.slow
def test_killed_at_random_200_times(tmp_path: Path, start: Start) -> None:
    kill_at_random(tmp_path, start, times=200)


def test_the_lock_names_its_holder_and_goes_with_it(tmp_path: Path, start: Start) -> None:
    pid = started(start, "hold_lock", tmp_path)
    before = time.monotonic()
    for _ in range(2):  # looking at it does not wear it out
        with (
            pytest.raises(RunInUseError, match=rf"another process \({pid}\) is writing to {tmp_path}: wait for it"),
            RunLock(tmp_path),
        ):
            pass
    assert time.monotonic() - before < 4  # and does not wait
    kill(pid)
    with RunLock(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_the_lock_in_one_process(tmp_path: Path) -> None:
    with RunLock(tmp_path), pytest.raises(RunInUseError), RunLock(tmp_path):
        pass
    lock = RunLock(tmp_path)
    with lock, RunLock(tmp_path.parent):
        pass
    with RunLock(tmp_path), pytest.raises(RunInUseError), lock:
        pass
    with lock:
        pass
    with pytest.raises(KeyError), RunLock(tmp_path):
        raise KeyError
    with RunLock(tmp_path):
        (tmp_path / "lock").write_text("not a number")
        with pytest.raises(RunInUseError, match="another process is writing"), RunLock(tmp_path):
            pass


def test_no_folder_to_lock(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"can't lock .*file"), RunLock(tmp_path / "file"):
        pass
