"""What mixed lengths cost: tokens a second of training on texts as long as IMDB's, beside texts that are all of the mean length.

The texts are drawn: lengths log-normally, at most 256 words; words by Zipf's law (a rank's logarithm is uniform). Batches are those
of an epoch of training, with whatever padding they have.
"""

from __future__ import annotations

import csv
import math
import statistics
import tempfile
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from bench.options import Options
from bench.recipe_steps import REHEARSAL, RecipeSteps
from bench.text_turns import turns
from bench.timing import ratio
from bench.workloads import WORKLOADS
from elman.randomness import named_generator

CELLS: dict[str, dict[str, Any]] = {
    "GRU": {"model.cell": "gru", "model.bidirectional": False},
    "LSTM, both directions": {"model.cell": "lstm", "model.bidirectional": True},
}
TEXTS, BATCHES, WORDS = 12_500, 16, 25_000


def run(options: Options) -> list[dict[str, Any]]:
    ragged = WORKLOADS["ragged"]._replace(batch=60 if options.small else TEXTS)
    lengths = (ragged._replace(steps=12) if options.small else ragged).lengths()
    equal = torch.full_like(lengths, round(lengths.double().mean().item()))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "mixed": _texts(Path(folder) / "mixed.csv", lengths),
            "equal": _texts(Path(folder) / "equal.csv", equal),
        }
        for cell, settings in CELLS.items():
            rows.append({"cell": cell, **_measured(files, settings, options)})
    options.console.print(_table(rows, options))
    return rows


def _measured(files: dict[str, Path], settings: dict[str, Any], options: Options) -> dict[str, Any]:
    sides = {}
    for name, path in files.items():
        given = {"data.source": "file", "data.path": str(path), **settings, **(REHEARSAL if options.small else {})}
        sides[name] = RecipeSteps("imdb-bilstm", given)
    per_token = turns(
        {name: (side, BATCHES) for name, side in sides.items()}, options.rounds, "mixed and equal (rounds)"
    )
    rates = {name: [1 / t for t in times] for name, times in per_token.items()}
    padding = sides["mixed"].parts.train.padding_share(sides["mixed"].draw())
    return {"tokens_per_second": rates, "ratio": ratio(per_token["equal"], per_token["mixed"]), "padding": padding}


def _texts(path: Path, lengths: torch.Tensor) -> Path:
    """A table of texts of so many words each, of two classes."""
    generator = named_generator(1, "sampling")
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("text", "label"))
        for number, length in enumerate(lengths.tolist()):
            ranks = (torch.rand(length, generator=generator) * math.log(WORDS)).exp().long()
            table.writerow((" ".join(f"w{rank}" for rank in ranks.tolist()), number % 2))
    return path


def _table(rows: list[dict[str, Any]], options: Options) -> Table:
    table = Table(
        title=f"Training on texts of mixed and of equal lengths, {options.threads} threads: tokens a second",
        caption="Padding is no token. ratio: mixed to equal; the goal is at least 0.85.",
    )
    for heading in ("cell", "mixed", "equal", "ratio", "padding in mixed batches"):
        table.add_column(heading, justify="left" if heading == "cell" else "right")
    for row in rows:
        rates = (f"{statistics.median(row['tokens_per_second'][name]):,.0f}" for name in ("mixed", "equal"))
        table.add_row(row["cell"], *rates, f"{row['ratio']:.2f}", f"{row['padding']:.1%}")
    return table
