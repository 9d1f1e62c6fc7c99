"""All verbs in one Typer application."""

from __future__ import annotations

from typing import Any

import typer

from elman.cli.check import check
from elman.cli.coach import coach
from elman.cli.compare import compare
from elman.cli.data import data
from elman.cli.demo import demo
from elman.cli.doctor import doctor
from elman.cli.evaluate import evaluate
from elman.cli.explain import explain
from elman.cli.inspect import inspect
from elman.cli.laws import laws
from elman.cli.predict import predict
from elman.cli.recipes import recipes
from elman.cli.sample import sample
from elman.cli.train import train
from elman.cli.worked import worked

#: What Typer raises for wrong usage; it has no public name for the base of these.
UsageProblem: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

app = typer.Typer(
    help="Write a recurrent cell once, as equations; see every number in it, train it, and check anyone's.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (
    demo,
    recipes,
    train,
    sample,
    predict,
    evaluate,
    compare,
    coach,
    explain,
    worked,
    check,
    inspect,
    laws,
    data,
    doctor,
):
    app.command()(verb)


@app.callback(invoke_without_command=True)
def version(show: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True)) -> None:
    """Write a recurrent cell once, as equations; see every number in it, train it, and check anyone's."""
    if show:
        from elman import __version__

        typer.echo(f"elman {__version__}")
        raise typer.Exit
