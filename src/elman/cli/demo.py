"""`elman demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import Seed


def demo(
    run: Annotated[Path | None, typer.Option("--run", help="The run folder; runs/names-quick if not given.")] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", help="Passes over the names; fewer are quicker and worse.")
    ] = None,
    seed: Seed = None,
) -> None:
    """Train a generator of family names on data that ships with Elman; about a minute, no network."""
    from elman.reports import print_results
    from elman.runs import train

    typer.echo(
        "A recurrent network (GRU, 128 units) learns family names, letter by letter. Samples should get better:\n"
    )
    finished = train("names-quick", run=run, epochs=epochs, seed=seed)
    print_results(finished.results)
    path = finished.path
    typer.echo(f"\nLook at it:   {finished.report} (one file, opens in any browser without a network)")
    typer.echo(f"More names:   elman sample {path} --count 20 --top-k 5 --category Greek")
    typer.echo("The cell:     elman explain gru --gradients")
