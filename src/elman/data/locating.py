"""Where the files of a source are on this machine.

Looked for in this order: the path that was given, the folder in `ELMAN_DATA`, the user's cache, what ships with Elman
(names), and at last the official address (Tiny Shakespeare).
"""

from __future__ import annotations

import difflib
import os
import platform
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elman.data.downloading import cache_folder, fetch
from elman.data.settings import DataSettings
from elman.data.sources import SOURCES, Source
from elman.errors import DataError, ElmanError

EMBEDDED = Path(__file__).parent / "embedded" / "names"
NOT_LIBRARY = {"test", "tests", "idlelib", "idle_test", "site-packages", "dist-packages", "__pycache__"}


@dataclass(frozen=True)
class Place:
    """The files of a text, in the order in which they are read, and what the user should know about them."""

    title: str
    files: tuple[Path, ...]
    note: str | None = None


def locate(settings: DataSettings) -> Place:
    """The files that `settings` asks for; `DataError` says what to put where if there are none."""
    source = SOURCES[settings.source]
    if settings.path is not None:
        with readable(settings.path) as path:
            return Place(path.name or str(path), _given(path, source))
    if source.name == "file":
        raise DataError('source = "file" needs a path: name a text file or a folder of them with --data')
    if source.name == "python":
        return Place(f"Python {platform.python_version()} standard library", _expected(standard_library(), source))
    return _by_name(source)


@contextmanager
def readable(given: str) -> Iterator[Path]:
    """The path that a user gave; while it is looked at, what the system says becomes a `DataError`."""
    try:
        yield Path(given).expanduser()
    except ElmanError:
        raise
    except (OSError, RuntimeError) as error:  # no permission, a name too long; "~somebody" who isn't there
        raise DataError(f"{given} can't be read: {error}") from error


def standard_library() -> Path:
    """The folder with the source code that came with this Python."""
    return Path(sysconfig.get_paths()["stdlib"])


def local_files(source: Source) -> tuple[Path, ...]:
    """The files of a source with a folder of its own in `ELMAN_DATA` or else in the cache; empty if in neither."""
    if source.folder is None:
        return ()
    roots = [cache_folder()]
    if variable := os.environ.get("ELMAN_DATA"):
        given = Path(variable).expanduser()
        if not given.is_dir():
            raise DataError(f"ELMAN_DATA is {given}, which is not a folder")
        roots.insert(0, given)
    folders = [root / source.folder for root in roots]
    return next((files for folder in folders if (files := _source_files(folder, source))), ())


def _by_name(source: Source) -> Place:
    if files := local_files(source):
        return Place(source.title, files)
    if source.name in ("names", "names-embedded"):
        note = None
        if source.name == "names":
            note = (
                "These are the names that ship with Elman: the 18-language set is neither in ELMAN_DATA nor in the "
                "cache (`elman data names --get` downloads it)."
            )
        return Place(SOURCES["names-embedded"].title, _expected(EMBEDDED, source), note)
    return Place(source.title, _expected(fetch(source.name), source))


def _given(path: Path, source: Source) -> tuple[Path, ...]:
    if path.is_file():
        return (path,)
    if path.is_dir():
        return files_inside(path, source) or _expected(path, source)
    raise nothing_there(path)


def files_inside(path: Path, source: Source) -> tuple[Path, ...]:
    """A source's files in a folder that holds it, or that holds all data sets."""
    inner = _source_files(path / source.folder, source) if source.folder else ()
    return inner or _source_files(path, source)


def nothing_there(path: Path) -> DataError:
    """What to say of a path that is neither a file nor a folder."""
    if path.exists():
        return DataError(f"{path} is neither a regular file nor a folder")
    return DataError(f"there is no file or folder {path}{_near(path)}")


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f" (nor a folder {path.parent})"
    names = difflib.get_close_matches(path.name, sorted(other.name for other in path.parent.iterdir()))
    return f"; did you mean {' or '.join(names)}?" if names else ""


def _expected(folder: Path, source: Source) -> tuple[Path, ...]:
    if files := _source_files(folder, source):
        return files
    example = ", one per language such as Russian.txt" if source.name.startswith("names") else ""
    raise DataError(f"{folder} has no file {source.pattern}, which {source.name} needs{example}")


def _source_files(folder: Path, source: Source) -> tuple[Path, ...]:
    """The files of a source in whichever of its forms is there."""
    return next((files for pattern in source.patterns if (files := _files(folder, pattern))), ())


def _files(folder: Path, pattern: str) -> tuple[Path, ...]:
    """The regular files of a folder that match, sorted; for Python code those of its sub-folders too, without tests."""
    if pattern != "*.py":
        return tuple(sorted(path for path in folder.glob(pattern) if path.is_file()))
    found: list[Path] = []
    for current, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in NOT_LIBRARY]
        found += (Path(current, name) for name in names if name.endswith(".py"))
    return tuple(sorted(path for path in found if path.is_file()))
