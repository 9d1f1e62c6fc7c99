"""Classifiers that train in a fraction of a second, on a small table of texts."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

from elman.recipes.recipe import Recipe

TONES = {
    "calm": ("still", "quiet", "slow", "soft"),
    "loud": ("bang", "roar", "shout", "drum"),
    "odd": ("green", "square", "seven", "upside"),
}
COMMON = ("the", "a", "and", "it", "was", "night", "day", "house", "of", "we")

SHAPES: dict[str, dict[str, Any]] = {
    "classifier": {"shape": "classifier", "cell": "gru", "embedding": 6, "hidden": 8, "dropout": 0.2},
    "both directions": {
        "shape": "classifier", "cell": "lstm", "embedding": 6, "hidden": 5, "layers": 2, "bidirectional": True,
        "pooling": "concat", "word_dropout": 0.1, "input_dropout": 0.1, "normalise": True,
    },
    "attention": {"shape": "classifier", "cell": "elman", "embedding": 6, "hidden": 8, "pooling": "attention"},
    "average": {"shape": "average", "embedding": 8, "hidden_layers": [6], "dropout": 0.2, "word_dropout": 0.1},
    "bag": {"shape": "bag-of-words"},
    "deep bag": {
        "shape": "bag-of-words", "features": "tf-idf", "ngrams": 2, "hidden_layers": [7], "activation": "tanh",
        "dropout": 0.2, "input_dropout": 0.1, "normalise": True, "min_texts": 2,
    },
}  # fmt: skip
"""The section [model] of each, with everything that has a state of its own."""


def rows(count: int = 90, classes: int = 3) -> list[tuple[str, str]]:
    """Texts of different lengths, no two alike, each with words of its class among others; and one without any words."""
    draw = random.Random(5)
    found: list[tuple[str, str]] = []
    for number in range(count):
        tone = list(TONES)[:classes][number % classes]
        words = [draw.choice(TONES[tone] if k % 3 == 0 else COMMON) for k in range(draw.randrange(1, 14))]
        found.append((" ".join([*words, f"n{number}"]), tone))
    found[7] = ("", found[7][1])
    return found


def write_table(path: Path, count: int = 90, classes: int = 3) -> Path:
    """The same as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows(count, classes)])
    return path


def recipe(folder: Path, shape: str, classes: int = 3, **changes: Any) -> Recipe:
    """A recipe of this shape for a table that is written into `folder`; changes are `section__key=value`."""
    table = write_table(folder / "texts.csv", classes=classes)
    values: dict[str, Any] = {
        "title": "Tones",
        "data": {"source": "file", "path": str(table), "units": "words", "validation": 0.2, "test": 0.2},
        "model": dict(SHAPES[shape]),
        "training": {"epochs": 3, "batch_size": 8, "rate": 0.02},
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        values[section][name] = value
    return Recipe.model_validate(values)
