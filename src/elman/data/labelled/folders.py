"""A folder with a sub-folder for each class; and, above these, one for each part where there are any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from elman.data.labelled.rows import PartName, Row, Rows, part_called
from elman.data.progress import watched
from elman.data.reading import decode
from elman.errors import DataError

LARGEST = 16 * 2**20
"""Most bytes of one file: it is one text."""


def is_class_folder(folder: Path) -> bool:
    """Whether there are at least two sub-folders and no text files beside them."""
    return len(_folders(folder)) >= 2 and not any(path.suffix == ".txt" for path in _files(folder))


def read_class_folder(folder: Path, encoding: str, *, wanted: Callable[[str], bool] = lambda _: True) -> Rows:
    """Each file a text, its folder's name its class: `pos/1.txt`, or `train/pos/1.txt` and `test/pos/2.txt`.

    Args:
        folder: whose sub-folders are classes or parts.
        encoding: of all files.
        wanted: which sub-folders' names are classes; the others are left out.

    Raises:
        DataError: no sub-folders, a class without files, a file that can't be read.
    """
    parts: dict[Path, PartName | None] = {path: part_called(path.name) for path in _folders(folder)}
    named = {path: part for path, part in parts.items() if part is not None and _folders(path)}
    notes = []
    classes: list[tuple[Path, PartName | None]] = [(path, None) for path in parts]
    if named:
        classes = [(path, part) for above, part in named.items() for path in _folders(above)]
        if others := [path.name for path in parts if path not in named]:
            notes.append(f"Left out: {', '.join(others[:5])}, beside the folders {', '.join(p.name for p in named)}.")
    classes = [(path, part) for path, part in classes if wanted(path.name)]
    if not classes:
        raise DataError(f"{folder} has no sub-folders for classes, such as {folder.name}/positive/1.txt")
    files = []
    for path, part in classes:
        found = _files(path)
        if not found:
            raise DataError(f"the class {path.name} has no files: put texts into {path}, or take it away")
        files += [(file, path.name, part) for file in found]
    rows = [
        Row(_text(file, encoding), label, part, file.relative_to(folder).as_posix())
        for file, label, part in watched(files, f"reading {folder.name} (files)", len(files))
    ]
    return Rows(rows, notes)


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))


def _files(folder: Path) -> list[Path]:
    """Regular files in the order of their names, numbers by value; hidden ones are none."""
    found = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted(
        found, key=lambda path: (0, int(path.stem), path.name) if path.stem.isdecimal() else (1, 0, path.name)
    )


def _text(path: Path, encoding: str) -> str:
    try:
        if (size := path.stat().st_size) > LARGEST:
            raise DataError(f"{path} has {size:,} bytes: one text has at most {LARGEST:,}")
        return decode(path.read_bytes(), str(path), encoding)
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}") from error
