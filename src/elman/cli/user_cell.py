"""A cell that the user names: a built-in one, or `FILE.py:NAME` for one of their own."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from elman.errors import CellError


def find_cell(text: str) -> Any:
    """The `Cell` that `text` names.

    A file is run, because its user asked for it; nothing else in Elman runs code that it finds.

    Raises:
        InputError: unknown built-in name. CellError: no such file or name, the file or the step fails (with the line).
    """
    from elman.cells import Cell, get

    if ".py" not in text:
        return get(text)
    path_text, _, name = text.partition(":") if text.endswith(".py") else text.rpartition(":")
    path = Path(path_text)
    if not name:
        raise CellError(f"{text!r}: name the class behind the file, as in {path}:MyCell")
    if not path.is_file():
        raise CellError(f"there is no file {path}; --cell takes FILE.py:NAME")
    found = getattr(run_file(path), name, None)
    if isinstance(found, type) and issubclass(found, Cell):
        found = guarded(found, path)
    if not isinstance(found, Cell):
        raise CellError(f"{path} has no Cell named {name!r}")
    from elman.equations import trace

    guarded(lambda: trace(found), path)
    return found


def run_file(path: Path) -> ModuleType:
    """The user's file, run.

    Raises:
        CellError: it is no Python file, or fails (with the line).
    """
    spec = importlib.util.spec_from_file_location(f"user_cell_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise CellError(f"{path} can't be read as a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    guarded(lambda: spec.loader.exec_module(module), path)
    return module


def guarded(action: Any, path: Path) -> Any:
    """Whatever goes wrong in the user's own code becomes one sentence with their line."""
    try:
        return action()
    except CellError as error:
        raise CellError(f"{_where(error, path)}: {error}") from None
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's code may raise anything
        raise CellError(f"{_where(error, path)}: {type(error).__name__}: {error}") from None


def _where(error: BaseException, path: Path) -> str:
    """The file, and the last line of it that was running."""
    frames = [f for e in (error, error.__cause__) if e for f in traceback.extract_tb(e.__traceback__)]
    lines = [f.lineno for f in frames if f.filename in (str(path), str(path.absolute()))]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    return f"{path}, line {line}" if line else str(path)
