"""One writer per run folder."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from elman.errors import RunInUseError
from elman.storage import disk
from elman.storage.files import disk_errors, put


class RunLock:
    """`with RunLock(folder):` holds the file `lock` in `folder`; the system releases it however the process ends.

    Raises:
        RunInUseError: another process holds it (or another `RunLock` in this one).
        StorageError: the lock can't be made there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._file = self.folder / "lock"
        self._lock = FileLock(self._file, thread_local=False)

    def __enter__(self) -> Self:
        with disk_errors(f"lock {self.folder}", "nothing was changed"):
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                raise RunInUseError(
                    f"another process{self._holder()} is writing to {self.folder}: wait for it, or choose another folder"
                ) from None
        with suppress(OSError):  # the number is a courtesy to whoever finds the folder locked
            put(self._file, str(os.getpid()).encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()

    def _holder(self) -> str:
        with suppress(OSError, ValueError):
            return f" ({int(disk.read(self._file))})"
        return ""
