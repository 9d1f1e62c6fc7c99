"""Where the student's process finds its libraries, and what it may read: no folder of the teacher's, whatever is on our own path."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

SYSTEM = ("/usr", "/lib", "/lib64", "/etc", "/opt", "/nix", "/System", "/Library", "/proc/self", "/proc/cpuinfo",
          "/proc/meminfo", "/proc/stat", "/proc/sys", "/sys", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")  # fmt: skip
"""What programs read to run at all."""
INSTALLED = ("site-packages", "dist-packages")
HIDDEN = Path(__file__).parents[1] / "worksheets"
"""The references; never readable."""


def search_path(libraries: tuple[str, ...]) -> list[str]:
    """Our own `sys.path` without what is neither Python's, nor installed, nor the place of a library that is needed.

    `python -m elman` has the folder it was called from on its path, and there the other submissions may lie.
    """
    needed = {str(Path(place).parent) for place in _packages(libraries)}
    return [p for p in sys.path if p and (_kept(p) or p in needed)]


def readable(libraries: tuple[str, ...]) -> list[str]:
    """Folders and files that may be read: the system's, Python's, and installed packages; of Elman all but the references."""
    path = search_path(libraries)
    places = [sys.prefix, sys.base_prefix, sys.exec_prefix, *(p for p in path if _kept(p)), *_linked()]
    places += [
        part for package in _packages(libraries) if not _kept(package) for part in _around(Path(package), HIDDEN)
    ]
    return list(
        dict.fromkeys(os.path.realpath(p) if p != "/proc/self" else p for p in (*SYSTEM, *places) if Path(p).exists())
    )


def _kept(place: str) -> bool:
    """Whether a folder is Python's own or of installed packages."""
    tops = (sys.prefix, sys.base_prefix, sys.exec_prefix)
    parts = Path(place).parts
    return any(Path(place).is_relative_to(top) for top in tops) or any(name in parts for name in INSTALLED)


def _packages(libraries: tuple[str, ...]) -> Iterator[str]:
    """Folders (or files) of packages that the process imports itself."""
    for name in dict.fromkeys(("elman", "numpy", *(library.split(".")[0] for library in libraries))):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            yield str(Path(spec.origin).parent if spec.submodule_search_locations else spec.origin)


def _linked() -> list[str]:
    """Where native libraries are looked for besides."""
    return [p for p in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if p]


def _around(place: Path, hidden: Path) -> Iterator[str]:
    """A folder in parts, without one that lies in it."""
    if place == hidden:
        return
    if hidden.is_relative_to(place):
        for part in sorted(place.iterdir()):
            yield from _around(part, hidden)
    else:
        yield str(place)
