"""`elman predict`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from elman.cli.options import Json, Run, print_json

MOST_BYTES = 100 << 20


def predict(
    run: Run,
    texts: Annotated[
        list[str] | None, typer.Argument(help="Texts; without any, and without --file, standard input.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="A file with a text in every line (- for standard input).")
    ] = None,
    as_json: Json = False,
) -> None:
    """The class of a text, as a trained model sees it, with the probability of each class."""
    from elman.errors import InputError
    from elman.reports.wording import in_line
    from elman.runs.classifier import load_classifier

    if texts and file is not None:
        raise InputError("give texts or --file, not both")
    classifier = load_classifier(run)
    given = list(texts) if texts else _lines(file)
    found = classifier.predict(given)
    if as_json:
        print_json([{"text": text, **prediction.to_json()} for text, prediction in zip(given, found, strict=True)])
        return
    for text, prediction in zip(given, found, strict=True):
        shown = in_line(text)
        typer.echo(
            f"{in_line(prediction.label)}  {prediction.probability:.1%}   {shown[:100]}{'...' if len(shown) > 100 else ''}"
        )
        if len(given) == 1:
            others = sorted(prediction.probabilities.items(), key=lambda item: -item[1])[1:6]
            for label, probability in others:
                typer.echo(f"  {in_line(label)}  {probability:.1%}")
        if not prediction.known:
            what = f"none of its {prediction.tokens} words is known" if prediction.tokens else "it is empty"
            typer.echo(f"  note: {what}, so this says no more than how frequent the classes are")


def _lines(file: Path | None) -> list[str]:
    """The lines that are not blank of a file, or of standard input."""
    from elman.errors import DataError, InputError

    if file is None and sys.stdin.isatty():
        raise InputError('give a text: elman predict RUN "some text", or --file FILE with one in every line')
    try:
        data = sys.stdin.buffer.read(MOST_BYTES + 1) if file is None or str(file) == "-" else _bytes(file)
        if len(data) > MOST_BYTES:
            raise DataError(
                f"{file or 'standard input'} has more than {MOST_BYTES >> 20} MiB: give it in several pieces"
            )
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{file or 'standard input'} is not UTF-8: byte {error.start} can't be decoded") from None
    # Only ends of lines end a text: the other signs that `splitlines` knows may stand inside of one.
    lines = [line.removesuffix("\r") for line in text.split("\n") if line.strip()]
    if not lines:
        raise InputError(f"{file or 'standard input'} has no texts")
    return lines


def _bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MOST_BYTES + 1)
