"""The same refusals from the kernel, for what goes around Python: native code, patched modules. Linux only, no privileges needed.

Landlock (since Linux 5.13, https://docs.kernel.org/userspace-api/landlock.html) keeps changes to files inside one folder, and reading to
that and to what a program needs to run; a seccomp filter refuses new processes, other programs and sockets. Where the kernel knows
neither, the guard and the limits stand alone.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from pathlib import Path

NO_NEW_PRIVILEGES, SECCOMP, FILTER, PARENT_DEATH = 38, 22, 2, 1  # of prctl
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # system calls, the same on every processor
PATH_BENEATH, VERSION = 1, 1

EXECUTE, WRITE, READ, LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
CHANGES = WRITE | sum(1 << bit for bit in range(4, 13))  # remove and make files, folders, links, devices, sockets
REFER, TRUNCATE = 1 << 13, 1 << 14  # known since the second and third version
SIGNALS = 1 << 1  # since the sixth

#: Numbers of system calls by processor: its name in filters, `clone`, `clone3`, and those that are refused.
#: Refused: execve, execveat, ptrace, process_vm_readv and _writev, socket, kill, unshare, setns, mount; on x86 also fork and vfork.
PROCESSORS = {
    "x86_64": (0xC000003E, 56, 435, (57, 58, 59, 322, 101, 310, 311, 41, 62, 272, 308, 165)),
    "aarch64": (0xC00000B7, 220, 435, (221, 281, 117, 270, 271, 198, 129, 97, 268, 40)),
}
THREAD = 0x00010000  # CLONE_THREAD: a thread is no process
OLD_NUMBERS = 0x40000000  # from here on x86 repeats its calls for another width of pointers
LOAD, EQUAL, AT_LEAST, BITS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # of the filter's little language
ALLOW, REFUSE, UNKNOWN = (
    0x7FFF0000,
    0x00050000 | 1,
    0x00050000 | 38,
)  # EPERM; ENOSYS lets the C library fall back to clone
NUMBER, PROCESSOR, FIRST_ARGUMENT = 0, 4, 16  # where in the call's description


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


class _Line(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("value", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("lines", ctypes.POINTER(_Line)))


def end_with(parent: int) -> None:
    """This process is killed when its parent ends, however that ends; at once if it has."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PARENT_DEATH, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def confine(folder: Path, readable: list[str]) -> tuple[bool, bool]:
    """Changes to files in `folder` only, reading there and in `readable`, no process: for this process, from now on.

    Returns:
        Whether the first two, and whether the last could be had.
    """
    if not sys.platform.startswith("linux"):
        return False, False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False, False
    return _files(libc, folder, readable), _calls(libc)


def _files(libc: ctypes.CDLL, folder: Path, readable: list[str]) -> bool:
    version = libc.syscall(CREATE_RULESET, None, 0, VERSION)
    if version < 1:
        return False
    changes = CHANGES | (REFER if version >= 2 else 0) | (TRUNCATE if version >= 3 else 0)
    rules = _Ruleset(changes | EXECUTE | READ | LIST, 0, SIGNALS if version >= 6 else 0)
    size = ctypes.sizeof(rules) if version >= 6 else 8
    ruleset = libc.syscall(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    rights: list[tuple[str | Path, int]] = [(folder, changes | READ | LIST), (os.devnull, changes & (WRITE | TRUNCATE))]
    rights += [(path, READ | LIST if Path(path).is_dir() else READ) for path in readable]
    rights += [(path, LIST) for path in sys.path if path and Path(path).is_dir()]
    try:
        for path, allowed in rights:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            rule = _Beneath(allowed, place)
            added = libc.syscall(ADD_RULE, ruleset, PATH_BENEATH, ctypes.byref(rule), 0)
            os.close(place)
            if added != 0:
                return False
        return bool(libc.syscall(RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _calls(libc: ctypes.CDLL) -> bool:
    known = PROCESSORS.get(platform.machine())
    if known is None:
        return False
    processor, clone, clone3, refused = known
    lines = [
        (LOAD, 0, 0, PROCESSOR), (EQUAL, 1, 0, processor), (RETURN, 0, 0, REFUSE),
        (LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, OLD_NUMBERS), (RETURN, 0, 0, REFUSE), (EQUAL, 0, 1, clone3), (RETURN, 0, 0, UNKNOWN),
        *(line for call in refused for line in ((EQUAL, 0, 1, call), (RETURN, 0, 0, REFUSE))),
        (EQUAL, 1, 0, clone), (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, FIRST_ARGUMENT), (BITS, 0, 1, THREAD), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE),
    ]  # fmt: skip
    program = _Program(len(lines), (_Line * len(lines))(*(_Line(*line) for line in lines)))
    return bool(libc.prctl(SECCOMP, FILTER, ctypes.byref(program), 0, 0) == 0)
