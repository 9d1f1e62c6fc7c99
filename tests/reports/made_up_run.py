"""Run folders without a training: the files that one leaves, with numbers and texts as a test wants them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from elman.cells import get
from elman.equations import cell_to_text
from elman.storage import to_json, write_folder

NAMES = (
    "Maria",
    "Marinov",
    "Kovacsik",
    "Alvarez",
    "Tanemori",
    "O'Sulliven",
    "Nguyen",
    "Bergström",
    "Παπαδάκης",
    "Иванков",
)
LANGUAGES = ("Spanish", "Russian", "Czech", "Spanish", "Japanese", "Irish", "Vietnamese", "Swedish", "Greek", "Russian")
SEEN = ("Maria", "Alvarez", "Nguyen")
SPEECH = "KING RICHARD:\nThe man that he shall be the world so long,\nAnd I will stand to see thee in the blood.\n"


def recipe(title: str = "Names in a minute") -> str:
    return f"""
title = {json.dumps(title)}
about = "A GRU learns family names of 16 languages that ship with Elman, and is told the language."
[data]
source = "names-embedded"
units = "characters"
categories = true
max_length = 40
[model]
cell = "gru"
hidden = 128
bias = true
[training]
epochs = 30
batch_size = 64
optimiser = "adamw"
rate = 0.005
clip_norm = 1.0
seed = 1
[sample]
count = 10
length = 30
temperature = 1.0
top_k = [1, 3, 5]
"""


def epoch(k: int, of: int, **changes: Any) -> dict[str, Any]:
    """A row of metrics.jsonl: losses that fall, a rate that rises and falls, the best epoch at four fifths."""
    training, validation = (
        1.55 + 1.5 * math.exp(-k / (of / 6)),
        1.78 + 1.3 * math.exp(-k / (of / 7)) + 0.06 * (k / of) ** 3,
    )
    return {
        "kind": "epoch", "epoch": k, "step": 270 * k, "train_nats": training * 130_344, "train_count": 130_344,
        "validation_nats": validation * 16_336, "validation_count": 16_336, "rate": 0.0025 * (1 + math.cos(math.pi * k / of)),
        "gradient_norm": {"median": 0.4 + 0.1 * math.sin(k), "max": 1.4 + 3 / k}, "clipped": 12 // k, "skipped": 0,
        "best": k <= 0.8 * of,
    } | changes  # fmt: skip


def table(top_k: int | None, items: list[dict[str, Any]], share_new: float, repetition: float) -> dict[str, Any]:
    spans = [item["copied_span"] for item in items]
    return {
        "top_k": top_k, "temperature": 1.0, "items": items, "drawn": 200, "share_new": share_new, "repetition": repetition,
        "mean_copied_span": sum(spans) / len(spans), "longest_copied_span": max(spans),
    }  # fmt: skip


def names(top_k: int | None) -> dict[str, Any]:
    items = [
        {
            "text": name,
            "new": name not in SEEN,
            "copied_span": len(name) if name in SEEN else 4,
            "copied_start": 0,
            "category": language,
        }
        for name, language in zip(NAMES, LANGUAGES, strict=True)
    ]
    return table(top_k, items, 1 if top_k is None else 0.6, 0.92 if top_k == 1 else 0.03)


def speech(top_k: int | None) -> dict[str, Any]:
    item = {"text": SPEECH, "new": True, "copied_span": 15, "copied_start": 14, "category": None}
    return table(top_k, [item, item], 1, 0.31)


def results(samples: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "test": {"nats": 30_120.5, "count": 16_401},
        "samples": samples,
        "seconds": 47.3,
        "parameters": 87_154,
        "corpus": {
            "title": "family names that ship with Elman", "digest": "9f17afd71749088aa5421783e1dd5b3373064c33b705afa8da096328b5809f58",
            "notes": ["These are the names that ship with Elman.", "3 lines of more than 40 characters were left out."],
            "train": 2400, "validation": 300, "test": 300, "symbols": 57,
        },
    }  # fmt: skip


def config(cell: str = "gru") -> dict[str, Any]:
    return {"format": 1, "model": {"cell": cell, "bias": True}, "cell": cell_to_text(get(cell)), "equations": []}


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def make_run(folder: Path, *, epochs: int = 30, kind: str = "names") -> Path:
    """A whole run in `folder`."""
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text(recipe(), "utf-8")
    write_lines(folder / "metrics.jsonl", [epoch(k, epochs) for k in range(1, epochs + 1)])
    write_lines(
        folder / "timing.jsonl", [{"epoch": k, "seconds": 1.5, "symbols": 130_344} for k in range(1, epochs + 1)]
    )
    make = names if kind == "names" else speech
    (folder / "results.json").write_bytes(to_json(results([make(k) for k in (1, 3, 5, None)])))
    (folder / "environment.json").write_bytes(
        to_json({"versions": {"python": "3.11.9", "torch": "2.13.0"}, "threads": 2, "seed": 1})
    )
    write_folder(folder / "best", {"config.json": to_json(config())}, kind="model")
    return folder
