"""Options that several verbs share."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Run = Annotated[Path, typer.Argument(help="A run folder, or a model folder.", show_default=False)]
Data = Annotated[Path | None, typer.Option("--data", help="A file or folder to use instead of the recipe's own data.")]
Seed = Annotated[int | None, typer.Option("--seed", help="The same seed gives the same result.")]


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_out(path: Path, text: str) -> None:
    """Write a file that the user named, whole or not at all."""
    from elman.storage import write_file

    write_file(path, text)
    sys.stderr.write(f"wrote {path}\n")
