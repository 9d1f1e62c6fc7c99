"""A student's file, looked at without running it: which worksheet it is for, what it imports, what is still `...`."""

from __future__ import annotations

import ast
import os
import re
import stat
import tokenize
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from elman.checking.sandbox.answers import shown
from elman.checking.worksheets import worksheets
from elman.checking.worksheets.worksheet import Worksheet
from elman.errors import DataError, InputError

MARK = re.compile(r"^[ \t]*#[ \t]*worksheet:[ \t]*(\S*[\w-])", re.MULTILINE)
MOST_BYTES = 1 << 20
LOADED_BEFORE = ("torch", "scipy", "sklearn", "pandas", "matplotlib")
"""Libraries that need native code, which is refused once the student's file runs; they are loaded before."""


@dataclass(frozen=True)
class Submission:
    """A file as text.

    Attributes:
        data: its bytes.
        tree: parsed; None if it is not Python, and then `problem` says where.
    """

    path: Path
    data: bytes
    text: str
    tree: ast.Module | None
    problem: str = ""

    @property
    def marked(self) -> str | None:
        """The worksheet that a line `# worksheet: NAME` tells."""
        found = MARK.search(self.text)
        return found[1] if found else None

    @property
    def names(self) -> set[str]:
        """Functions, classes, methods as `Class.method`, and names that are assigned at the top."""
        found: set[str] = set()
        for node in self.tree.body if self.tree else ():
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(node.name)
            if isinstance(node, ast.ClassDef):
                found |= {f"{node.name}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)}
            if isinstance(node, ast.Assign):
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        return found

    @property
    def unfinished(self) -> list[int]:
        """Lines with a `...` that waits for code."""
        nodes = ast.walk(self.tree) if self.tree else ()
        indices = {
            id(e) for n in ast.walk(self.tree) if isinstance(n, ast.Subscript) for e in ast.walk(n.slice)
        } if self.tree else set()  # fmt: skip
        return sorted(
            {n.lineno for n in nodes if isinstance(n, ast.Constant) and n.value is ... and id(n) not in indices}
        )

    @property
    def libraries(self) -> tuple[str, ...]:
        """What it imports of `LOADED_BEFORE`, submodules included."""
        found: set[str] = set()
        for node in ast.walk(self.tree) if self.tree else ():
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        return tuple(sorted(name for name in found if name.split(".")[0] in LOADED_BEFORE))


def read_submission(path: Path) -> Submission:
    """A student's file.

    Raises:
        DataError: it can't be read, is no file (opening a pipe might wait for ever), or no text.
    """
    try:
        with open(path, "rb", opener=_at_once) as stream:
            is_file = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            data = stream.read(MOST_BYTES + 1) if is_file else b""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} can't be read: {reason}") from None
    if not is_file:
        raise DataError(f"{path} is a pipe or a device; a submission is a file")
    if len(data) > MOST_BYTES:
        raise DataError(f"{path} is larger than 1 MiB; a worksheet is a short file")
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)  # UTF-8, or what a coding line says (PEP 263)
        text = data.decode(encoding)
    except SyntaxError as error:
        raise DataError(f"{path} is not UTF-8: {error.msg}") from None
    except UnicodeDecodeError as error:
        name = "UTF-8" if error.encoding.startswith("utf-8") else error.encoding
        raise DataError(f"{path} is not {name}: byte {error.start} can't be decoded") from None
    if "\0" in text:
        raise DataError(f"{path} is no text: it has a zero byte")
    try:
        return Submission(path, data, text, ast.parse(text))
    except SyntaxError as error:
        return Submission(path, data, text, None, f"line {error.lineno}: {error.msg}")
    except (RecursionError, MemoryError):  # the parser's own limits
        return Submission(path, data, text, None, "expressions are nested too deeply to be read")
    except ValueError as error:
        return Submission(path, data, text, None, f"it can't be parsed: {error}")


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def find_worksheet(submission: Submission) -> Worksheet:
    """The worksheet that a file is for: by its mark, else by what it defines.

    Raises:
        InputError: it fits none, or several equally well.
    """
    known = {sheet.name: sheet for sheet in worksheets()}
    marked = submission.marked
    if marked is not None:
        if marked not in known:
            raise InputError(
                f"{submission.path} says `# worksheet: {shown(marked)[:60]}`; there are: {', '.join(known)}"
            )
        return known[marked]
    names = submission.names
    fits = {
        name: sum(n in names for n in sheet.defines) / len(sheet.defines)
        for name, sheet in known.items()
        if sheet.defines
    }
    best = [name for name, share in fits.items() if share == max(fits.values()) and share > 0]
    if len(best) == 1:
        return known[best[0]]
    several = f"it could be {' or '.join(best)}" if best else "it defines nothing that a worksheet asks for"
    raise InputError(
        f"{submission.path}: which worksheet is this? {several}; say so with --worksheet NAME (`elman check --list`)"
    )
