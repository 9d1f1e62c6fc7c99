"""Whole trainings on IMDB, ours and the script's two forms: the share of test texts that each puts into their class after every epoch.

Nothing is decided by these figures: all sides go on to the last epoch.
"""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

import elman
from bench.imdb_torch import FORMS, SHAPES, SMALL_SHAPES, ScriptTraining, Shape, Texts
from bench.options import Options
from bench.recipe_steps import RecipeSteps
from elman.data.progress import watched
from elman.storage import read_lines


class Epoch(NamedTuple):
    accuracy: float
    """On the test part."""
    seconds: float
    """The look at the test part is in it; of ours validation and checkpoints, too."""


def run(options: Options, settings: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each recipe, seed and side. The sides of a seed read the same training texts, as the same numbers."""
    rows = []
    for recipe, shape in (SMALL_SHAPES if options.small else SHAPES).items():
        for seed in range(1, options.seeds + 1):
            for side, epochs in _sides(recipe, shape, {**settings, "training.seed": seed}, seed, options.epochs):
                accuracy, seconds = zip(*epochs, strict=True)
                rows.append({"recipe": recipe, "side": side, "seed": seed, "accuracy": accuracy, "seconds": seconds})
                shares = " ".join(f"{share:.3f}" for share in accuracy)
                options.console.print(f"{recipe}, {side}, seed {seed}: test accuracy {shares}", highlight=False)
    options.console.print(_table(rows, options))
    for recipe in SHAPES:
        options.note(_verdict(recipe, rows))
    return rows


def _sides(
    recipe: str, shape: Shape, settings: dict[str, Any], seed: int, epochs: int
) -> Iterator[tuple[str, list[Epoch]]]:
    """One after the other, as they are done: together they may take hours."""
    yield "elman", _ours(recipe, settings, epochs)
    ours = RecipeSteps(recipe, settings).parts
    train, test = (Texts(part) for part in (ours.train, ours.test))
    for form in FORMS:
        training = ScriptTraining(train, ours.model.symbols, shape, form, seed)
        yield form, _theirs(training, test, epochs, f"{recipe}, {form}, seed {seed}")


def _ours(recipe: str, settings: dict[str, Any], epochs: int) -> list[Epoch]:
    """What a user types, with an eye on the test part."""
    watch = {"training.epochs": epochs, "training.patience": None, "training.watch_test": True}
    with tempfile.TemporaryDirectory() as folder:
        left = elman.train(recipe, run=Path(folder) / recipe, settings={**settings, **watch})
        rows = [row for row in left.metrics if row["kind"] == "epoch"]
        timing = read_lines(left.path / "timing.jsonl")
    return [
        Epoch(row["test_correct"] / row["test_count"], stretch["seconds"])
        for row, stretch in zip(rows, timing, strict=True)
    ]


def _theirs(training: ScriptTraining, test: Texts, epochs: int, what: str) -> list[Epoch]:
    found = []
    for epoch in range(1, epochs + 1):
        began = time.perf_counter()
        plan = training.draw()
        training.train(watched(plan, f"{what}, epoch {epoch} of {epochs} (batches)", len(plan)))
        found.append(Epoch(training.accuracy(test), time.perf_counter() - began))
    return found


def _verdict(recipe: str, rows: list[dict[str, Any]]) -> str:
    """Ours beside the right form, seed by seed; and what the usual mistake costs."""
    own = [row for row in rows if row["recipe"] == recipe]
    last = {side: [row["accuracy"][-1] for row in own if row["side"] == side] for side in ("elman", *FORMS)}
    apart = [ours - right for ours, right in zip(last["elman"], last["right"], strict=True)]
    many = len(apart)
    noise = f"standard error {statistics.stdev(apart) / math.sqrt(many):.3f}, {many} seeds" if many > 1 else "one seed"
    ours, right, usual = (statistics.mean(last[side]) for side in ("elman", "right", "usual"))
    return (
        f"{recipe} after the last epoch: elman {ours:.3f}, torch packed {right:.3f} (ours {ours - right:+.3f}; {noise}); "
        f"reading the last padded step gives {usual:.3f} and costs {right - usual:.3f}."
    )


def _table(rows: list[dict[str, Any]], options: Options) -> Table:
    table = Table(
        title=f"IMDB: test accuracy after each epoch, {options.threads} threads",
        caption="seconds: an epoch in the middle of them, with its look at the test part; of ours with validation and checkpoints, too.",
    )
    for heading in ("recipe", "side", "seed", *map(str, range(1, options.epochs + 1)), "seconds"):
        table.add_column(heading, justify="left" if heading in ("recipe", "side") else "right")
    for row in rows:
        accuracy = (f"{share:.3f}" for share in row["accuracy"])
        seconds = f"{statistics.median(row['seconds']):.1f}"
        table.add_row(row["recipe"], row["side"], str(row["seed"]), *accuracy, seconds)
    return table
