"""Each kind of tiny run is trained once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import tiny_run

from elman.recipes.recipe import Recipe
from elman.runs import Model
from elman.runs.training import Run


@dataclass(frozen=True)
class Trained:
    recipe: Recipe
    run: Run
    model: Model

    @property
    def path(self) -> Path:
        return self.run.path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    """`trained(kind)`: a finished run, for reading only."""
    done: dict[str, Trained] = {}

    def get(kind: str) -> Trained:
        if kind not in done:
            folder = tmp_path_factory.mktemp(kind.replace(" ", "-"))
            recipe = tiny_run.recipe(folder / "data", kind)
            run = tiny_run.train(recipe, run=folder / "run")
            done[kind] = Trained(recipe, run, run.model())
        return done[kind]

    return get
