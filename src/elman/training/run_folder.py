"""The folder that a run leaves: locked while somebody writes, and never written over by another run."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Self

import torch

from elman.errors import InputError, StorageError
from elman.storage import LineLog, RunLock, append_file, sweep, to_json, truncate_file, write_file

PACKAGES = ("elman", "torch", "numpy", "sympy", "safetensors")


class RunFolder:
    """`with RunFolder(path) as run:` makes the folder where needed, takes its lock, and tidies up after a killed writer.

    `metrics.jsonl` and `samples.txt` are functions of recipe and data; `timing.jsonl` is a log of time really spent (a row per
    stretch of work: an epoch that was interrupted has several).

    Raises:
        RunInUseError: another process is writing to it.
        StorageError: the folder can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self.best = self.path / "best"
        self.last = self.path / "last"
        self.metrics = LineLog(self.path / "metrics.jsonl")
        self.timing = LineLog(self.path / "timing.jsonl")
        self.samples = self.path / "samples.txt"

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"can't make the run folder {self.path}: {error.strerror}") from error
        with ExitStack() as stack:
            stack.enter_context(RunLock(self.path))
            sweep(self.best)
            sweep(self.last)
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def holds_a_run(self) -> bool:
        """Whether there is a model here that a new run would write over."""
        return self.last.exists() or self.best.exists()

    def refuse_if_used(self) -> None:
        """A new run wants a folder without a run; raises InputError otherwise."""
        if self.holds_a_run:
            raise InputError(
                f"{self.path} already holds a run: go on with --resume, or choose another folder with --run"
            )

    def write_environment(self, seed: int) -> None:
        """What, besides recipe and data, the numbers of a run depend on: environment.json."""
        environment = {
            "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
            "platform": platform.platform(),
            "cpu": torch.backends.cpu.get_cpu_capability(),
            "threads": torch.get_num_threads(),
            "seed": seed,
            "pid": os.getpid(),
        }
        write_file(self.path / "environment.json", to_json(environment))

    def append_samples(self, epoch: int, samples: Sequence[str]) -> None:
        """Add the samples of an epoch to samples.txt, under a line that names it."""
        append_file(self.samples, "\n".join([f"epoch {epoch}", *samples, "", ""]).encode())

    def offsets(self) -> dict[str, int]:
        """How long metrics.jsonl and samples.txt are, in bytes."""
        return {"metrics": self.metrics.offset, "samples": self.samples.stat().st_size if self.samples.exists() else 0}

    def rewind(self, metrics: int = 0, samples: int = 0) -> None:
        """Take back what was written to both since `offsets()` were these."""
        self.metrics.truncate(metrics)
        truncate_file(self.samples, samples)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"
