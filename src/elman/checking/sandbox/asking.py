"""All questions to one student's file, in as many processes as it takes: where one dies, the rest goes on in the next."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.checking.sandbox.answers import Answers, Problem
from elman.checking.sandbox.process import FILE, Limits, Process
from elman.checking.sandbox.work import Action
from elman.errors import EngineError, StorageError

MOST_TIMEOUTS = 3
"""Whoever has so many endless loops need not wait for the next."""


def ask(
    source: bytes,
    questions: list[list[Action]],
    *,
    preload: tuple[str, ...] = (),
    limits: Limits | None = None,
    told: Callable[[int], None] | None = None,
) -> Answers:
    """Run a student's file in a process and folder of its own and put questions to it.

    Args:
        source: the file.
        questions: what to do for each.
        preload: libraries with native code, loaded before the file runs.
        limits: for each question.
        told: hears after each question how many have been asked.

    Raises:
        EngineError: this system has no processes that can be limited, or one does not start.
        StorageError: no temporary folder can be made.
    """
    if sys.platform == "win32":
        raise EngineError(
            "a stranger's file is run on Linux and macOS only: Windows has no limits for a process; WSL is a Linux"
        )
    try:
        folder = tempfile.mkdtemp(prefix="elman-check-")
    except OSError as error:
        raise StorageError(f"a temporary folder can't be made: {error.strerror}") from None
    try:
        asking = _Asking(Path(os.path.realpath(folder)), source, questions, preload, limits or Limits())
        return asking.all(told or (lambda _: None))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class _Asking:
    """All questions to one file, in as many processes as it takes."""

    folder: Path
    source: bytes
    questions: list[list[Action]]
    preload: tuple[str, ...]
    limits: Limits

    def all(self, told: Callable[[int], None]) -> Answers:
        answers: list[list[Any] | Problem] = []
        loading: Problem | None = None
        timeouts = 0
        while len(answers) < len(self.questions):
            if timeouts == MOST_TIMEOUTS:
                rest = Problem("time", f"not asked: {MOST_TIMEOUTS} questions before did not come to an end")
                answers += [rest] * (len(self.questions) - len(answers))
                break
            (self.folder / FILE).write_bytes(self.source)  # again for each process: a question may have changed it
            left = list(enumerate(self.questions))[len(answers) :]
            with Process(self.folder, left, self.preload, self.limits) as process:
                loading = process.load()
                if process.is_over():
                    stuck = loading or Problem("ended")
                    return Answers(stuck, (*answers, *[stuck] * len(left)))
                for number, _ in left:
                    answers.append(process.answer(number))
                    told(len(answers))
                    if process.is_over():
                        break
            last = answers[-1]
            timeouts += isinstance(last, Problem) and last.kind == "time"
        return Answers(loading, tuple(answers))
