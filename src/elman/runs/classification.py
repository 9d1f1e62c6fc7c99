"""Models that classify: the parts of a run, and what is measured at its end with the best weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from elman.data import (
    Features,
    LabelledCorpus,
    LabelledSplit,
    LabelledTexts,
    TextBatches,
    Vocabulary,
    WordVectors,
    find_vectors,
    has_unlabelled,
    latent_vectors,
    load_labelled,
    load_unlabelled,
    load_vectors,
    split_labelled,
)
from elman.data.labelled.shuffling import shuffle_words
from elman.engines import choose
from elman.errors import DataError, InputError
from elman.models import AnyModel, BagOfWords, ClassificationModel, TextClassifier, make_model, model_files
from elman.randomness import Generators, named_generator
from elman.recipes.recipe import Recipe
from elman.runs.classifier import Judgement, judge, load_classifier
from elman.runs.tasks import ClassificationTask
from elman.storage import read_lines, to_json, write_file

SHOWN = 20
"""Mistakes that results.json tells."""
SHOWN_CHARACTERS = 600


@dataclass(frozen=True)
class ClassificationAssembly:
    """A classifier and the texts it learns from; see `Assembly`."""

    recipe: Recipe
    corpus: LabelledCorpus
    vocabulary: Vocabulary | Features
    parts: LabelledSplit
    notes: tuple[str, ...]
    generators: Generators
    task: ClassificationTask
    model: AnyModel
    train: TextBatches
    validation: TextBatches
    test: TextBatches

    samples = None

    def files(self) -> dict[str, bytes]:
        """The model folder of the weights as they are."""
        facts = {
            "title": self.recipe.title,
            "corpus": {"title": self.corpus.title, "digest": self.corpus.digest},
            "classes": list(self.corpus.classes),
        }
        return model_files(self.model, self.vocabulary.to_json(), facts)

    def measure(self, run: Path, seconds: float) -> dict[str, Any]:
        """The contents of results.json, all but deterministic; predictions.json beside it tells every test text's class."""
        classifier, parts = load_classifier(run), self.parts
        network = classifier.network
        validation = judge(network, self.validation, "validation part (texts)")
        test = judge(network, self.test, "test part (texts)")
        generator = named_generator(self.recipe.training.seed, "shuffled words")
        shuffled = shuffle_words(parts.test, classifier.tokeniser, generator)
        size = self.recipe.training.batch_size
        write_file(run / "predictions.json", to_json({"part": "test", **test.to_json()}))
        return {
            "shape": self.recipe.model.shape,
            "train": judge(network, self.train, "training part (texts)").score().to_json(),
            "validation": validation.score().to_json(),
            "test": test.score().to_json(),
            "shuffled": judge(network, TextBatches(shuffled, self.vocabulary, size), "shuffled (texts)")
            .score()
            .to_json(),
            "classes": list(self.corpus.classes),
            "confusion": test.confusion(len(self.corpus.classes)),
            "validation_confusion": validation.confusion(len(self.corpus.classes)),
            "mistakes": _mistakes(parts.test, test, self.corpus.classes),
            "epochs": _epochs(run),
            "seconds": seconds,
            "parameters": sum(p.numel() for p in network.parameters()),
            "tokens_per_second": _speed(run),
            "corpus": {
                "title": self.corpus.title,
                "digest": self.corpus.digest,
                "notes": [*self.corpus.notes, *self.notes],
                "train": len(parts.train),
                "validation": len(parts.validation),
                "test": len(parts.test),
                "symbols": self.vocabulary.size,
            },
        }


def assemble_classification(recipe: Recipe) -> ClassificationAssembly:
    """Build a classifier and its batches; see `assemble` for what can be wrong."""
    settings, data = recipe.model, recipe.data
    corpus = load_labelled(data)
    parts = split_labelled(corpus, data, recipe.training.seed)
    for name in ("validation", "test"):
        if not len(getattr(parts, name)):
            raise DataError(f"there is no {name} part: a run needs one; set data.{name} to 0.1, for example")
    vocabulary = _vocabulary(recipe, parts.train)
    if settings.word_dropout and isinstance(vocabulary, Vocabulary) and vocabulary.unknown is None:
        raise InputError(
            f"model.word_dropout reads {data.units} as unknown, and all {data.units} are known: leave it out"
        )
    generators = Generators(recipe.training.seed)
    model = make_model(settings, vocabulary.size, len(corpus.classes), generators.init)
    if not isinstance(model, ClassificationModel):
        raise InputError(f"a {settings.shape} does not classify")
    model.draw_dropout_from(generators.dropout)
    notes = [*parts.notes, *(vocabulary.notes if isinstance(vocabulary, Features) else ())]
    if isinstance(model, TextClassifier):
        choose(settings.engine, model.recurrent.trace)
    if settings.vectors is not None and not isinstance(model, BagOfWords) and isinstance(vocabulary, Vocabulary):
        vectors = _vectors(recipe, vocabulary, parts.train)
        model.embedding.reset_parameters(generators.init, vectors.deviation)  # unknown words look like the others
        vectors.copy_into(model.embedding.weight)
        notes += vectors.notes
    weights = None
    if recipe.training.balance_classes:
        counts = torch.tensor(parts.train.counts(len(corpus.classes)), dtype=torch.float32)
        weights = len(parts.train) / (counts.clamp(min=1) * int((counts > 0).sum()))
    size = recipe.training.batch_size
    batches = [TextBatches(part, vocabulary, size) for part in (parts.train, parts.validation, parts.test)]
    task = ClassificationTask(model, weights)
    return ClassificationAssembly(recipe, corpus, vocabulary, parts, tuple(notes), generators, task, model, *batches)


def _vocabulary(recipe: Recipe, train: LabelledTexts) -> Vocabulary | Features:
    """What the model reads: words by number, or the features of a bag of words. Learnt from the training part only."""
    s = recipe.model
    if s.shape != "bag-of-words":
        return Vocabulary.of_texts(train.texts, recipe.data)
    return Features.of_texts(
        train.texts, recipe.data, kind=s.features, ngrams=s.ngrams, normalise=s.normalise, min_texts=s.min_texts,
        keep_percentiles=s.keep_percentiles,
    )  # fmt: skip


def _vectors(recipe: Recipe, vocabulary: Vocabulary, train: LabelledTexts) -> WordVectors:
    """The word vectors that the recipe names; latent ones also read the source's texts without labels, never a test text."""
    name, size = recipe.model.vectors or "", recipe.model.embedding
    if name != "latent":
        return load_vectors(find_vectors(name, size), vocabulary, size)
    more = load_unlabelled(recipe.data) if has_unlabelled(recipe.data) else ()
    return latent_vectors((*train.texts, *more), vocabulary, size, recipe.training.seed)


def _mistakes(part: LabelledTexts, judged: Judgement, classes: tuple[str, ...]) -> list[dict[str, Any]]:
    """The wrong answers that the model was surest of."""
    wrong = [k for k in range(len(part)) if judged.predicted[k] != judged.labels[k]]
    wrong.sort(key=lambda k: -judged.probability[k])
    return [
        {
            "text": part.texts[k].strip()[:SHOWN_CHARACTERS],
            "place": part.places[k],
            "label": classes[judged.labels[k]],
            "predicted": classes[judged.predicted[k]],
            "probability": judged.probability[k],
        }
        for k in wrong[:SHOWN]
    ]


def _log(path: Path) -> list[dict[str, Any]]:
    """The rows of a log; none where the time was up before the first step."""
    return read_lines(path) if path.exists() else []


def _epochs(run: Path) -> dict[str, int]:
    rows = [row for row in _log(run / "metrics.jsonl") if row["kind"] in ("epoch", "stop")]
    best = [row["epoch"] for row in rows if row["best"]]
    return {"trained": rows[-1]["epoch"] if rows else 0, "best": best[-1] if best else 0}


def _speed(run: Path) -> float:
    rows = _log(run / "timing.jsonl")
    seconds = sum(row["seconds"] for row in rows)
    return float(sum(row["symbols"] for row in rows) / seconds) if seconds else 0.0
