"""Faults at the n-th operation on the disk. Imports no pytest, so that a child process can use it too."""

from __future__ import annotations

import errno
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

from elman.storage import disk

OPERATIONS = [name for name, f in inspect.getmembers(disk, inspect.isfunction) if f.__module__ == disk.__name__]
Before = Callable[[int, str, tuple[Any, ...]], None]


@contextmanager
def watched(before: Before) -> Iterator[list[str]]:
    """Call `before(number, operation, arguments)` ahead of each operation on the disk, counted from 1. Yields their names."""
    real = {name: getattr(disk, name) for name in OPERATIONS}
    met: list[str] = []

    def wrap(name: str) -> Callable[..., Any]:
        def operation(*arguments: Any) -> Any:
            met.append(name)
            before(len(met), name, arguments)
            return real[name](*arguments)

        return operation

    try:
        for name in real:
            setattr(disk, name, wrap(name))
        yield met
    finally:
        for name, function in real.items():
            setattr(disk, name, function)


def write_half(name: str, arguments: tuple[Any, ...]) -> None:
    """What a write that goes wrong may have done before."""
    if name == "write":
        file, data = arguments
        assert isinstance(file, FileIO)
        file.write(data[: len(data) // 2])


def full_once(n: int) -> Before:
    """The n-th operation fails, the disk is fine afterwards."""
    return _full(lambda count: count == n)


def full_from(n: int) -> Before:
    """The n-th operation and all after it fail: nothing can be tidied up."""
    return _full(lambda count: count >= n)


def killed_at(n: int) -> Before:
    """The process is gone at the n-th operation, as after kill -9."""

    def before(count: int, name: str, arguments: tuple[Any, ...]) -> None:
        if count == n:
            write_half(name, arguments)
            os._exit(9)

    return before


def _full(fails: Callable[[int], bool]) -> Before:
    def before(count: int, name: str, arguments: tuple[Any, ...]) -> None:
        if fails(count):
            write_half(name, arguments)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return before


def leftovers(folder: Path) -> list[str]:
    """Temporary files and folders beside what was written."""
    return sorted(path.name for path in folder.iterdir() if path.name.startswith("."))
