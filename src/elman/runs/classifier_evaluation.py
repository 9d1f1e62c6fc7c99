"""Measure a trained classifier: on a part of its own data, or on texts in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman.data import LabelledCorpus, LabelledTexts, load_for_evaluation, split_labelled
from elman.data.labelled.shuffling import shuffle_words
from elman.errors import InputError
from elman.randomness import named_generator
from elman.recipes.reading import with_overrides
from elman.recipes.recipe import Recipe
from elman.runs.classifier import Classifier

READING = ("text_column", "label_column", "header", "encoding")
"""Settings of a recipe's data section that an evaluation may be told."""


def classify_part(
    classifier: Classifier, recipe: Recipe, corpus: LabelledCorpus, part: str, *, shuffled: bool
) -> dict[str, Any]:
    """Loss and accuracy on a part of the data that a run was trained on, divided as in its training."""
    texts = getattr(split_labelled(corpus, recipe.data, recipe.training.seed), part)
    return _measured(classifier, texts, f"{part} part of {corpus.title}", corpus.notes, shuffled=shuffled)


def classify_file(classifier: Classifier, path: Path, settings: Mapping[str, Any], *, shuffled: bool) -> dict[str, Any]:
    """Loss and accuracy on a table of texts, or a folder with a folder for each class.

    Args:
        classifier: whose classes the texts must have.
        path: the file or folder.
        settings: keys of a recipe's data section that say how to read it, `{"label_column": "stars"}`.
        shuffled: shuffle the words of each text.

    Raises:
        InputError: a key that says something else; how a text becomes words, the model knows.
        DataError: it can't be read, or a text has a class that the model does not know.
    """
    for key in settings:
        if key.removeprefix("data.") not in READING:
            raise InputError(f"{key} does not say how the texts are read; there are: {', '.join(READING)}")
    values = {"data": {"source": "file", "path": str(path), "kind": "labelled"}}
    given = {key if key.startswith("data.") else f"data.{key}": value for key, value in settings.items()}
    data = with_overrides(values, given, where="--set").data
    texts, notes = load_for_evaluation(data, classifier.classes)
    return _measured(classifier, texts, path.name, notes, shuffled=shuffled)


def _measured(
    classifier: Classifier, texts: LabelledTexts, what: str, notes: tuple[str, ...], *, shuffled: bool
) -> dict[str, Any]:
    if shuffled:
        texts = shuffle_words(texts, classifier.tokeniser, named_generator(1, "shuffled words"))
        what = f"{what}, the words of each text shuffled"
    judged = classifier.judge(texts)
    return {
        "what": what,
        "notes": list(notes),
        **judged.score().to_json(),
        "classes": list(classifier.classes),
        "confusion": judged.confusion(len(classifier.classes)),
    }
