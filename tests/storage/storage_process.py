"""What the tests do in other processes: `python storage_process.py VERB FOLDER [...]`."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from disk_faults import killed_at, watched
from folder_states import NEW, OLD, STATES

from elman.errors import StorageError
from elman.storage import LineLog, RunLock, append_file, write_file, write_folder

LARGE = bytes(20_000)
Start = Callable[..., "subprocess.Popen[str]"]  # what the fixture `start` gives
Actions = tuple[Callable[[], None], Callable[[], None]]


def kill_at_every_operation(base: Path, state: str) -> None:
    """In `base/n/`, a child is killed at the n-th operation of a write, for n = 1, 2, ... until one survives."""
    os.fsync = lambda descriptor: None  # a killed process loses nothing that it wrote: quicker without
    for n in count(1):
        folder = base / str(n)
        folder.mkdir()
        prepare, act = _log(folder) if state == "log" else _file(folder) if state == "file" else _model(folder, state)
        prepare()
        child = os.fork()
        if child == 0:
            with watched(killed_at(n)):
                act()
            os._exit(0)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            return


def _model(folder: Path, state: str) -> Actions:
    path = folder / "model"
    return lambda: STATES[state](path), lambda: write_folder(path, NEW, kind="model")


def _log(folder: Path) -> Actions:
    log = LineLog(folder / "log.jsonl")
    return lambda: log.append({"row": 1}), lambda: log.append({"row": 2})


def _file(folder: Path) -> Actions:
    path = folder / "file.txt"
    return lambda: write_file(path, "old"), lambda: write_file(path, "new")


def write_for_ever(folder: Path) -> None:
    """Take turns between two versions of everything, until killed."""
    with RunLock(folder):
        for n in count(1):
            write_folder(folder / "model", OLD if n % 2 else NEW, kind="model")
            write_file(folder / "file.txt", str(n) * 1000)
            LineLog(folder / "log.jsonl").append({"row": n, "text": "é" * 50})
            if n == 1:
                print("ready", flush=True)


def hold_lock(folder: Path) -> None:
    """Hold the run's lock until killed."""
    with RunLock(folder):
        print("ready", flush=True)
        time.sleep(60)


def hit_file_size_limit(folder: Path) -> None:
    """The kernel itself refuses to write beyond 1,000 bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    writes = [
        lambda: write_folder(folder / "model", {**NEW, "weights.bin": LARGE}, kind="model"),
        lambda: write_file(folder / "file.txt", LARGE),
        lambda: append_file(folder / "samples.txt", LARGE),
        lambda: LineLog(folder / "log.jsonl").append({"row": 2, "text": "x" * 2000}),
    ]
    for write in writes:
        try:
            write()
        except StorageError as error:
            print(error)


if __name__ == "__main__":
    verb, base, *rest = sys.argv[1:]
    globals()[verb](Path(base), *rest)
