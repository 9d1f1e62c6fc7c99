"""`elman train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import Data, Json, Seed, print_json


def train(
    recipe: Annotated[str, typer.Argument(help="A built-in recipe (see `elman recipes`) or a TOML file.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one key of the recipe; may be repeated."),
    ] = None,
    data: Data = None,
    run: Annotated[Path | None, typer.Option("--run", help="The run folder; runs/NAME if not given.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes over the training data.")] = None,
    minutes: Annotated[
        float | None, typer.Option("--minutes", help="Stop after so much time, everything saved.")
    ] = None,
    seed: Seed = None,
    size: Annotated[str | None, typer.Option("--size", help="One dial: tiny, small, medium or large.")] = None,
    cell: Annotated[
        str | None, typer.Option("--cell", help="A cell by name, or one of your own: FILE.py:NAME.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run stopped, as if it had not.")] = False,
    as_json: Json = False,
) -> None:
    """Train a model as a recipe says, and leave a run folder with weights, samples and a report."""
    from elman.cli.user_cell import find_cell
    from elman.recipes.reading import parse_override
    from elman.reports import print_results
    from elman.runs import train as train_recipe

    own = None if cell is None else find_cell(cell) if ".py" in cell else cell
    finished = train_recipe(
        recipe,
        run=run,
        resume=resume,
        data=data,
        epochs=epochs,
        minutes=minutes,
        seed=seed,
        size=size,
        cell=own,
        settings=dict(parse_override(text) for text in settings or []),
    )
    if as_json:
        print_json({"run": str(finished.path), "reason": finished.outcome.reason, "results": finished.results})
        return
    print_results(finished.results)
    typer.echo(f"\nrun folder {finished.path}   report {finished.report}")
    if "classes" in finished.results:
        typer.echo(f'ask it: elman predict {finished.path} "some text"')
    else:
        typer.echo(f"sample from it: elman sample {finished.path}")
