"""One process for a student's file: started, listened to as long as it may take, ended."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.checking.sandbox.answers import Problem, problem_of, value_of
from elman.checking.sandbox.places import HIDDEN, readable, search_path
from elman.errors import EngineError

START = "import sys; sys.path[:] = {path!r}; from elman.checking.sandbox.child import main; main()"
FILE = "submission.py"
IMPORTING = 120.0
"""Seconds for our own imports in the process, before the file's time begins to count."""
MOST_ANSWER = 16 << 20
LOOK = 0.25
"""Seconds between two looks at whether the process sleeps."""
PATIENCE = 4
"""How many times as long on the clock as on the processor, because a process may have to wait for others."""


@dataclass(frozen=True)
class Limits:
    """What one question may cost.

    Attributes:
        seconds: of processor time, or asleep; four times as long on the clock, because a process may have to wait for others.
        memory: bytes beyond what the libraries take.
    """

    seconds: float = 5.0
    memory: int = 2 << 30


class Process:
    """One process of the student's; gone, with everything that it started, at the end of `with`."""

    def __init__(self, folder: Path, questions: list[Any], preload: tuple[str, ...], limits: Limits) -> None:
        self.limits = limits
        self.over = False
        self.buffer = b""
        self.reading, writing = os.pipe()
        work = {
            "pipe": writing, "parent": os.getpid(), "folder": str(folder), "file": FILE, "preload": list(preload), "memory": limits.memory,
            "seconds": limits.seconds, "questions": questions, "readable": readable(preload), "hidden": str(HIDDEN),
        }  # fmt: skip
        code = START.format(path=search_path(preload))
        # Our own interpreter with our own code; the student's file is data to it until the guard is up.
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-I", "-X", "utf8", "-c", code],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(writing,), cwd=folder, env=_environment(folder), start_new_session=True,
        )  # fmt: skip
        os.close(writing)
        assert self.process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(work).encode())
            self.process.stdin.close()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.reading)

    def is_over(self) -> bool:
        """No more answers will come."""
        return self.over

    def load(self) -> Problem | None:
        """Wait until the file has run; a problem of it, if there was one.

        Raises:
            EngineError: the process ended before the file was run, which is no fault of the file.
        """
        told: dict[str, Any] = {}
        for key, seconds in (("ready", IMPORTING), ("loaded", PATIENCE * self.limits.seconds)):
            message = self.message(seconds)
            if isinstance(message, Problem):
                if key == "ready":
                    raise EngineError(
                        f"the process for a submission ended before the submission was run: {message.text or message.kind}"
                    )
                return message
            if key not in message:
                self.over = True
                return Problem("garbled")
            told = message
        return problem_of(told["loaded"])

    def answer(self, number: int) -> list[Any] | Problem:
        """Wait for the answer to a question."""
        message = self.message(PATIENCE * self.limits.seconds)
        if isinstance(message, Problem):
            return message
        if message.get("question") != number:
            self.over = True
            return Problem("garbled")
        if "problem" in message:
            return problem_of(message["problem"]) or Problem("ended")
        values = message.get("values")
        return [value_of(v) for v in values] if isinstance(values, list) else Problem("garbled")

    def message(self, seconds: float) -> dict[str, Any] | Problem:
        """The next line, as JSON, if it comes in so many seconds, and not more than a quarter of them slept through."""
        until, asleep = time.monotonic() + seconds, 0.0
        while b"\n" not in self.buffer:
            left = until - time.monotonic()
            ready, _, _ = select.select([self.reading], [], [], max(min(left, LOOK), 0))
            if not ready and left > LOOK:
                asleep += LOOK * self.sleeps()
                if PATIENCE * asleep < seconds:
                    continue
            piece = os.read(self.reading, 1 << 20) if ready else b""
            self.buffer += piece
            if not piece or len(self.buffer) > MOST_ANSWER:
                return self.gone(in_time=bool(ready))
        line, self.buffer = self.buffer.split(b"\n", 1)
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self.over = True
            return Problem("garbled")
        return message

    def sleeps(self) -> bool:
        """Whether it does nothing, rather than wait for a processor or a disk; False where the system does not tell."""
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        except (OSError, ValueError):
            return False
        return stat.rpartition(")")[2].split()[:1] in (["S"], ["T"])

    def gone(self, *, in_time: bool) -> Problem:
        """Why there will be no more lines."""
        self.over = True
        if not in_time:
            return Problem("time")
        if self.buffer and len(self.buffer) > MOST_ANSWER:
            return Problem("too large")
        try:
            code = self.process.wait(2)
        except subprocess.TimeoutExpired:
            return Problem("ended", "it closed the way back")
        if code == -signal.SIGXCPU:
            return Problem("time")
        if code < 0:
            return Problem("ended", f"signal {signal.Signals(-code).name}")
        return Problem("ended", f"exit code {code}")


def _environment(folder: Path) -> dict[str, str]:
    """Little: no tokens, no home; one thread for the libraries, and no accelerator."""
    kept = {k: v for k in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT") if (v := os.environ.get(k))}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    places = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP"), str(folder))
    return {**kept, **threads, **places, "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "Agg"}
