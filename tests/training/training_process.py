"""What runs in another process, to be stopped, killed or starved. A module of its own, so that a fork server can load it once."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import torch
from training_toy import SETTINGS, Recorder, train

from elman.errors import ElmanError
from elman.training import TrainingSettings

EAGER = TrainingSettings(**SETTINGS.model_dump() | {"checkpoint_seconds": 0})
"""A checkpoint after every step."""


class Slow(Recorder):
    """Waits after each step, and says where it is in a file."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__()
        self.path, self.seconds = path, seconds

    def stepped(self, step: int, loss: float, rate: float, symbols: int) -> None:
        self.path.write_text(str(step))
        time.sleep(self.seconds)


def work(path: Path, wait: float, stuck: bool) -> None:
    """Train, or go on; leave as the command line would."""
    torch.set_num_threads(1)
    try:
        if stuck:
            train(path, EAGER, resume=True, listener=Recorder({3: lambda: forever(path)}))
        else:
            train(path, EAGER, resume=True, listener=Slow(path.with_suffix(".step"), wait) if wait else None)
    except ElmanError as error:
        path.with_suffix(".error").write_text(str(error))
        sys.exit(error.exit_code)


def forever(path: Path) -> None:
    """A step that never ends."""
    path.with_suffix(".step").write_text("stuck")
    while True:
        time.sleep(0.01)


def start(path: Path, *, wait: float = 0.0, stuck: bool = False) -> ForkServerProcess:
    """`work` in a process of its own."""
    process = context().Process(target=work, args=(path, wait, stuck))
    process.start()
    return process


def context() -> ForkServerContext:
    """Processes that start fast: what takes seconds to import is imported once, in their server."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(
        ["elman.training", "torch._dynamo"]
    )  # torch.optim loads the latter with its first step
    return server


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Look every few milliseconds; a test that hangs is worse than one that fails."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.002)
