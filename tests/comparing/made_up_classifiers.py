"""Run folders of classifiers without a training: the files that one leaves, and answers as a test wants them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import elman
from elman.data import load_labelled, split_labelled
from elman.errors import Interrupted
from elman.recipes.reading import recipe_to_toml
from elman.recipes.recipe import Recipe
from elman.reports.comparison import Comparison
from elman.storage import to_json
from elman.training import Silent

WORDS = ("river", "engine", "violin", "harbour", "winter", "copper", "garden", "signal")
CLASSES = ("good", "bad")

Answers = Callable[[int, int], int]
"""From the number of a test text and its label to the answer."""


def write_texts(path: Path, count: int = 120, more: str = "") -> Path:
    """A table of texts; "fine" and "dull" tell most of them apart, and word order nothing."""
    rows = ["text,label"]
    for k in range(count):
        label = CLASSES[k % 2]
        word = ("fine", "dull")[(k % 2) ^ (k % 11 == 0)]
        rows.append(f"the {WORDS[k % 8]} of {WORDS[(k // 8) % 8]} was {word} number {k}{more},{label}")
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def write_recipe(path: Path, texts: Path, shape: str = "classifier", **changes: Any) -> Path:
    """A recipe of that shape for these texts; changes are `section__key=value`."""
    values: dict[str, Any] = {
        "title": path.stem,
        "about": f"A {shape}.",
        "data": {"source": "file", "path": str(texts), "kind": "labelled", "units": "words", "lower": True},
        "model": {"shape": shape},
        "training": {"epochs": 4, "batch_size": 16},
    }
    if shape == "classifier":
        values["model"] |= {"cell": "gru", "hidden": 8, "embedding": 8}
    for key, value in changes.items():
        section, _, name = key.partition("__")
        values[section][name] = value
    path.write_text(recipe_to_toml(Recipe.model_validate(values)), "utf-8")
    return path


def every(k: int) -> Answers:
    """Every k-th text is answered wrong."""
    return lambda number, label: 1 - label if number % k == 0 else label


def write_run(
    folder: Path, recipe: Recipe, answers: Answers, *, parts: tuple[str, ...] = ("results", "predictions"), **more: Any
) -> Path:
    """A whole run in `folder`, whose test texts got these answers; `more` goes into results.json."""
    corpus = load_labelled(recipe.data)
    split = split_labelled(corpus, recipe.data, recipe.training.seed)
    labels = list(split.test.labels)
    predicted = [answers(number, label) for number, label in enumerate(labels)]
    correct = sum(a == b for a, b in zip(labels, predicted, strict=True))
    classes = len(corpus.classes)
    confusion = [[0] * classes for _ in range(classes)]
    for label, answer in zip(labels, predicted, strict=True):
        confusion[label][answer] += 1
    mistakes = [
        {
            "text": split.test.texts[n], "place": split.test.places[n], "label": corpus.classes[labels[n]],
            "predicted": corpus.classes[predicted[n]], "probability": 0.99 - n / 1000,
        }
        for n in range(len(labels)) if labels[n] != predicted[n]
    ]  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(recipe_to_toml(recipe), "utf-8")
    rows = [
        {
            "kind": "epoch", "epoch": k, "step": 10 * k, "train_nats": 70 / k, "train_count": len(split.train),
            "validation_nats": len(split.validation) * (0.3 + 0.1 * (k - 2) ** 2), "validation_count": len(split.validation),
            "validation_correct": min(len(split.validation), 5 + k), "best": k <= 2,
            "test_nats": 0.4 * len(labels), "test_count": len(labels),
            "test_correct": min(correct + max(0, k - 2), len(labels)),
        }
        for k in range(1, 5)
    ]  # fmt: skip
    if not recipe.training.watch_test:
        rows = [{key: value for key, value in row.items() if not key.startswith("test_")} for row in rows]
    for name, lines in (("metrics", rows), ("timing", [{"epoch": 1, "seconds": 2.0, "symbols": 900}])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines), "utf-8")

    def score(count: int, right: int) -> dict[str, Any]:
        return {
            "nats": 0.5 * count, "count": count, "correct": right, "nats_per_text": 0.5, "accuracy": right / count,
        }  # fmt: skip

    results = {
        "shape": recipe.model.shape, "train": score(len(split.train), len(split.train) - 1),
        "validation": score(len(split.validation), min(correct, len(split.validation))),
        "test": score(len(labels), correct), "shuffled": score(len(labels), max(correct - 3, 0)),
        "classes": list(corpus.classes), "confusion": confusion, "mistakes": mistakes, "epochs": {"trained": 4, "best": 2},
        "seconds": 2.0, "parameters": 1234, "tokens_per_second": 450.0,
        "corpus": {
            "title": corpus.title, "digest": corpus.digest, "notes": [], "train": len(split.train),
            "validation": len(split.validation), "test": len(labels), "symbols": 50,
        },
    } | more  # fmt: skip
    if "results" in parts:
        (folder / "results.json").write_bytes(to_json(results))
    if "predictions" in parts:
        predictions = {"part": "test", "labels": labels, "predicted": predicted, "probability": [0.9] * len(labels)}
        (folder / "predictions.json").write_bytes(to_json(predictions))
    return folder


class Trainer:
    """Stands in for `elman.train`: writes what a training would have left, and notes what it was asked.

    Args:
        answers: by the recipe's title.
        stop_after: this many runs end, then one is interrupted in its middle.
    """

    def __init__(self, answers: Mapping[str, Answers], stop_after: int | None = None) -> None:
        self.answers, self.stop_after = answers, stop_after
        self.asked: list[tuple[str, int, bool]] = []

    def __call__(self, recipe: Recipe, *, run: Path, resume: bool, listener: object) -> None:
        self.asked.append((recipe.title, recipe.training.seed, resume))
        stopped = self.stop_after is not None and len(self.asked) > self.stop_after
        parts = () if stopped else ("results", "predictions")
        shift = recipe.training.seed
        write_run(run, recipe, lambda n, label: self.answers[recipe.title](n + shift, label), parts=parts)
        if stopped:
            raise Interrupted("stopped", 2)


@dataclass
class Bench:
    """A folder with texts and recipes, and `compare` with its trainer in place."""

    folder: Path
    texts: Path
    gru: Path
    bag: Path
    trainer: Trainer

    def compare(self, sources: Any = None, **more: Any) -> Comparison:
        return elman.compare(
            [self.gru, self.bag] if sources is None else sources,
            **{"listener": Silent(), "out": self.folder / "out"} | more,
        )
