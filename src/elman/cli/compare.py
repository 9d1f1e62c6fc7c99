"""`elman compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import Data, Json, print_json


def compare(
    sources: Annotated[
        list[str],
        typer.Argument(
            help="docstrings, imdb, newsgroups, newsgroups-stripped; a TOML file of a comparison; or recipes, TOML files, run folders.",
            show_default=False,
        ),
    ],
    seeds: Annotated[
        int | None, typer.Option("--seeds", help="Runs of each recipe, with seeds 1, 2 and so on.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change one key of all recipes; may be repeated."),
    ] = None,
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder for runs and results; comparisons/NAME if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Models that tell texts apart, side by side: same texts, several seeds, baselines, intervals, a paired test.

    Runs that are there are used again; a comparison that was killed goes on with the same command.
    """
    from elman.comparing import compare as compare_models
    from elman.recipes.reading import parse_override
    from elman.reports.comparison import FILES, print_comparison

    found = compare_models(
        sources, seeds=seeds, settings=dict(parse_override(text) for text in settings or []), data=data, out=out
    )
    if as_json:
        print_json(found.to_json())
        return
    print_comparison(found)
    typer.echo(f"{found.folder}: {', '.join(FILES)}, runs")
    typer.echo(f"look at {found.folder / 'comparison.html'} (one file, opens in any browser without a network)")
