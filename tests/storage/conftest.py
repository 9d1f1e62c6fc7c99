from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from storage_process import Start

import elman

HERE = Path(__file__).parent


@pytest.fixture
def start() -> Iterator[Start]:
    """`start(verb, folder, ...)` runs a verb of storage_process.py in a process of its own."""
    running: list[subprocess.Popen[str]] = []
    environment = os.environ | {"PYTHONPATH": str(Path(elman.__file__).parents[1])}

    def start(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "error", str(HERE / "storage_process.py"), *map(str, arguments)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
