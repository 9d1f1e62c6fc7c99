"""Worksheets: exercises of courses, one file each. `WORKSHEETS` is the table of contents."""

from __future__ import annotations

from importlib import import_module

from elman.checking.worksheets.worksheet import Worksheet
from elman.errors import InputError

WORKSHEETS = (
    "forward-by-hand", "rnn-step", "vanilla-rnn", "rnn-forward", "torch-cell", "lstm-step", "gru-step", "bptt", "lstm-gradient",
    "clipping", "vanishing", "irnn", "sampling", "bag-of-words", "bow-or-rnn", "shapes",
)  # fmt: skip
"""In the order in which a course meets them."""


def worksheet(name: str) -> Worksheet:
    """A worksheet by name.

    Raises:
        InputError: there is none of this name.
    """
    if name not in WORKSHEETS:
        raise InputError(f"there is no worksheet {name[:80]!r}; there are: {', '.join(WORKSHEETS)}")
    found: Worksheet = import_module(f"elman.checking.worksheets.{name.replace('-', '_')}").WORKSHEET
    return found


def worksheets() -> list[Worksheet]:
    """All of them."""
    return [worksheet(name) for name in WORKSHEETS]
