"""`elman data`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from elman.cli.options import Json, print_json


def data(
    source: Annotated[str | None, typer.Argument(help="A source by name, or any file or folder of texts.")] = None,
    get: Annotated[bool, typer.Option("--get", help="Download it from its official address into the cache.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A key of a recipe's data section; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Where data comes from, what is here already, and what is in it: lengths, classes, duplicates, giveaways."""
    from elman.data import LabelledReport, description
    from elman.data.labelled.report_text import report_text
    from elman.recipes.reading import parse_override, with_overrides

    if source is None:
        rows = description.overview()
        if as_json:
            print_json(rows)
            return
        for row in rows:
            typer.echo(f"{row['name']:<15} {row['title']}\n{'':<15} {row['where']}\n")
        typer.echo("ELMAN_DATA names a folder with data of your own copy; --get downloads a source.")
        return
    if get:
        description.get(source)
    values = {"data": description.usual_settings(source)}
    changes = dict(parse_override(text) for text in settings or [])
    report = description.describe(with_overrides(values, changes, where="--set").data)
    if isinstance(report, LabelledReport):
        if as_json:
            print_json(report.to_json())
        else:
            typer.echo(_printable(report_text(report)))
        return
    if as_json:
        print_json(report)
        return
    _show(report)


def _printable(text: str) -> str:
    """Names of classes and files come from strangers: they must not steer the terminal."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _show(report: dict[str, Any]) -> None:
    for key, value in report.items():
        if isinstance(value, list):
            for item in value:
                typer.echo(f"{key[:-1]}: {item}")
        elif isinstance(value, dict):
            typer.echo(f"{key}: " + ", ".join(f"{k} {v}" for k, v in value.items()))
        else:
            typer.echo(f"{key}: {value}")
