"""What a run folder tells about its run, read from the files alone; what is missing is missing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.errors import FolderError
from elman.storage import from_json, read_folder, read_lines


@dataclass(frozen=True)
class Record:
    """A run folder as data.

    Attributes:
        name: of the folder.
        recipe: recipe.toml.
        epochs: rows of metrics.jsonl that close an epoch, or a part of one.
        refused: rows of batches whose loss or gradient was not finite.
        seconds: training time in all its goes.
        results: results.json, empty if the run did not end.
        config: config.json of the best model, empty if there is none.
    """

    name: str
    recipe: dict[str, Any]
    epochs: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    seconds: float
    results: dict[str, Any]
    config: dict[str, Any]


def read_record(run: Path) -> Record:
    """Read a run folder.

    Raises:
        FolderError: it holds no run, or a file of it is damaged.
    """
    recipe_file, results_file = run / "recipe.toml", run / "results.json"
    if not recipe_file.is_file():
        raise FolderError(f"{run} is no run folder: it has no recipe.toml")
    try:
        recipe = tomllib.loads(recipe_file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FolderError(f"{recipe_file} is damaged: {error}") from None
    rows = _rows(run / "metrics.jsonl")
    best = run / "best"
    return Record(
        name=run.name,
        recipe=recipe,
        epochs=[row for row in rows if row.get("kind") in ("epoch", "stop")],
        refused=[row for row in rows if row.get("kind") == "nonfinite"],
        seconds=float(sum(row.get("seconds", 0) for row in _rows(run / "timing.jsonl"))),
        results=from_json(results_file.read_bytes(), str(results_file)) if results_file.is_file() else {},
        config=from_json(read_folder(best)["config.json"], str(best / "config.json")) if best.exists() else {},
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    return read_lines(path) if path.is_file() else []
