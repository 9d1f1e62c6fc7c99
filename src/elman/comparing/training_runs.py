"""One run of a comparison: trained, gone on with where it was killed, or found finished."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from elman.comparing.run_files import Finished, has_ended, read_run
from elman.errors import FolderError, InputError
from elman.recipes.reading import read_recipe
from elman.recipes.recipe import Recipe
from elman.runs import training
from elman.training import Listener

NOT_COMPARED = ("title", "about", "data.path", "training.checkpoint_seconds", "training.watch_test")
"""Keys of a recipe that change nothing about its figures; whether data that has moved is the same, its digest tells."""


def trained(path: Path, recipe: Recipe, listener: Listener | None, began: Callable[[], None]) -> Finished:
    """The run of this recipe in this folder; trains what is missing of it. `began` is called where something is.

    Raises:
        InputError: the folder holds a run of another recipe. FolderError: it holds something else.
        Whatever `elman.train` raises; what was trained so far is kept.
    """
    resume = _begun(path)
    if resume:
        _refuse_other(path, recipe)
    if not (resume and has_ended(path)):
        began()
        training.train(recipe, run=path, resume=resume, listener=listener)
    return read_run(path, recipe.training.seed)


def difference(one: Recipe, other: Recipe, but: tuple[str, ...] = ()) -> tuple[str, Any, Any] | None:
    """The first key, and its two values, in which two recipes differ; None where their runs would be the same."""
    for section in Recipe.model_fields:
        if section in NOT_COMPARED:
            continue
        old, new = getattr(one, section).model_dump(), getattr(other, section).model_dump()
        for key in old:
            if old[key] != new[key] and f"{section}.{key}" not in (*NOT_COMPARED, *but):
                return f"{section}.{key}", old[key], new[key]
    return None


def _begun(path: Path) -> bool:
    """Whether there is a run to go on with; tidies up after one that was killed before its recipe was written."""
    if not path.is_dir():
        return False
    if (path / "recipe.toml").is_file():
        return True
    for left in path.iterdir():
        if left.name.startswith(".") and left.name.endswith(".new"):
            left.unlink()
        elif left.name != "lock":
            raise FolderError(
                f"{path} holds {left.name} and no recipe.toml: it is no run; choose another folder with --out"
            )
    return False


def _refuse_other(path: Path, recipe: Recipe) -> None:
    changed = difference(read_recipe(path / "recipe.toml"), recipe)
    if changed:
        key, old, new = changed
        raise InputError(
            f"{path} is a run with {key} = {old!r}, and {new!r} is asked for: choose another folder with --out"
        )
