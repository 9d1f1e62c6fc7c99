"""`elman worked`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import Json, print_json, write_out


def worked(
    exercise: Annotated[str | None, typer.Argument(help="A built-in exercise, or a TOML file of your own.")] = None,
    digits: Annotated[int, typer.Option("--digits", min=1, max=15, help="Digits behind the point.")] = 6,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page of its own to this file.")] = None,
    as_json: Json = False,
) -> None:
    """Work a small network through: every number of every step, forward and backward."""
    from elman.insight.exercise import exercise_titles, read_exercise

    if exercise is None and as_json:
        print_json(exercise_titles())
        return
    if exercise is None:
        for name, title in exercise_titles().items():
            typer.echo(f"{name:<16} {title}")
        typer.echo("\nOne of your own: a TOML file with cell, xs and weights; look at the built-in ones for the keys.")
        return
    result = read_exercise(exercise).work()
    if as_json:
        print_json(result.to_json())
        return
    if html is not None:
        write_out(html, result.html(digits=digits))
        return
    sys.stdout.write(result.text(digits=digits))
