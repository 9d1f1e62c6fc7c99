"""`elman sample`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from elman.cli.options import Json, Run, Seed, print_json

PATIENCE = 2.0  # seconds after which a progress bar appears


def sample(
    run: Run,
    prompt: Annotated[str, typer.Option("--prompt", help="What the text begins with.")] = "",
    length: Annotated[int | None, typer.Option("--length", help="Symbols generated at most.")] = None,
    temperature: Annotated[
        float, typer.Option("--temperature", help="0: always the likeliest symbol; 1: as the model says.")
    ] = 1.0,
    top_k: Annotated[int | None, typer.Option("--top-k", help="Draw from the k likeliest symbols only.")] = None,
    top_p: Annotated[
        float | None, typer.Option("--top-p", help="Draw from the fewest symbols with this probability.")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", help="How many; 10 names or 1 text if not given.")] = None,
    category: Annotated[
        str | None, typer.Option("--category", help="For models that are told one, such as a language.")
    ] = None,
    precision: Annotated[
        str, typer.Option("--precision", help="float32, or bf16: weights of half the size, faster for large models.")
    ] = "float32",
    seed: Seed = None,
    as_json: Json = False,
) -> None:
    """Generate text from a trained model."""
    from elman.reports.wording import visible
    from elman.runs.loaded import load_language

    model = load_language(run)
    many = count if count is not None else 10 if model.vocabulary.has_boundary else 1
    with _waiting(length) as progress:
        texts = model.sample(
            prompt,
            length=length,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            count=many,
            category=category,
            precision=precision,
            progress=progress,
        )
    if as_json:
        print_json({"samples": texts, "engine": model.engine_used, "precision": precision})
        return
    for text in texts:
        # A text must not steer the terminal; a file or a program gets it as it is.
        sys.stdout.write((visible(text) if sys.stdout.isatty() else text) + "\n")


@contextmanager
def _waiting(length: int | None) -> Iterator[Callable[[int], None] | None]:
    """A progress bar on the terminal for what takes long; it leaves nothing behind."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    began = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("symbols", total=length, visible=False)

        def progress(made: int) -> None:
            bar.update(task, completed=made, visible=time.monotonic() - began > PATIENCE)

        yield progress
