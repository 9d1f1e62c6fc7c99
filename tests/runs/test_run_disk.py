"""No space left, at every write of a whole training: one sentence, nothing lost, and the run goes on to the same bytes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tiny_run
from tiny_run import StopAt, check_sentence, digest

import elman
from elman.errors import Interrupted, StorageError
from elman.storage import disk

WRITES = ("create", "extend", "write", "sync", "sync_folder", "make_folder", "rename")


@contextmanager
def full_from(number: int, *, until: float = float("inf")) -> Iterator[list[str]]:
    """The disk is full from the n-th writing operation on; yields the operations so far."""
    real = {name: getattr(disk, name) for name in WRITES}
    met: list[str] = []

    def wrap(name: str) -> Callable[..., Any]:
        def operation(*arguments: Any) -> Any:
            met.append(name)
            if number <= len(met) < until:
                if name == "write":
                    real[name](arguments[0], arguments[1][: len(arguments[1]) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real[name](*arguments)

        return operation

    try:
        for name in real:
            setattr(disk, name, wrap(name))
        yield met
    finally:
        for name, function in real.items():
            setattr(disk, name, function)


def operations(folder: Path) -> int:
    with full_from(10**9) as met:
        tiny_run.train(recipe(folder), run=folder / "counted")
    return len(met)


def recipe(folder: Path) -> Any:
    return tiny_run.recipe(folder / "data", training__batch_size=32)


def check(number: int, folder: Path, whole: dict[str, str]) -> None:
    """Full from this write on: a sentence; what was saved loads; with room again the run ends as if nothing had been."""
    path = folder / f"run{number}"
    with full_from(number), pytest.raises(StorageError) as caught:
        tiny_run.train(recipe(folder), run=path)
    assert os.strerror(errno.ENOSPC) in str(caught.value)
    assert "\n" not in str(caught.value)
    if (path / "last").exists() or (path / "best").exists():
        elman.load(path).sample(seed=1)
    tiny_run.train(recipe(folder), run=path, resume=(path / "recipe.toml").exists())
    assert digest(path) == whole


def check_once(number: int, folder: Path, whole: dict[str, str]) -> None:
    """Only this write fails: the run may do without it, or says a sentence and goes on later."""
    path = folder / f"once{number}"
    with full_from(number, until=number + 1):
        try:
            tiny_run.train(recipe(folder), run=path)
        except StorageError as error:
            check_sentence(error)
    tiny_run.train(recipe(folder), run=path, resume=(path / "recipe.toml").exists())
    assert digest(path) == whole


def test_full_at_some_writes(tmp_path: Path) -> None:
    total = operations(tmp_path)
    whole = digest(tmp_path / "counted")
    assert total > 100
    for number in range(1, total + 1, total // 9):
        check(number, tmp_path, whole)
    for number in range(1, total + 1, total // 6):
        check_once(number, tmp_path, whole)


@pytest.mark.slow
def test_full_at_every_write(tmp_path: Path) -> None:
    total = operations(tmp_path)
    whole = digest(tmp_path / "counted")
    for number in range(1, total + 1):
        check(number, tmp_path, whole)
        check_once(number, tmp_path, whole)


def test_a_full_disk_on_the_way_back(tmp_path: Path) -> None:
    """Stopped, resumed on a full disk, resumed again with room."""
    tiny_run.train(recipe(tmp_path), run=tmp_path / "whole")
    with pytest.raises(Interrupted):
        tiny_run.train(recipe(tmp_path), run=tmp_path / "run", listener=StopAt(2))
    for number in (1, 4, 9, 20):
        with full_from(number), pytest.raises(StorageError):
            tiny_run.train("names", run=tmp_path / "run", resume=True)
    tiny_run.train("names", run=tmp_path / "run", resume=True)
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")
