"""`elman laws`."""

from __future__ import annotations

from typing import Annotated

import typer

from elman.cli.options import Json, print_json


def laws(
    model: Annotated[
        str, typer.Argument(help="A run or model folder, a cell by name, or one of your own: FILE.py:NAME.")
    ],
    as_json: Json = False,
) -> None:
    """Whether a model or cell keeps the laws of recurrent models; each verdict with the smallest example that was found."""
    from elman.checking.laws import laws as ask
    from elman.cli.user_cell import find_cell
    from elman.reports.wording import visible

    verdict = ask(find_cell(model) if ".py" in model else model)
    if as_json:
        print_json(verdict.to_json())
    else:
        typer.echo(visible(verdict.text), nl=False)
    if not verdict.right:
        raise typer.Exit(1)
