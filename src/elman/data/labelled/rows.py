"""What every reader of labelled texts hands over: rows, in the words of their own file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

PartName = Literal["train", "validation", "test"]

PARTS: tuple[PartName, ...] = ("train", "validation", "test")

PART_NAMES: dict[str, PartName] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""What files and folders of a part are called by those who publish them."""


class Row(NamedTuple):
    """One text: its class by name, the part that its publisher put it in (or None), and where it stands."""

    text: str
    label: str
    part: PartName | None
    place: str


@dataclass
class Rows:
    """All rows of a file, folder or source, in an order that does not depend on how they were packed."""

    rows: list[Row]
    notes: list[str] = field(default_factory=list)
    """Sentences for the user about what was found, guessed or left out."""
    classes: tuple[str, ...] | None = None
    """The classes in their own order; None: those of the rows, sorted."""
    clues: dict[str, Callable[[str], str | None]] = field(default_factory=dict)
    """Known giveaways of this source: what each is called, and how to read it off a text (None: it isn't there)."""


def part_called(name: str) -> PartName | None:
    """The part that a file or folder of this name holds: `train`, `20news-bydate-test`, `reviews_dev` ..."""
    words = name.lower().replace("-", " ").replace("_", " ").replace(".", " ").split()
    return PART_NAMES.get(words[-1]) if words else None
