"""Every operation on the disk, one short function each: the tests make the n-th one fail, or the last one, for every n.

All raise `OSError`. No other file of this room touches the disk; only the lock's library does so for itself.
"""

from __future__ import annotations

import errno
import os
from io import FileIO
from pathlib import Path


def create(path: Path) -> FileIO:
    """Open a new, empty file for writing."""
    return path.open("wb", buffering=0)


def extend(path: Path) -> FileIO:
    """Open a file for writing at its end."""
    return path.open("ab", buffering=0)


def write(file: FileIO, data: memoryview) -> int:
    """Write the beginning of `data`; returns how many bytes the system took."""
    return file.write(data)


def cut(file: FileIO, size: int) -> None:
    """Shorten a file to `size` bytes."""
    file.truncate(size)


def sync(file: FileIO) -> None:
    """Wait until the content of a file is on the disk."""
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    if os.name == "nt":  # Windows can't open a folder; its file system keeps a journal of names
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (
            errno.EINVAL,
            errno.ENOTSUP,
        ):  # some network disks can't, and there is no other way to ask
            raise
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder that isn't there yet."""
    folder.mkdir()


def rename(old: Path, new: Path) -> None:
    """Give a file or folder another name, in one step. A file replaces a file of that name."""
    old.replace(new)


def remove(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def remove_folder(folder: Path) -> None:
    """Remove an empty folder."""
    folder.rmdir()


def real(path: Path) -> Path:
    """The absolute path without symbolic links: what is renamed must not be the link."""
    return Path(os.path.realpath(path))


def exists(path: Path) -> bool:
    """Whether there is anything at this path."""
    return os.path.lexists(path)


def is_folder(path: Path) -> bool:
    """Whether this is a folder (and not a link to one)."""
    return path.is_dir() and not path.is_symlink()


def size(path: Path) -> int:
    """Bytes in a file; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def read(path: Path, start: int = 0) -> bytes:
    """The content of a file from byte `start` on."""
    with path.open("rb") as file:
        file.seek(start)
        return file.read()


def listing(folder: Path) -> dict[str, int | None]:
    """What lies in a folder: bytes of each file; None for what is no plain file (a folder, a link, a device)."""
    with os.scandir(folder) as entries:
        return {e.name: e.stat().st_size if e.is_file(follow_symlinks=False) else None for e in entries}


def state(path: Path) -> tuple[int, int, int] | None:
    """Something that changes whenever a folder is replaced, renamed or emptied; None where there is none."""
    try:
        facts = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns
