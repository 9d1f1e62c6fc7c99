"""From a recipe to everything that a training needs. What that is depends on the shape of the model; `train` need not know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from elman.data import Batches, Corpus, LabelledCorpus
from elman.models import AnyModel
from elman.randomness import Generators
from elman.recipes.recipe import Recipe
from elman.runs.classification import assemble_classification
from elman.runs.language import assemble_language
from elman.training import Task


class Assembly(Protocol):
    """The parts of a run, built from its recipe; the same recipe and data give the same ones."""

    @property
    def recipe(self) -> Recipe:
        """What it was built from."""

    @property
    def corpus(self) -> Corpus | LabelledCorpus:
        """The data, undivided."""

    @property
    def generators(self) -> Generators:
        """All randomness."""

    @property
    def task(self) -> Task:
        """What is trained."""

    @property
    def model(self) -> AnyModel:
        """The model that is trained."""

    @property
    def train(self) -> Batches:
        """What it learns from."""

    @property
    def validation(self) -> Batches:
        """What tells when it is best."""

    @property
    def test(self) -> Batches:
        """What is looked at once."""

    @property
    def samples(self) -> Callable[[], list[str]] | None:
        """Shows what it generates in the middle of a training; None for a model that does not."""

    def files(self) -> dict[str, bytes]:
        """The model folder of the weights as they are."""

    def measure(self, run: Path, seconds: float) -> dict[str, Any]:
        """The contents of results.json for the best weights of a run; writes what else belongs beside it."""


def assemble(recipe: Recipe) -> Assembly:
    """Build everything that a recipe says.

    Raises:
        DataError: the data is missing or not what the recipe needs. InputError, CellError, EngineError: the model can't be built.
    """
    if recipe.model.shape == "language-model":
        return assemble_language(recipe)
    return assemble_classification(recipe)
