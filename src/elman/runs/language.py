"""Language models: the parts of a run, and what is measured at its end: the test part, looked at once, and samples with their novelty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.data import Batches, Corpus, Split, Vocabulary, load_corpus, split
from elman.engines import choose
from elman.errors import DataError, InputError
from elman.generation import novelty, sample
from elman.models import LanguageModel, model_files
from elman.randomness import Generators, named_generator
from elman.recipes.recipe import Recipe
from elman.runs.loaded import Model, language_batches, load_language
from elman.runs.tasks import LanguageTask


@dataclass(frozen=True)
class LanguageAssembly:
    """A language model and the text it learns from; see `Assembly`."""

    recipe: Recipe
    corpus: Corpus
    vocabulary: Vocabulary
    parts: Split
    generators: Generators
    task: LanguageTask
    train: Batches
    validation: Batches
    test: Batches

    @property
    def model(self) -> LanguageModel:
        """The model that is trained."""
        return self.task.module

    @property
    def samples(self) -> Callable[[], list[str]]:
        """A few samples from the weights as they are."""
        return self._samples

    def files(self) -> dict[str, bytes]:
        """The model folder of the weights as they are."""
        return model_files(self.model, self.vocabulary.to_json(), self._facts())

    def measure(self, run: Path, seconds: float) -> dict[str, Any]:
        """The contents of results.json, all but deterministic: only `seconds` differs from run to run."""
        model, recipe, parts = load_language(run), self.recipe, self.parts
        score = model.score_part(parts.test, recipe.training.batch_size)
        return {
            "test": score.to_json(),
            "samples": [self._table(model, top_k) for top_k in (*recipe.sample.top_k, None)],
            "seconds": seconds,
            "parameters": sum(p.numel() for p in model.network.parameters()),
            "corpus": {
                "title": self.corpus.title,
                "digest": self.corpus.digest,
                "notes": list(self.corpus.notes),
                "train": len(parts.train.lines or parts.train.text),
                "validation": len(parts.validation.lines or parts.validation.text),
                "test": len(parts.test.lines or parts.test.text),
                "symbols": self.vocabulary.size,
            },
        }

    def _facts(self) -> dict[str, Any]:
        labels, categories = self.parts.train.labels, self.corpus.categories
        return {
            "title": self.recipe.title,
            "corpus": {"title": self.corpus.title, "digest": self.corpus.digest},
            "categories": list(categories),
            "category_counts": [labels.count(k) for k in range(len(categories))] if labels else [],
        }

    def _samples(self) -> list[str]:
        model = Model(self.model, self.vocabulary, self._facts())
        settings = self.recipe.sample
        count = min(settings.count, 8 if self.vocabulary.has_boundary else 1)
        chosen = model.draw_categories(None, count, self.generators.sampling)
        texts: list[str] = sample(
            model.stream(count, chosen), self.vocabulary, prompt=settings.prompt, count=count,
            length=min(settings.length, 200), temperature=settings.temperature, top_k=None, top_p=None,
            generator=self.generators.sampling,
        )  # fmt: skip
        return texts

    def _table(self, model: Model, top_k: int | None) -> dict[str, Any]:
        """Samples for one top-k, each with whether it is new; the shares over many more samples than are shown, for lines."""
        settings, training = self.recipe.sample, self.parts.train
        k = None if top_k is None else min(top_k, model.vocabulary.size)
        count = 200 if training.lines else settings.count
        generator = named_generator(self.recipe.training.seed, f"samples top_k={top_k}")
        categories = model.draw_categories(None, count, generator)
        texts = sample(
            model.stream(count, categories), model.vocabulary, prompt=settings.prompt, count=count, length=settings.length,
            temperature=settings.temperature, top_k=k, top_p=None, generator=generator,
        )  # fmt: skip
        told = novelty(texts, training.lines or training.text)
        items = [
            {**item, "category": None if categories is None else categories[i]} for i, item in enumerate(told.items)
        ]
        return {
            "top_k": top_k,
            "temperature": settings.temperature,
            "items": items[: settings.count],
            "drawn": count,
            "share_new": told.share_new,
            "repetition": told.repetition,
            "longest_copied_span": told.longest_copied_span,
            "mean_copied_span": told.mean_copied_span,
        }


def assemble_language(recipe: Recipe) -> LanguageAssembly:
    """Build a language model and its batches; see `assemble` for what can be wrong."""
    if recipe.training.balance_classes:
        raise InputError("training.balance_classes is for models that classify; this is a language model")
    corpus = load_corpus(recipe.data)
    vocabulary = Vocabulary.build(corpus, recipe.data)
    parts = split(corpus, recipe.data, recipe.training.seed)
    for name in ("validation", "test"):
        if getattr(recipe.data, name) == 0:
            raise DataError(f"data.{name} is 0: a run needs a {name} part; set it to 0.1, for example")
    generators = Generators(recipe.training.seed)
    model = LanguageModel(recipe.model, vocabulary.size, len(corpus.categories), generators.init)
    model.draw_dropout_from(generators.dropout)
    # An engine that can't run this cell is told now, not at the first step.
    choose(recipe.model.engine, model.recurrent.trace)
    if unknown := vocabulary.unknown_in(recipe.sample.prompt):
        raise InputError(f"sample.prompt has symbols that the data does not have: {', '.join(map(repr, unknown))}")
    batches = [
        language_batches(part, vocabulary, recipe.training.batch_size, recipe.training.steps)
        for part in (parts.train, parts.validation, parts.test)
    ]
    return LanguageAssembly(recipe, corpus, vocabulary, parts, generators, LanguageTask(model), *batches)
