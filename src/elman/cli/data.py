"""`elman data`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from elman.cli.options import Json, print_json


def data(
    source: Annotated[str | None, typer.Argument(help="A source by name, or any text file or folder.")] = None,
    get: Annotated[bool, typer.Option("--get", help="Download it from its official address into the cache.")] = False,
    as_json: Json = False,
) -> None:
    """Where data comes from, what is here already, and what is in it."""
    from elman.data.description import describe, overview

    if source is None:
        rows = overview()
        if as_json:
            print_json(rows)
            return
        for row in rows:
            typer.echo(f"{row['name']:<15} {row['title']}\n{'':<15} {row['where']}\n")
        typer.echo("ELMAN_DATA names a folder with data of your own copy; --get downloads a source.")
        return
    report = describe(source, get=get)
    if as_json:
        print_json(report)
        return
    _show(report)


def _show(report: dict[str, Any]) -> None:
    for key, value in report.items():
        if isinstance(value, list):
            for item in value:
                typer.echo(f"{key[:-1]}: {item}")
        elif isinstance(value, dict):
            typer.echo(f"{key}: " + ", ".join(f"{k} {v}" for k, v in value.items()))
        else:
            typer.echo(f"{key}: {value}")
