"""What the student's process may not do.

An audit hook sees every such call of Python's own functions and refuses it; limits of the operating system hold for everything
else. Runs in the student's process, before the student's file does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROCESSES = (
    "os.exec", "os.fork", "os.forkpty", "os.kill", "os.killpg", "os.posix_spawn", "os.spawn", "os.startfile", "os.system",
    "subprocess.Popen", "pty.spawn", "signal.pthread_kill", "resource.prlimit", "os.setxattr", "os.removexattr",
    "os.chown", "os.lchown", "os.lockf",
)  # fmt: skip
OTHERS = (
    "socket.",
    "ctypes.",
    "urllib.",
    "http.",
    "ftplib.",
    "smtplib.",
    "sqlite3.",
    "winreg.",
    "msvcrt.",
    "webbrowser.",
)
CHANGES = (
    "os.remove",
    "os.rename",
    "os.mkdir",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.utime",
    "shutil.",
)
LISTING = ("os.listdir", "os.scandir")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class RefusedError(PermissionError):
    """The file tried something that a solution does not need."""


def watch(folder: Path, readable: list[str], hidden: Path) -> None:
    """From now on: write and delete in `folder` only, read there and in `readable` but not in `hidden`; no process, no socket."""
    sys.addaudithook(
        _hook(_real(folder), _opening(_real(folder), readable, _real(hidden)), _listing(_real(folder), readable))
    )


def _real(path: Any) -> str:
    return os.path.realpath(os.fsdecode(path))


def _inside(path: str, *tops: str) -> bool:
    return any(path == top or path.startswith(top.rstrip("/") + "/") for top in tops)


def _refuse(what: str, path: str = "") -> None:
    raise RefusedError(f"{what}{f' {path[:200]}' if path else ''} is refused in a check")


# What follows are closures rather than objects, and what they call is bound when they are made: the student's file can import this
# module and exchange what is in it, which should change nothing.


def _opening(folder: str, places: list[str], hidden: str) -> Callable[..., None]:
    own = f"/proc/{os.getpid()}"
    readable = (folder, own, *places)
    memory = (f"{own}/mem", "/proc/self/mem")
    inside, refuse, real, writing, nowhere = _inside, _refuse, _real, WRITING, os.devnull

    def opened(path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int):
            return
        where = real(path)
        writes = (isinstance(mode, str) and any(c in mode for c in "wax+")) or (
            isinstance(flags, int) and flags & writing
        )
        if where in memory or (writes and not inside(where, folder, nowhere)):
            refuse("writing to", where)
        if not writes and (inside(where, hidden) or not inside(where, *readable)):
            refuse("reading", where)

    return opened


def _listing(folder: str, places: list[str]) -> Callable[..., None]:
    readable = (folder, f"/proc/{os.getpid()}", *places)
    searched = frozenset(_real(p) for p in sys.path if p)
    inside, refuse, real = _inside, _refuse, _real

    def listed(path: Any) -> None:
        where = folder if isinstance(path, int) else real(path or ".")
        if where not in searched and not inside(where, *readable):
            refuse("listing", where)

    return listed


def _hook(
    folder: str, opened: Callable[..., None], listed: Callable[..., None]
) -> Callable[[str, tuple[Any, ...]], None]:
    inside, refuse, real, elsewhere = _inside, _refuse, _real, _elsewhere
    processes, others, changes, listing = PROCESSES, OTHERS, CHANGES, LISTING

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            opened(*arguments[:3])
        elif event in listing:
            listed(arguments[0])
        elif event in processes or event.startswith(others):
            refuse(event)
        elif event.startswith(changes):
            for argument in arguments:
                if isinstance(argument, (str, bytes, os.PathLike)) and not inside(real(argument), folder):
                    refuse(event, os.fsdecode(argument))
            if event.startswith("os.") and elsewhere(event, arguments):
                refuse(event)

    return hook


def _elsewhere(event: str, arguments: tuple[Any, ...]) -> bool:
    """A path relative to an open folder (`dir_fd`), or an open file: which one can't be seen from here."""
    numbers = [a for a in arguments if isinstance(a, int) and not isinstance(a, bool)]
    if event in ("os.mkdir", "os.chmod"):
        numbers = numbers[1:]  # the mode
    if event == "os.truncate":
        return isinstance(arguments[0], int)
    return any(n != -1 for n in numbers)
