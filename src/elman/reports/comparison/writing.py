"""The files of a comparison."""

from __future__ import annotations

from pathlib import Path

from elman.reports.comparison.contents import Comparison
from elman.reports.comparison.latex import latex
from elman.reports.comparison.markdown import markdown
from elman.reports.comparison.page import page
from elman.storage import to_json, write_file

FILES = ("comparison.json", "comparison.md", "comparison.tex", "comparison.html")


def write_comparison(comparison: Comparison) -> list[Path]:
    """Write a comparison in all its forms into its folder, each file whole or not at all; returns their paths.

    Raises:
        StorageError: the disk is full or fails; each file is as it was, or new.
    """
    made: dict[str, bytes | str] = {
        "comparison.json": to_json(comparison.to_json()),
        "comparison.md": markdown(comparison),
        "comparison.tex": latex(comparison),
        "comparison.html": page(comparison),
    }
    for name, content in made.items():
        write_file(comparison.folder / name, content)
    return [comparison.folder / name for name in FILES]
