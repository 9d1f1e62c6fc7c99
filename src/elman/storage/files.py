"""Single files: written as a whole or not at all, and logs that grow at their end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from elman.errors import FolderError, StorageError
from elman.storage import disk


def write_file(path: Path, data: bytes | str) -> None:
    """Replace a file in one step: a temporary file beside it, synced, takes its name. Text is stored as UTF-8.

    Raises:
        StorageError: the disk is full or fails; the file is as it was, or new, but whole.
    """
    with disk_errors(f"write {path}", "it was not left half-written"):
        target = disk.real(path)
        temporary = beside(target, "new")
        try:
            put(temporary, data.encode() if isinstance(data, str) else data)
            disk.rename(temporary, target)
            disk.sync_folder(target.parent)
        except OSError:
            with suppress(OSError):  # where it can't be removed either, the next write takes its place
                disk.remove(temporary)
            raise


def append_file(path: Path, data: bytes) -> None:
    """Add bytes at the end of a file (made where missing): all of them or none.

    Raises:
        StorageError: the disk is full or fails; what was there before is intact, and nothing follows it.
    """
    with disk_errors(f"add to {path}", "what was there before is intact"):
        is_new, end = not disk.exists(path), disk.size(path)
        with disk.extend(path) as file:
            try:
                write_all(file, data)
                disk.sync(file)
                if is_new:
                    disk.sync_folder(path.parent)
            except OSError:
                with suppress(OSError):  # where it can't be cut either, a `LineLog` mends it before its next row
                    disk.cut(file, end)
                raise


def truncate_file(path: Path, size: int) -> None:
    """Cut a file back to `size` bytes.

    Raises:
        FolderError: it is shorter than that.
        StorageError: the disk fails.
    """
    with disk_errors(f"shorten {path}", f"its first {size} bytes are intact"):
        length = disk.size(path)
        if length < size:
            raise FolderError(
                f"{path} has {length} bytes, {size} were there when its length was noted: it was cut or replaced"
            )
        if length > size:
            with disk.extend(path) as file:
                disk.cut(file, size)
                disk.sync(file)


def put(path: Path, data: bytes) -> None:
    """Write a file and wait until it is on the disk. Not atomic."""
    with disk.create(path) as file:
        write_all(file, data)
        disk.sync(file)


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of `data`: the system may take it in pieces."""
    rest = memoryview(data)
    while rest:
        rest = rest[disk.write(file, rest) :]


def beside(path: Path, suffix: str) -> Path:
    """The neighbour `.NAME.suffix`: hidden, since `best.old` may well be a copy that a person made."""
    return path.parent / f".{path.name}.{suffix}"


@contextmanager
def disk_errors(doing: str, still: str) -> Iterator[None]:
    """Any `OSError` becomes a `StorageError` that says what couldn't be done, why, and what still holds."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"can't {doing}: {error.strerror or error}; {still}") from error
