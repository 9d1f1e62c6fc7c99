"""Limits of the operating system for the student's process; what a system does not know is left out (Windows has none of them)."""

from __future__ import annotations

import sys
from contextlib import suppress

MEBIBYTE = 1 << 20


def limit(*, memory: int, seconds: float, file_size: int) -> None:
    """From now on: so many more bytes of memory than now, seconds of processor time in all, and bytes in one file; no core dump."""
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
    with suppress(OSError, ValueError):
        address_space = _address_space() + memory
        resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    with suppress(OSError, ValueError):
        most = int(_spent() + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))


def no_new_processes() -> None:
    """Not one process or thread more (the administrator's account is above this limit; the guard is not)."""
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


def question(seconds: float) -> None:
    """Processor time for what comes next; whoever needs more is stopped by the system."""
    if sys.platform == "win32":
        return
    import resource

    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (min(int(_spent() + seconds) + 1, most), most))


def _spent() -> float:
    if sys.platform == "win32":
        return 0.0
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _address_space() -> int:
    """Bytes of address space in use: libraries take a lot of it (torch some gigabytes), and none of that is the student's."""
    with open("/proc/self/statm", encoding="ascii") as stream:  # noqa: PTH123 - fails with OSError where there is none
        return int(stream.read().split()[0]) * 4096
