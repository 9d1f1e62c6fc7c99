"""Texts with labels that every user has: docstrings of Python's standard library, to be told apart by package.

The source code is parsed, never imported or run. The same Python version gives the same texts in the same order.
"""

from __future__ import annotations

import ast
import platform
import warnings
from collections.abc import Iterator
from pathlib import Path

from elman.data.labelled.rows import Row
from elman.data.progress import watched
from elman.errors import DataError

PACKAGES = ("asyncio", "email", "http", "importlib", "logging", "multiprocessing", "unittest", "xml")
"""Packages that all Pythons since 3.11 have and that tell enough about themselves."""

FEWEST_WORDS = 5
"""Shorter ones ("Return the name.") could be from anywhere."""


def read_docstrings(library: Path) -> list[Row]:
    """The docstrings of modules, classes and functions below a library's folder, one row each.

    Raises:
        DataError: a package is not there in source form.
    """
    files = [(package, path) for package in PACKAGES for path in _files(library / package)]
    rows = [
        Row(text, package, None, f"{path.relative_to(library).as_posix()}, line {line}")
        for package, path in watched(files, "reading docstrings (files)", len(files))
        for text, line in _docstrings(path)
        if len(text.split()) >= FEWEST_WORDS
    ]
    missing = [package for package in PACKAGES if not any(row.label == package for row in rows)]
    if missing:
        raise DataError(
            f"the source code of Python's package {missing[0]} is not in {library} (Python {platform.python_version()}): "
            "install Python with its library's sources, or name a file of your own with --data"
        )
    return rows


def _files(package: Path) -> list[Path]:
    found = [path for path in package.rglob("*.py") if not {"test", "tests"} & set(path.relative_to(package).parts)]
    return sorted(found, key=lambda path: path.relative_to(package).as_posix())


def _docstrings(path: Path) -> Iterator[tuple[str, int]]:
    """Each docstring without its indentation, and the line where what it describes begins; outer ones first."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape sequence in somebody's code is not the user's problem
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} can't be read as Python: {error}") from error
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text:
                yield text, getattr(node, "lineno", 1)
