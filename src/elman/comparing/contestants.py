"""The rows of a plan as recipes, one for each seed; run folders keep the seed that they were trained with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elman.comparing.plan import Plan, PlannedRow
from elman.comparing.run_files import has_ended
from elman.comparing.training_runs import difference
from elman.errors import FolderError, InputError
from elman.recipes.reading import read_recipe
from elman.recipes.recipe import Recipe


@dataclass(frozen=True)
class Contestant:
    """A row: its recipe for each seed, and the run folders where it was given as such."""

    title: str
    slug: str
    recipes: dict[int, Recipe]
    runs: dict[int, Path] = field(default_factory=dict)

    @property
    def recipe(self) -> Recipe:
        """With the first seed."""
        return next(iter(self.recipes.values()))


def contestants(plan: Plan, seeds: int | None, settings: Mapping[str, Any], data: Path | None) -> list[Contestant]:
    """Everything that the plan names, read and checked, before anything is trained.

    Args:
        plan: what to compare.
        seeds: how many of each recipe; None: as the plan says.
        settings: keys of all recipes.
        data: a file or folder in the place of the recipes' own.

    Raises:
        InputError: a recipe twice, a language model, settings for a run that has ended. RecipeError: a recipe is wrong.
        FolderError: a run folder that has not ended.
    """
    given = {**settings, **({} if data is None else {"data.path": str(data)})}
    if {"training.seed", "seed"} & set(given):
        raise InputError("the seeds of a comparison are 1, 2 and so on: say how many with --seeds, not with --set")
    if seeds is not None and not 1 <= seeds <= 100:
        raise InputError(f"--seeds is how many runs each recipe gets, from 1 to 100; got {seeds}")
    found: list[Contestant] = []
    for row in plan.rows:
        if Path(row.recipe).is_dir():
            if given or seeds is not None:
                option = "--seeds" if seeds is not None else "--data" if data is not None else "--set"
                raise InputError(
                    f"{option} changes what is trained, and {row.recipe} was trained already: name its recipe"
                )
            made = _of_run(row)
        else:
            made = _of_recipe(row, given, plan.seeds if seeds is None else seeds)
        if made.recipe.model.shape == "language-model":
            raise InputError(
                f"{row.title} is a language model: compare is for models that tell classes apart; `elman evaluate` "
                "measures a language model"
            )
        _add(made, found)
    if len(found) < 2:
        raise InputError(f"all runs are of one recipe, {found[0].title}: there is nothing to compare it with")
    return found


def _of_recipe(row: PlannedRow, given: Mapping[str, Any], seeds: int) -> Contestant:
    values = {**row.settings, **given}
    recipe = read_recipe(row.recipe, values)
    watched = recipe.training.model_copy(update={"watch_test": True})
    recipes = {
        seed: recipe.model_copy(update={"training": watched.model_copy(update={"seed": seed})})
        for seed in range(1, seeds + 1)
    }
    return Contestant(row.title, row.slug, recipes)


def _of_run(row: PlannedRow) -> Contestant:
    path = Path(row.recipe)
    if not (path / "recipe.toml").is_file():
        raise FolderError(f"{path} is no run folder: it has no recipe.toml")
    recipe = read_recipe(path / "recipe.toml")
    if recipe.model.shape != "language-model" and not has_ended(path):
        raise FolderError(
            f"the run in {path} has not ended: go on with elman train {path / 'recipe.toml'} --run {path} --resume"
        )
    return Contestant(row.title, row.slug, {recipe.training.seed: recipe}, {recipe.training.seed: path})


def _add(made: Contestant, before: list[Contestant]) -> None:
    """As a row of its own; a run of a recipe that is there with other seeds joins its row."""
    for other in before:
        changed = difference(made.recipe, other.recipe, but=("training.seed",))
        if changed or made.recipe.data.path != other.recipe.data.path:  # which texts those are is looked at later
            continue
        if set(made.recipes) & set(other.recipes):
            raise InputError(f"{other.title} and {made.title} are the same recipe: there is nothing to compare")
        if other.runs and made.runs:
            other.recipes.update(made.recipes)
            other.runs.update(made.runs)
            return
    before.append(made)
