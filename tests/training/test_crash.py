"""Kill -9 at any moment, a full disk at any write: the run goes on to the same weights."""

from __future__ import annotations

import errno
import os
import random
import time
from pathlib import Path

import pytest
from training_process import EAGER, start
from training_toy import Recorder, digest, train

from elman.errors import StorageError


def kill_until(kills: int, folder: Path, seed: int) -> int:
    """Kill runs at random times, resume each until it is complete; returns the kills that hit a living process."""
    train(folder / "whole", EAGER)
    expected = digest(folder / "whole")
    draw = random.Random(seed)
    hits = runs = 0
    while hits < kills:
        runs += 1
        path = folder / f"run {runs}"
        while (process := start(path)).exitcode is None:
            process.join(draw.uniform(0.02, 0.25))
            if process.exitcode is None:
                process.kill()
                process.join()
            if process.exitcode == 0:
                break
            assert process.exitcode == -9
            hits += 1
        assert digest(path) == expected
        leftovers = {entry.name for entry in path.iterdir()} - {"lock"}
        assert leftovers == {"best", "last", "metrics.jsonl", "samples.txt", "timing.jsonl", "environment.json"}
    return hits


def test_killed_at_random_moments(tmp_path: Path) -> None:
    assert kill_until(10, tmp_path, seed=1) >= 10


@pytest.mark.slow
def test_killed_at_many_random_moments(tmp_path: Path) -> None:
    assert kill_until(200, tmp_path, seed=2) >= 200
