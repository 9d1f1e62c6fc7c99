"""Steps of training of a recipe for texts with labels, as `elman.train` takes them, on batches that one chooses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from elman.recipes.reading import read_recipe
from elman.runs.classification import assemble_classification
from elman.training import make_optimiser
from elman.training.step import Refused, train_step

REHEARSAL = {"data.cut_at": 12, "model.embedding": 6, "model.hidden": 8}


class RecipeSteps:
    """A recipe from its texts to its optimiser, at the beginning of a training."""

    def __init__(self, recipe: str, settings: dict[str, Any]) -> None:
        self.parts = assemble_classification(read_recipe(recipe, settings))
        self.settings = self.parts.recipe.training
        self.optimiser = make_optimiser(self.settings, self.parts.model.parameters())

    def draw(self) -> list[list[int]]:
        """The batches of an epoch."""
        return self.parts.train.plan(self.parts.generators.shuffle)

    def tokens_in(self, plan: Iterable[Sequence[int]]) -> int:
        return sum(int(self.parts.train.lengths[list(key)].sum()) for key in plan)

    def train(self, plan: Iterable[Sequence[int]]) -> None:
        """A step on each of these batches."""
        self.parts.model.train()
        for key in plan:
            batch = self.parts.train.batch(list(key))
            done = train_step(self.parts.task, batch, None, self.optimiser, self.settings, self.settings.rate)
            assert not isinstance(done, Refused), done
