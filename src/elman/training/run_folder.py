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

from elman.errors import FolderError, InputError, StorageError
from elman.storage import LineLog, RunLock, sweep, to_json, write_file

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
        self.samples = self.path / "samples.txt"
        self._open = ExitStack()

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"can't make the run folder {self.path}: {error.strerror}") from error
        self._open.enter_context(RunLock(self.path))
        sweep(self.best)
        sweep(self.last)
        self.metrics = LineLog(self.path / "metrics.jsonl")
        self.timing = LineLog(self.path / "timing.jsonl")
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
            raise InputError(f"{self.path} already holds a run: go on with --resume, or choose another folder with --run")

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

    @property
    def samples_offset(self) -> int:
        """Bytes in samples.txt."""
        return self.samples.stat().st_size if self.samples.exists() else 0

    def append_samples(self, epoch: int, samples: Sequence[str]) -> None:
        """Add the samples of an epoch to samples.txt, under a line that names it."""
        text = "\n".join([f"epoch {epoch}", *samples, "", ""])
        offset = self.samples_offset
        try:
            with self.samples.open("ab") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self._cut_samples(offset)
            raise StorageError(f"can't write {self.samples}: {error.strerror}; what was there is intact") from error

    def rewind(self, metrics: int, samples: int) -> None:
        """Take back what was written after a checkpoint that noted these offsets."""
        self.metrics.truncate(metrics)
        if self.samples_offset < samples:
            raise FolderError(f"{self.samples} is shorter than when the run was saved: it was cut or replaced")
        self._cut_samples(samples)

    def _cut_samples(self, offset: int) -> None:
        if self.samples.exists():
            os.truncate(self.samples, offset)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"
