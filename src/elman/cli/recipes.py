"""`elman recipes`."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Annotated

import typer

from elman.cli.options import Json, print_json


def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe, to start one of your own from.")] = None,
    as_json: Json = False,
) -> None:
    """What can be trained without writing anything."""
    from elman.errors import RecipeError
    from elman.recipes.builtin_names import COMPARISONS, builtin_names, builtin_summaries

    if name is not None:
        if name not in builtin_names():
            raise RecipeError(f"there is no recipe {name!r}; built in are: {', '.join(builtin_names())}")
        if as_json:
            print_json(
                tomllib.loads(resources.files("elman.recipes").joinpath("builtin", f"{name}.toml").read_text("utf-8"))
            )
            return
        typer.echo(resources.files("elman.recipes").joinpath("builtin", f"{name}.toml").read_text("utf-8"), nl=False)
        return
    summaries = builtin_summaries()
    if as_json:
        print_json(summaries)
        return
    for summary in summaries:
        typer.echo(f"{summary['name']:<19} {summary['title']}\n{'':<19} {summary['about']}\n")
    typer.echo(f"Comparisons of several: {', '.join(COMPARISONS)} (elman compare NAME)\n")
    typer.echo(
        "Train one: elman train NAME.  One of your own: elman recipes NAME > mine.toml, edit, elman train mine.toml"
    )
