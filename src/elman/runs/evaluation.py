"""Measure a trained model: on the parts of its own data, or on a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from elman.data import LabelledCorpus, Part, load_corpus, load_labelled, split
from elman.errors import DataError, FolderError, InputError
from elman.recipes.reading import read_recipe
from elman.runs.classifier import Classifier
from elman.runs.classifier_evaluation import classify_file, classify_part
from elman.runs.loaded import load


def evaluate_part(run: Path, part: str, *, shuffled: bool = False) -> dict[str, Any]:
    """The loss on "train", "validation" or "test" of a run's own data, split as in its training.

    With `shuffled`, the words of each text are shuffled: for models that classify.

    Raises:
        InputError: unknown part. FolderError: not a run folder, or its data has changed. DataError: the data is missing.
    """
    if part not in ("train", "validation", "test"):
        raise InputError(f"unknown part {part!r}; there are train, validation and test")
    recipe_file = run / "recipe.toml"
    if not recipe_file.is_file():
        raise FolderError(f"{run} is no run folder (it has no recipe.toml); give a file to evaluate on with --data")
    model = load(run)
    recipe = read_recipe(recipe_file)
    classifies = isinstance(model, Classifier)
    corpus = load_labelled(recipe.data) if classifies else load_corpus(recipe.data)
    if model.config.get("corpus", {}).get("digest") != corpus.digest:
        raise FolderError(
            f"{run} was trained on other data than is found now ({corpus.title}); name a file with --data"
        )
    if isinstance(corpus, LabelledCorpus):
        return classify_part(model, recipe, corpus, part, shuffled=shuffled)
    _refuse_shuffling(shuffled)
    score = model.score_part(getattr(split(corpus, recipe.data, recipe.training.seed), part))
    return {"what": f"{part} part of {corpus.title}", "notes": list(corpus.notes), **score.to_json()}


def evaluate_file(
    run: Path,
    path: Path,
    category: str | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    shuffled: bool = False,
) -> dict[str, Any]:
    """The loss on a file (one example a line where the model is of lines) or a folder with a file for each category.

    Lines with symbols that a language model does not know are left out and reported. A model that classifies wants texts with
    labels: a table, or a folder for each class; `settings` says how to read them, `{"label_column": "stars"}`.

    Raises:
        DataError: nothing to read. InputError: no line is left, or a category is missing.
    """
    model = load(run)
    if isinstance(model, Classifier):
        if category is not None:
            raise InputError("--category is for language models; this model tells the class itself")
        return classify_file(model, path, settings or {}, shuffled=shuffled)
    _refuse_shuffling(shuffled)
    if settings:
        raise InputError(f"{next(iter(settings))} says how texts with labels are read; this is a language model")
    lines_model = model.vocabulary.has_boundary
    if category is not None and not model.categories:
        raise InputError("this model is told no category, so it can't be given one")
    by_folder = lines_model and bool(model.categories) and path.is_dir()
    reading = read_recipe("names").data.model_copy(
        update={
            "source": "names" if by_folder else "file",
            "path": str(path),
            "kind": "lines" if lines_model else "continuous",
            "units": model.vocabulary.units,
            "categories": by_folder,
            "max_length": 100_000,
        }
    )
    corpus = load_corpus(reading)
    notes = list(corpus.notes)
    if not lines_model:
        unknown = model.vocabulary.unknown_in(corpus.text)
        if unknown and model.vocabulary.unknown is None:
            listed = ", ".join(f"{symbol!r} ({count})" for symbol, count in unknown.most_common(5))
            raise DataError(f"{path} has symbols that the model does not know: {listed}")
        return {"what": corpus.title, "notes": notes, **model.score_part(Part((), None, corpus.text)).to_json()}
    kept = [
        i
        for i, line in enumerate(corpus.lines)
        if model.vocabulary.unknown is not None or not model.vocabulary.unknown_in(line)
    ]
    if len(kept) < len(corpus.lines):
        left = len(corpus.lines) - len(kept)
        notes.append(
            f"{left} of {len(corpus.lines)} lines have symbols that the model does not know; they were left out"
        )
    if not kept:
        raise DataError(f"{path}: every line has symbols that the model does not know")
    names = [corpus.categories[corpus.labels[i]] for i in kept] if corpus.labels else [category] * len(kept)
    part = Part(tuple(corpus.lines[i] for i in kept), _labels(model.categories, names), "")
    return {"what": corpus.title, "notes": notes, **model.score_part(part).to_json()}


def _refuse_shuffling(shuffled: bool) -> None:
    if shuffled:
        raise InputError("shuffled words are for models that classify; this is a language model")


def _labels(known: tuple[str, ...], names: list[Any]) -> tuple[int, ...] | None:
    if not known:
        return None
    missing = next((n for n in names if n not in known), None)
    if missing is not None or None in names:
        raise InputError(
            f"this model is told a category, and {missing or 'none'} was given; it knows {', '.join(known)}"
        )
    return tuple(known.index(n) for n in names)
