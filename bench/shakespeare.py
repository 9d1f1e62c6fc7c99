"""End to end: nats a character that the recipe `shakespeare` reaches on the last tenth of the text in a given time.

There is nothing to run beside it: well-known small transformers publish their figure for the same text and split. nanoGPT's README
gives its recipe for a laptop's CPU 1.88 after "about 3 minutes".
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from rich.table import Table

import elman
from bench.options import Options
from elman.data import SOURCES, local_files
from elman.storage import read_lines
from elman.training.listener import Silent

REHEARSAL = {"data.max_characters": 3000, "model.hidden": 16, "training.epochs": 1, "sample.length": 10}


def run(options: Options) -> list[dict[str, Any]]:
    if not local_files(SOURCES["shakespeare"]):
        options.note(
            "Left out: shakespeare, whose text is neither in ELMAN_DATA nor in the cache (`elman data shakespeare --get`)"
        )
        return []
    settings: dict[str, Any] = {"training.minutes": options.minutes, "training.sample_every": 1000}
    with tempfile.TemporaryDirectory() as folder:
        left = elman.train(
            "shakespeare",
            run=Path(folder) / "shakespeare",
            listener=Silent(),
            settings=settings | (REHEARSAL if options.small else {}),
        )
        results, timing = left.results, read_lines(left.path / "timing.jsonl")
    row = {
        "nats_per_character": results["test"]["nats_per_symbol"],
        "seconds": sum(r["seconds"] for r in timing),
        "characters": sum(r["symbols"] for r in timing),
        "parameters": results["parameters"],
        "minutes": options.minutes,
    }
    table = Table(title=f"Recipe shakespeare, {options.minutes:g} minutes, {options.threads} threads")
    for heading in ("nats/char, last tenth", "seconds", "characters seen", "parameters"):
        table.add_column(heading, justify="right")
    table.add_row(
        f"{row['nats_per_character']:.3f}", f"{row['seconds']:.0f}", f"{row['characters']:,}", f"{row['parameters']:,}"
    )
    options.console.print(table)
    return [row]
