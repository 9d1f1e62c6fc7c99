"""A module of the user's own: `FILE.py:NAME`, where NAME is a class, a function that makes one, or the module itself."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from elman.cli.user_cell import guarded, run_file
from elman.errors import InputError


def find_module(text: str) -> Any:
    """The `torch.nn.Module` or `Cell` that `text` names; `FILE.py:NAME(20, hidden=8)` gives what it is made with.

    The file is run, because its user asked for it, with the same random numbers each time.

    Raises:
        InputError: there is no such file or name, it makes something else, or the arguments are no plain values.
        CellError: the file or the constructor fails (with the line).
    """
    import torch
    from torch import nn

    from elman.cells import Cell

    file, _, call = text.partition(".py:")
    path = Path(f"{file}.py") if call else Path(text)
    if not call:
        raise InputError(f"{text!r}: name the class behind the file, as in {path}:MyModel")
    if not path.is_file():
        raise InputError(f"there is no file {path}; give FILE.py:NAME")
    name, args, named = _call(call)
    torch.manual_seed(1)
    found = getattr(run_file(path), name, None)
    if found is None:
        raise InputError(f"{path} has nothing named {name!r}")
    if not isinstance(found, (nn.Module, Cell)):
        if not callable(found):
            raise InputError(
                f"{name} of {path} is no module (its type is {type(found).__name__}); give a class of modules, or a function that makes one"
            )
        found = guarded(lambda: found(*args, **named), path)
    if not isinstance(found, (nn.Module, Cell)):
        raise InputError(
            f"{name} of {path} makes neither a torch.nn.Module nor a Cell: its type is {type(found).__name__}"
        )
    return found


def _call(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """A name, and arguments that are plain values."""
    try:
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, [], {}
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
            named = {str(k.arg): ast.literal_eval(k.value) for k in tree.keywords}
            return tree.func.id, [ast.literal_eval(a) for a in tree.args], named
    except (SyntaxError, ValueError):
        pass
    raise InputError(f"{text!r} is no name with plain arguments, as in MyModel or MyModel(20, hidden=8)")
