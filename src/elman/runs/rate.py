"""`find_rate`: the learning-rate range test of a recipe. It writes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman.recipes.recipe import Recipe
from elman.runs.assembly import assemble
from elman.runs.training import overridden, resolve
from elman.training import RateRange, rate_range


def find_rate(
    recipe: str | Path | Recipe,
    *,
    settings: Mapping[str, Any] | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    **overrides: Any,
) -> RateRange:
    """Train a recipe's model for a hundred steps with a growing rate, and say which rate to set; there is no run folder.

    `recipe`, `settings` and `overrides` are those of `train`; `low`, `high` and `steps` those of `rate_range`.

    Raises:
        RecipeError, DataError, InputError, CellError: something asked for is wrong.
    """
    parts = assemble(resolve(recipe, overridden(overrides, settings)))
    return rate_range(
        parts.task, parts.train, parts.recipe.training, generators=parts.generators, low=low, high=high, steps=steps
    )
