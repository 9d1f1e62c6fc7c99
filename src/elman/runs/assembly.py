"""From a recipe to everything that a training needs: corpus, vocabulary, parts, batches, model, task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elman.data import Batch, Batches, Corpus, LineBatches, Part, Split, StreamBatches, Vocabulary, load_corpus, split
from elman.engines import choose
from elman.errors import DataError, InputError
from elman.models import LanguageModel
from elman.randomness import Generators
from elman.recipes.recipe import Recipe
from elman.training import Loss


class LanguageTask:
    """Predict each symbol from those before it."""

    def __init__(self, model: LanguageModel) -> None:
        self.module = model

    def loss(self, batch: Batch, state: Any) -> Loss:
        """Nats over the real targets of a batch."""
        nats, count, state = self.module.nats(batch.inputs, batch.targets, batch.lengths, state, batch.categories)
        return Loss(nats, count, state)


@dataclass(frozen=True)
class Assembly:
    """The parts of a run, built from its recipe; the same recipe and data give the same ones."""

    recipe: Recipe
    corpus: Corpus
    vocabulary: Vocabulary
    parts: Split
    generators: Generators
    task: LanguageTask

    @property
    def model(self) -> LanguageModel:
        """The model that is trained."""
        return self.task.module

    def batches(self, part: Part) -> Batches:
        """A part of the data, cut into batches."""
        return make_batches(part, self.vocabulary, self.recipe.training.batch_size, self.recipe.training.steps)


def assemble(recipe: Recipe) -> Assembly:
    """Build everything that a recipe says.

    Raises:
        DataError: the data is missing or not what the recipe needs. InputError, CellError, EngineError: the model can't be built.
    """
    corpus = load_corpus(recipe.data)
    vocabulary = Vocabulary.build(corpus, recipe.data)
    parts = split(corpus, recipe.data, recipe.training.seed)
    for name in ("validation", "test"):
        if getattr(recipe.data, name) == 0:
            raise DataError(f"data.{name} is 0: a run needs a {name} part; set it to 0.1, for example")
    generators = Generators(recipe.training.seed)
    model = LanguageModel(recipe.model, vocabulary.size, len(corpus.categories), generators.init)
    model.draw_dropout_from(generators.dropout)
    choose(
        recipe.model.engine, model.recurrent.trace
    )  # an engine that can't run this cell is told now, not at the first step
    if unknown := vocabulary.unknown_in(recipe.sample.prompt):
        raise InputError(f"sample.prompt has symbols that the data does not have: {', '.join(map(repr, unknown))}")
    return Assembly(recipe, corpus, vocabulary, parts, generators, LanguageTask(model))


def make_batches(part: Part, vocabulary: Vocabulary, batch_size: int, steps: int) -> Batches:
    """Batches of lines, or of parallel streams of running text."""
    if part.lines:
        return LineBatches(part, vocabulary, batch_size)
    return StreamBatches(part, vocabulary, batch_size, steps)
