"""The folder of a run that classified, without a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from made_up_run import config, epoch, write_lines

from elman.storage import to_json, write_folder

CLASSES = ("sci.crypt", "sci.med", "sci.space")
CONFUSION = ((40, 6, 4), (3, 60, 7), (0, 0, 0))
RECIPE = """
title = "Newsgroups: GRU"
about = "Which newsgroup a post is from."
[data]
source = "newsgroups"
units = "words"
[model]
shape = "classifier"
cell = "gru"
embedding = 100
[training]
epochs = 5
clip_norm = 1.0
"""


def classified(k: int) -> dict[str, Any]:
    """A row of metrics.jsonl."""
    counts = {
        "train_count": 1000,
        "validation_count": 200,
        "train_correct": 500 + 80 * k,
        "validation_correct": 120 + 10 * k,
    }
    return epoch(k, 5, train_nats=900 / k, validation_nats=180 / k, best=True, **counts)


def loss(correct: int, count: int = 120, nats: float = 51.5) -> dict[str, Any]:
    return {
        "nats": nats, "count": count, "correct": correct,
        "nats_per_text": nats / count, "accuracy": correct / count,
    }  # fmt: skip


def mistake(text: str = "the shuttle's encrypted link", **changes: str) -> dict[str, Any]:
    found = {"text": text, "place": "20news-bydate-test/sci.med/5", "label": "sci.med", "predicted": "sci.crypt"}
    return {**found, **changes, "probability": 0.987}


def results(**changes: Any) -> dict[str, Any]:
    return {
        "shape": "classifier", "train": loss(960, 1000, 120.0), "validation": loss(170, 200, 36.0), "test": loss(100),
        "shuffled": loss(81, nats=77.7), "classes": list(CLASSES), "confusion": [list(row) for row in CONFUSION],
        "mistakes": [mistake()], "epochs": {"trained": 5, "best": 5}, "seconds": 12.5, "parameters": 1_234_567,
        "tokens_per_second": 54_321.0,
        "corpus": {
            "title": "20 Newsgroups", "digest": "9f17", "notes": ["2 of 3,000 texts are empty."], "train": 1000,
            "validation": 200, "test": 120, "symbols": 20_002,
        },
        **changes,
    }  # fmt: skip


def make_classifier(folder: Path, **changes: Any) -> Path:
    """A whole run in `folder`; changes are keys of results.json."""
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(RECIPE, "utf-8")
    write_lines(folder / "metrics.jsonl", [classified(k) for k in range(1, 6)])
    write_lines(folder / "timing.jsonl", [{"epoch": k, "seconds": 2.5, "symbols": 130_000} for k in range(1, 6)])
    (folder / "results.json").write_bytes(to_json(results(**changes)))
    (folder / "environment.json").write_bytes(to_json({"versions": {"torch": "2.13.0"}, "threads": 1, "seed": 1}))
    write_folder(folder / "best", {"config.json": to_json({**config(), "shape": "classifier"})}, kind="model")
    return folder
