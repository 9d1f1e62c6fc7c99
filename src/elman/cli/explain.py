"""`elman explain`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import Json, print_json, write_out


def explain(
    cell: Annotated[str, typer.Argument(help="A cell by name, or one of your own: FILE.py:NAME.")] = "",
    gradients: Annotated[
        bool, typer.Option("--gradients", help="Also the derived backpropagation through time.")
    ] = False,
    form: Annotated[
        str, typer.Option("--format", help="text, latex, mathml, html, or cell (the grammar of model folders).")
    ] = "text",
    bias: Annotated[bool, typer.Option("--bias/--no-bias", help="Write the affine maps with their biases.")] = True,
    out: Annotated[Path | None, typer.Option("--out", help="Write to a file instead of the terminal.")] = None,
    as_json: Json = False,
) -> None:
    """A cell's equations, its gradients, and which path keeps a gradient alive; all derived from its step."""
    from elman.cells import names

    if not cell and as_json:
        print_json(list(names()))
        return
    if not cell:
        typer.echo(f"Cells: {', '.join(names())}\nor one of your own: elman explain FILE.py:NAME")
        return
    from elman.cli.user_cell import find_cell
    from elman.equations import cell_to_text
    from elman.equations import explain as explain_cell
    from elman.errors import InputError
    from elman.insight.pages import explanation_page

    found = find_cell(cell)
    explanation = explain_cell(found, bias=bias)
    if as_json:
        print_json(
            {
                "cell": explanation.cell,
                "text": cell_to_text(found),
                "equations": [e.text for e in explanation.equations],
                "gradients": [e.text for e in explanation.gradients],
                "slopes": [e.text for e in explanation.slopes],
                "reading": list(explanation.reading),
            }
        )
        return
    forms = {
        "text": lambda: explanation.text(gradients=gradients),
        "latex": lambda: explanation.latex(gradients=gradients),
        "mathml": lambda: explanation.mathml(gradients=gradients),
        "html": lambda: explanation_page(explanation, gradients=gradients),
        "cell": lambda: cell_to_text(found),
    }
    if form not in forms:
        raise InputError(f"unknown format {form!r}; there are: {', '.join(forms)}")
    text = forms[form]()
    if out is not None:
        write_out(out, text)
    else:
        sys.stdout.write(text)
