"""A trained model to use: sample from it, score text with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from elman.data import Batches, LineBatches, Part, StreamBatches, Vocabulary
from elman.errors import FolderError, InputError
from elman.generation import sample as generate
from elman.models import LanguageModel, StoredModel
from elman.models.finding import stored_model
from elman.models.language_stream import LanguageStream
from elman.randomness import named_generator
from elman.runs.classifier import as_classifier
from elman.runs.tasks import LanguageTask
from elman.training import evaluate
from elman.training.scores import Score

DEFAULT_LENGTH = {True: 30, False: 400}  # symbols of a sample at most: of a line, of running text


class Model:
    """A language model out of a folder.

    Attributes:
        network: the torch module, in evaluation mode.
        vocabulary: its symbols.
        categories: names of the categories it can be told (languages, for names); empty for a model without.
        config: what `config.json` says.
        engine_used, engine_reason: what drew the last samples, and why.
    """

    def __init__(self, network: LanguageModel, vocabulary: Vocabulary, config: dict[str, Any]) -> None:
        self.network = network
        self.vocabulary = vocabulary
        self.config = config
        self.categories: tuple[str, ...] = tuple(config.get("categories", ()))
        self.engine_used: str | None = None
        self.engine_reason: str | None = None

    def sample(
        self,
        prompt: str = "",
        length: int | None = None,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int | None = None,
        *,
        count: int | None = None,
        category: str | None = None,
        precision: str = "float32",
        progress: Callable[[int], None] | None = None,
    ) -> Any:
        """Generate text; `engine_used` then says which engine did.

        Args:
            prompt: what the text begins with.
            length: symbols generated at most (a name ends earlier, at its boundary); 30 for lines, 400 for running text if None.
            temperature: divides the logits; 0 always takes the likeliest symbol, above 1 is wilder than the model.
            top_k: draw from the k likeliest symbols only.
            top_p: draw from the fewest symbols that together have this probability.
            seed: the same seed gives the same text; None draws one.
            count: how many; None gives one text, a number a list.
            category: for a model that is told one, by name; None draws one for each sample, as often as the training data had it.
            precision: "float32", or "bf16" for matrices rounded to bfloat16: faster where a model outgrows the cache.
            progress: told from time to time how many symbols each text has.

        Raises:
            InputError: a value out of range, a prompt with an unknown symbol, an unknown category.
        """
        seed = secrets.randbits(63) if seed is None else seed
        generator = named_generator(seed, "sampling")
        many = 1 if count is None else count
        chosen = self.draw_categories(category, many, generator)
        stream = self.stream(many, chosen, precision)
        texts = generate(
            stream, self.vocabulary, prompt=prompt, count=many,
            length=length if length is not None else DEFAULT_LENGTH[self.vocabulary.has_boundary],
            temperature=temperature, top_k=top_k, top_p=top_p, generator=generator, progress=progress,
        )  # fmt: skip
        self.engine_used, self.engine_reason = stream.engine_used, stream.engine_reason
        return texts[0] if count is None else texts

    def draw_categories(self, category: str | None, count: int, generator: torch.Generator) -> list[str] | None:
        """The category of each of `count` samples; None for a model without.

        Raises:
            InputError: unknown category, or one for a model that is told none.
        """
        if not self.categories:
            if category is not None:
                raise InputError(
                    "this model was not trained with categories (data.categories = true), so it can't be told one"
                )
            return None
        if category is not None:
            if category not in self.categories:
                raise InputError(f"unknown category {category!r}; this model knows {', '.join(self.categories)}")
            return [category] * count
        weights = torch.tensor(self.config.get("category_counts") or [1] * len(self.categories), dtype=torch.float64)
        drawn = torch.multinomial(weights, max(count, 1), replacement=True, generator=generator)
        return [self.categories[k] for k in drawn.tolist()]

    def stream(
        self, count: int = 1, categories: Sequence[str] | None = None, precision: str = "float32"
    ) -> LanguageStream:
        """A stream of `count` texts of these categories, by name; see `LanguageModel.stream`.

        Raises:
            InputError: a value out of range, an unknown category.
        """
        unknown = [c for c in categories or () if c not in self.categories]
        if unknown:
            raise InputError(
                f"unknown category {unknown[0]!r}; this model knows {', '.join(self.categories) or 'none'}"
            )
        told = None if categories is None else [self.categories.index(c) for c in categories]
        return self.network.stream(count, told, precision)

    def score(self, text: str, *, category: str | None = None) -> Score:
        """How well the model predicts a text: for a model of lines each line with its boundaries, else one running text.

        Raises:
            InputError: unknown symbols, or a category that the model does not know.
        """
        lines = tuple(line.strip() for line in text.split("\n") if line.strip())
        if not text or (self.vocabulary.has_boundary and not lines):
            raise InputError("there is no text to score")
        if self.vocabulary.has_boundary:
            if self.categories and category is None:
                raise InputError(f"this model is told a category: give one of {', '.join(self.categories)}")
            told = self.draw_categories(category, len(lines), torch.Generator())
            labels = None if told is None else tuple(self.categories.index(c) for c in told)
            return self.score_part(Part(lines, labels, ""))
        self.draw_categories(category, 1, torch.Generator())  # complains of one that is not used
        return self.score_part(Part((), None, text))

    def score_part(self, part: Part, batch_size: int = 64, steps: int = 256) -> Score:
        """The loss over a part of a data set; running text is read from its beginning to its end as one stream."""
        batches = language_batches(part, self.vocabulary, batch_size if part.lines else 1, steps)
        totals = evaluate(LanguageTask(self.network), batches)
        return Score(totals.nats, totals.count)

    def predict(self, inputs: Any) -> Any:  # noqa: ARG002 - the surface of all models
        """For models that classify; a language model has `sample` and `score`."""
        raise InputError("this is a language model: use sample() or score(); predict() is for models that classify")


def load(path: str | Path) -> Any:
    """Load a model from a run (its best weights) or from a model folder: a `Model` (language) or a `Classifier`.

    No code from the folder is run.

    Raises:
        FolderError: missing, truncated, altered, of a newer format, or with NaN in its weights; the message says which.
    """
    folder, stored = stored_model(path)
    if stored.model.settings.shape != "language-model":
        return as_classifier(folder, stored)
    return _as_language_model(folder, stored)


def load_language(path: str | Path) -> Model:
    """Load a language model; `FolderError` also if the folder holds another one."""
    return _as_language_model(*stored_model(path))


def _as_language_model(folder: Path, stored: StoredModel) -> Model:
    if not isinstance(stored.model, LanguageModel):
        raise FolderError(
            f"{folder} holds a model that classifies, not a language model: `elman predict` asks it for the class of a text"
        )
    vocabulary = Vocabulary.from_json(stored.vocabulary)
    if vocabulary.size != stored.model.symbols:
        raise FolderError(f"{folder}: the vocabulary has {vocabulary.size} symbols, the model {stored.model.symbols}")
    return Model(stored.model, vocabulary, stored.config)


def language_batches(part: Part, vocabulary: Vocabulary, batch_size: int, steps: int) -> Batches:
    """Batches of lines, or of parallel streams of running text."""
    if part.lines:
        return LineBatches(part, vocabulary, batch_size)
    return StreamBatches(part, vocabulary, batch_size, steps)
