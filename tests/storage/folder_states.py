"""Two versions of a folder, and every state in which a killed writer can leave the place of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from elman.storage import write_folder

OLD = {"config.json": b'{"hidden": 3}\n', "weights.bin": bytes(range(64))}
NEW = {"config.json": b'{"hidden": 4}\n', "weights.bin": bytes(range(64, 192)), "more.txt": "más\n".encode()}


def _write(path: Path, files: dict[str, bytes]) -> None:
    write_folder(path, files, kind="model")


def nothing(path: Path) -> None:
    """The first write."""


def previous(path: Path) -> None:
    """The usual case."""
    _write(path, OLD)


def half_written(path: Path) -> None:
    """Killed while it wrote the new files."""
    _write(path, OLD)
    new = path.parent / f".{path.name}.new"
    new.mkdir()
    (new / "config.json").write_bytes(b'{"hid')


def between_renames(path: Path) -> None:
    """Killed with the old folder out of the way and the next one complete, but not in place."""
    _write(path, NEW)
    path.rename(path.parent / f".{path.name}.new")
    _write(path.parent / "other", OLD)
    (path.parent / "other").rename(path.parent / f".{path.name}.old")


def not_tidied(path: Path) -> None:
    """Killed while it removed the old folder."""
    _write(path, OLD)
    old = path.parent / f".{path.name}.old"
    old.mkdir()
    (old / "weights.bin").write_bytes(b"1234")


STATES: dict[str, Callable[[Path], None]] = {
    f.__name__: f for f in (nothing, previous, half_written, between_renames, not_tidied)
}
