"""`elman demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import Json, Seed, print_json


def demo(
    run: Annotated[Path | None, typer.Option("--run", help="The run folder; runs/names-quick if not given.")] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Passes over the names; fewer are quicker and worse.")
    ] = None,
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Train a generator of family names on data that ships with Elman; about a minute, no network."""
    from elman.cli.introduced import Introduced
    from elman.reports import print_results
    from elman.runs import train

    finished = train("names-quick", run=run, epochs=epochs, seed=seed, listener=Introduced())
    if as_json:
        print_json({"run": str(finished.path), "reason": finished.outcome.reason, "results": finished.results})
        return
    print_results(finished.results)
    path = finished.path
    typer.echo(f"\nLook at it:   {finished.report} (one file, opens in any browser without a network)")
    typer.echo(f"More names:   elman sample {path} --count 20 --top-k 5 --category Greek")
    typer.echo("The cell:     elman explain gru --gradients")
