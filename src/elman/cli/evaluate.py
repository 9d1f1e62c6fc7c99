"""`elman evaluate`."""

from __future__ import annotations

from typing import Annotated

import typer

from elman.cli.options import Data, Json, Run, print_json


def evaluate(
    run: Run,
    data: Data = None,
    part: Annotated[str, typer.Option("--part", help="train, validation or test; without --data.")] = "test",
    category: Annotated[str | None, typer.Option("--category", help="With --data: what the model is told.")] = None,
    as_json: Json = False,
) -> None:
    """How well a model predicts: nats, bits and perplexity per symbol, on its own test part or on a file."""
    from elman.errors import InputError
    from elman.runs.evaluation import evaluate_file, evaluate_part

    if category is not None and data is None:
        raise InputError("--category goes with --data; a run's own data has its categories")
    result = evaluate_file(run, data, category) if data is not None else evaluate_part(run, part)
    if as_json:
        print_json(result)
        return
    for note in result["notes"]:
        typer.echo(f"note: {note}")
    typer.echo(
        f"{result['what']}: {result['nats_per_symbol']:.4f} nats per symbol, {result['bits_per_symbol']:.4f} bits, "
        f"perplexity {result['perplexity']:.3f} ({result['count']:,} symbols)"
    )
