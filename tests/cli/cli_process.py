"""The command line as other processes see it, and folders to compare before and after."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import elman


@dataclass(frozen=True)
class Said:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """Ours, with the package that is tested."""
    return {**os.environ, "PYTHONPATH": str(Path(elman.__file__).parents[1]), "OMP_NUM_THREADS": "1", **more}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "elman.cli.main", *map(str, words)]


def run(*words: object, cwd: Path, preexec: Callable[[], None] | None = None, **more: str) -> Said:
    """`elman WORDS` in a process of its own."""
    done = subprocess.run(
        command(*words), cwd=cwd, env=environment(**more), capture_output=True, text=True, encoding="utf-8", timeout=120,
        check=False, preexec_fn=preexec,
    )  # fmt: skip
    return Said(done.returncode, done.stdout, done.stderr)


def start(*words: object, cwd: Path, **more: Any) -> subprocess.Popen[str]:
    """The same, without waiting for its end."""
    return subprocess.Popen(
        command(*words), cwd=cwd, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def tree(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below, and every folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir():
            found[name] = "folder"
        elif path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def weights(run_folder: Path) -> str:
    """SHA-256 of the best weights."""
    return hashlib.sha256((run_folder / "best" / "model.safetensors").read_bytes()).hexdigest()
