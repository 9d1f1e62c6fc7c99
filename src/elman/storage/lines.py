"""A log of JSON lines: each row is there or not, never in part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman.errors import FolderError
from elman.storage import disk
from elman.storage.canonical import from_json
from elman.storage.files import append_file, disk_errors, truncate_file


class LineLog:
    """The writer of a log; one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    @property
    def offset(self) -> int:
        """Bytes of whole lines so far: what `truncate` goes back to. A last line that was torn by a crash doesn't count."""
        with disk_errors(f"read {self.path}", "nothing was changed"):
            size = disk.size(self.path)
            if size == 0 or disk.read(self.path, size - 1) == b"\n":
                return size
            return disk.read(self.path).rfind(b"\n") + 1

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row (keys in their order), on the disk before this returns.

        Raises:
            StorageError: the disk is full or fails; the log is as it was.
        """
        line = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        self.truncate(self.offset)  # a line torn by a crash would swallow this one
        append_file(self.path, line.encode() + b"\n")

    def truncate(self, offset: int) -> None:
        """Take back all that was written after the log had this `offset`.

        Raises:
            FolderError: the log is shorter than that: it is not the one whose offset was noted.
            StorageError: the disk fails.
        """
        truncate_file(self.path, offset)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The rows of a log, oldest first; a torn last line is left out.

    Raises:
        FolderError: the log is missing, or a line is not a JSON object (the message names the line).
        StorageError: it can't be read.
    """
    with disk_errors(f"read {path}", "nothing was changed"):
        try:
            lines = disk.read(path).split(b"\n")[:-1]
        except FileNotFoundError as error:
            raise FolderError(f"there is no {path}") from error
    rows = [from_json(line, f"{path}, line {number}") for number, line in enumerate(lines, start=1)]
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise FolderError(f"{path}, line {number} is not a JSON object")
    return rows
