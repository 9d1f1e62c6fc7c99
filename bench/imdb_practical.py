"""The practical's two experiments on IMDB: the recipes `imdb-rnn` and `imdb-bilstm` beside the script of `imdb_torch` in both forms.

Without `--epochs` it is timed: each side trains on some batches of an epoch, in turns, and an epoch is reckoned from that by tokens.
With it, whole trainings show what each side has learnt after every epoch.

The loss is on the last step alone, so gradients vanish on their way back, and before they are 0 they are denormal: numbers on which
a processor is many times slower. Our kernels take those for 0; torch does where it is told to, `--flush-denormals`. Run it both ways.
"""

from __future__ import annotations

from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn

from bench import imdb_trainings
from bench.imdb_torch import FORMS, SHAPES, SMALL_SHAPES, ScriptTraining, Texts
from bench.options import Options
from bench.recipe_steps import REHEARSAL, RecipeSteps
from bench.text_turns import TextSide, turns
from bench.timing import figures
from elman.data import SOURCES, local_files

OURS, THEIRS = 16, 2
"""Batches of a turn. Ours are short ones and long ones; theirs are shuffled, and much alike."""

TOLERANCE = 1e-4


def run(options: Options) -> list[dict[str, Any]]:
    if not local_files(SOURCES["imdb"]):
        options.note(
            "Left out: imdb_practical, whose reviews are neither in ELMAN_DATA nor in the cache (elman data imdb --get)"
        )
        return []
    settings = REHEARSAL if options.small else {}
    if options.epochs:
        return imdb_trainings.run(options, settings)
    rows = [_timed(recipe, settings, options) for recipe in SHAPES]
    options.console.print(_table(rows, options))
    return rows


def _timed(recipe: str, settings: dict[str, Any], options: Options) -> dict[str, Any]:
    ours, shape = RecipeSteps(recipe, settings), (SMALL_SHAPES if options.small else SHAPES)[recipe]
    symbols = ours.parts.model.symbols
    texts = Texts(ours.parts.train)
    sides: dict[str, tuple[TextSide, int]] = {"elman": (ours, OURS)}
    for form in FORMS:
        training = ScriptTraining(texts, symbols, shape, form)
        sides[form] = training, THEIRS
        if form == "right" and (distance := apart(ours, training)) > TOLERANCE:
            options.fail(f"{recipe} and the script compute other numbers, {distance:.1e} apart")
    found = turns(sides, options.rounds, f"{recipe}, taking turns (rounds)")
    epochs = {name: [texts.tokens * t for t in times] for name, times in found.items()}
    told = {name: figures(times, epochs["elman"]) for name, times in epochs.items()}
    for side in told.values():
        side["tokens_per_second"] = texts.tokens / side["seconds"]
    return {"recipe": recipe, "tokens": texts.tokens, "texts": len(texts.rows), "sides": told}


def apart(ours: RecipeSteps, theirs: ScriptTraining) -> float:
    """The largest relative distance of loss and gradients on the first texts, with their weights. Ours come back afterwards."""
    model, key = ours.parts.model, theirs.texts.in_order()[0]
    own = {name: weight.clone() for name, weight in model.state_dict().items()}
    model.load_state_dict(theirs.model.state_dict())
    loss = ours.parts.task.loss(ours.parts.train.batch(key), None)
    found = _loss_and_gradients(model, loss.nats / loss.count)
    model.load_state_dict(own)
    tokens, lengths, labels = theirs.texts.batch(key)
    wanted = _loss_and_gradients(theirs.model, theirs.loss(theirs.model(tokens, lengths), labels))
    return max(float((found[name] - a).norm() / a.norm().clamp(min=1e-12)) for name, a in wanted.items())


def _loss_and_gradients(model: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    named = dict(model.named_parameters())
    gradients = torch.autograd.grad(loss, list(named.values()))
    return {"loss": loss.detach().double()} | {name: g.double() for name, g in zip(named, gradients, strict=True)}


def _table(rows: list[dict[str, Any]], options: Options) -> Table:
    table = Table(
        title=f"IMDB, training, {options.threads} threads: beside a plain torch script, padded (usual) and packed (right)",
        caption="An epoch is reckoned from some of its batches, by tokens; validation and checkpoints are not in it. "
        f"torch takes denormal numbers {'for 0' if options.flush_denormals else 'as they are, which takes it long'}.",
    )
    for heading in ("recipe", "side", "seconds an epoch", "tokens a second", "times ours"):
        table.add_column(heading, justify="left" if heading in ("recipe", "side") else "right")
    for row in rows:
        for name, side in row["sides"].items():
            ratio = "" if name == "elman" else f"{side['ratio']:.2f}"
            rate = f"{side['tokens_per_second']:,.0f}"
            table.add_row(row["recipe"], name, f"{side['seconds']:.1f}", rate, ratio)
    return table
