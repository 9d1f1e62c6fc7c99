"""`elman train`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    rate: Annotated[
        bool, typer.Option("--find-rate", help="Only try which learning rates the task bears; leaves no run folder.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a model as a recipe says, and leave a run folder with weights, samples and a report."""
    from elman.cli.user_cell import find_cell
    from elman.recipes.reading import parse_override
    from elman.reports import print_results
    from elman.runs import train as train_recipe

    own = None if cell is None else find_cell(cell) if ".py" in cell else cell
    told: dict[str, Any] = {"data": data, "epochs": epochs, "minutes": minutes, "seed": seed, "size": size, "cell": own}
    changes = dict(parse_override(text) for text in settings or [])
    if rate:
        _find_rate(recipe, told, changes, kept=run is not None or resume, as_json=as_json)
        return
    finished = train_recipe(recipe, run=run, resume=resume, settings=changes, **told)
    if as_json:
        print_json({"run": str(finished.path), "reason": finished.outcome.reason, "results": finished.results})
        return
    print_results(finished.results)
    typer.echo(f"\nrun folder {finished.path}   report {finished.report}")
    if "classes" in finished.results:
        typer.echo(f'ask it: elman predict {finished.path} "some text"')
    else:
        typer.echo(f"sample from it: elman sample {finished.path}")


def _find_rate(recipe: str, told: dict[str, Any], changes: dict[str, Any], *, kept: bool, as_json: bool) -> None:
    from elman.errors import InputError
    from elman.reports.rate_chart import print_rate_range
    from elman.runs.rate import find_rate

    if kept:
        raise InputError("--find-rate leaves no run folder, so it goes with neither --run nor --resume")
    found = find_rate(recipe, settings=changes, **told)
    if as_json:
        print_json(found.to_json())
        return
    print_rate_range(found)
