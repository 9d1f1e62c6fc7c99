"""`elman evaluate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from elman.cli.options import Data, Json, Run, print_json


def evaluate(
    run: Run,
    data: Data = None,
    part: Annotated[str, typer.Option("--part", help="train, validation or test; without --data.")] = "test",
    category: Annotated[str | None, typer.Option("--category", help="With --data: what the model is told.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="With --data: how texts with labels are read, label_column=stars."
        ),
    ] = None,
    shuffle_words: Annotated[
        bool, typer.Option("--shuffle-words", help="Shuffle the words of each text: what is their order worth?")
    ] = False,
    as_json: Json = False,
) -> None:
    """How well a model predicts, on its own test part or on a file: nats per symbol, or the share of texts told right."""
    from elman.errors import InputError
    from elman.recipes.reading import parse_override
    from elman.reports.wording import visible
    from elman.runs.evaluation import evaluate_file, evaluate_part

    if data is None and (category is not None or settings):
        option = "--category" if category is not None else "--set"
        raise InputError(f"{option} goes with --data; a run knows its own data")
    if data is not None:
        told = dict(parse_override(text) for text in settings or [])
        result = evaluate_file(run, data, category, settings=told, shuffled=shuffle_words)
    else:
        result = evaluate_part(run, part, shuffled=shuffle_words)
    if as_json:
        print_json(result)
        return
    for note in result["notes"]:
        typer.echo(f"note: {visible(note)}")
    if "accuracy" in result:
        _classified(result)
        return
    typer.echo(
        f"{visible(result['what'])}: {result['nats_per_symbol']:.4f} nats per symbol, {result['bits_per_symbol']:.4f} bits, "
        f"perplexity {result['perplexity']:.3f} ({result['count']:,} symbols)"
    )


def _classified(result: dict[str, Any]) -> None:
    from rich.console import Console

    from elman.reports.classes import confusion_table
    from elman.reports.wording import visible

    typer.echo(
        f"{visible(result['what'])}: {result['accuracy']:.2%} right ({result['correct']:,} of {result['count']:,} texts), "
        f"{result['nats_per_text']:.4f} nats per text"
    )
    Console().print(confusion_table(result["classes"], result["confusion"]))
