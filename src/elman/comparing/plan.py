"""What is to be compared: a built-in comparison, a TOML file of one, or a list of recipes and runs."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from elman.errors import InputError, RecipeError
from elman.recipes.builtin_names import COMPARISONS, builtin_names
from elman.recipes.reading import read_toml

Baseline = Literal["majority", "logistic-regression"]
BASELINES: tuple[Baseline, ...] = ("majority", "logistic-regression")
TITLES: dict[Baseline, str] = {
    "majority": "majority class",
    "logistic-regression": "logistic regression (scikit-learn)",
}
LONGEST_NAME = 60
"""Characters of a folder's name."""


@dataclass(frozen=True)
class PlannedRow:
    """A row to be: a recipe with what it changes, or run folders of one recipe."""

    title: str
    recipe: str | Path
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The title as a part of a folder's name."""
        return slug(self.title)


@dataclass(frozen=True)
class Plan:
    """What is to be compared; `seeds` is how many of each recipe."""

    name: str
    title: str
    about: str
    rows: tuple[PlannedRow, ...]
    seeds: int = 1
    baselines: tuple[Baseline, ...] = BASELINES


class _RowFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    recipe: str
    settings: dict[str, Any] = {}


class _PlanFile(BaseModel):
    """A comparison as a TOML file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    about: str = ""
    seeds: int = Field(1, ge=1, le=100)
    baselines: list[Baseline] = list(BASELINES)
    rows: list[_RowFile]


def read_plan(sources: Sequence[str | Path]) -> Plan:
    """The plan that a user's words mean.

    Raises:
        InputError: fewer than two rows, or one twice. RecipeError: a file that is no comparison.
    """
    if not sources:
        raise InputError(f"nothing to compare: name recipes or runs, or one of {', '.join(COMPARISONS)}")
    plan = _plan_file(sources[0]) if len(sources) == 1 else None
    if plan is None:
        titles = [Path(source).stem if str(source).endswith(".toml") else Path(source).name for source in sources]
        rows = tuple(PlannedRow(title or str(source), source) for title, source in zip(titles, sources, strict=True))
        plan = Plan("-".join(row.slug for row in rows)[:LONGEST_NAME].rstrip("-"), " against ".join(titles), "", rows)
    if len(plan.rows) < 2:
        raise InputError(
            f"{plan.rows[0].title if plan.rows else plan.title} alone can't be compared: name two recipes or runs, or one "
            f"of {', '.join(COMPARISONS)}"
        )
    for place, row in enumerate(plan.rows):
        if row.slug in [other.slug for other in plan.rows[:place]] or row.title in [
            TITLES[name] for name in plan.baselines
        ]:
            raise InputError(f"{row.title!r} is compared twice: name each recipe or run once")
    return plan


def slug(title: str) -> str:
    """Small letters, digits and hyphens."""
    return re.sub(r"[^\w]+", "-", title.casefold()).strip("-_") or "row"


def _plan_file(source: str | Path) -> Plan | None:
    """The comparison of that name or in that file; None where it is a recipe or a run."""
    name = str(source)
    if name in COMPARISONS and not Path(name).is_file():
        text = resources.files("elman.recipes").joinpath("comparisons", f"{name}.toml").read_text("utf-8")
        return _validated(tomllib.loads(text), name, f"comparison {name}", None)
    if not name.endswith(".toml") or name in builtin_names():
        return None
    values, where = read_toml(source)
    if "rows" not in values:
        return None
    return _validated(values, Path(source).stem, where, Path(source).parent)


def _validated(values: dict[str, Any], name: str, where: str, folder: Path | None) -> Plan:
    try:
        found = _PlanFile.model_validate(values, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise RecipeError(f"{where}: {key}: {message[0].lower()}{message[1:]}") from None
    rows = [PlannedRow(row.title, _beside(row.recipe, folder), row.settings) for row in found.rows]
    return Plan(slug(name), found.title, found.about, tuple(rows), found.seeds, tuple(found.baselines))


def _beside(recipe: str, folder: Path | None) -> str | Path:
    """A file that a comparison names stands beside it, wherever one is when reading it."""
    return recipe if folder is None or recipe in builtin_names() else folder / recipe
