"""`elman laws`."""

from __future__ import annotations

from typing import Annotated

import typer

from elman.cli.options import Json, print_json


def laws(
    model: Annotated[
        str,
        typer.Argument(
            help="A run or model folder, a cell by name, or a module or cell of your own: FILE.py:NAME or 'FILE.py:NAME(20, hidden=8)'."
        ),
    ],
    batch_first: Annotated[
        bool | None,
        typer.Option(
            "--batch-first/--time-first",
            help="Which axis your module has first, where that can't be found out.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Whether a model or cell keeps the laws of recurrent models; each verdict with the smallest example that was found."""
    from elman.checking.laws import laws as ask
    from elman.cli.user_module import find_module
    from elman.reports.wording import visible

    verdict = ask(find_module(model) if ".py" in model else model, batch_first=batch_first)
    if as_json:
        print_json(verdict.to_json())
    else:
        typer.echo(visible(verdict.text), nl=False)
    if not verdict.right:
        raise typer.Exit(1)
