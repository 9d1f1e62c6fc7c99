"""Which column of a table has the text and which the class: by settings, by their names, or by their looks."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from elman.data.labelled.tables import Table
from elman.data.settings import DataSettings
from elman.errors import DataError

TEXT_NAMES = ("text", "sentence", "review", "content", "message", "comment", "body", "document", "tweet", "post")
LABEL_NAMES = (
    "label",
    "class",
    "category",
    "sentiment",
    "target",
    "topic",
    "polarity",
    "rating",
    "stars",
    "score",
    "y",
)


@dataclass(frozen=True)
class Columns:
    """Where in each row the text and the label are; `first` is the first row that is no header."""

    text: int
    label: int
    first: int
    notes: tuple[str, ...]


def find_columns(table: Table, settings: DataSettings) -> Columns:
    """The columns that the settings name, or those that can't be mistaken.

    Raises:
        DataError: a named column is not there, or two columns could be meant; the message lists the columns.
    """
    names = table.names if table.names is not None else _header(table, settings)
    first = 1 if names is not None and table.names is None else 0
    width = len(table.rows[0])
    listed = names or tuple(str(number) for number in range(1, width + 1))
    notes = []
    text = _named(table, settings.text_column, listed, "text_column")
    label = _named(table, settings.label_column, listed, "label_column")
    if text is None:
        text = _known(listed, TEXT_NAMES, label)
    if label is None:
        label = _known(listed, LABEL_NAMES, text)
    if text is None or label is None:
        text, label = _by_looks(table, text, label, listed)
        notes.append(
            f"Column {listed[text]} is read as the text and column {listed[label]} as the class, going by their looks "
            "(data.text_column and data.label_column say otherwise)."
        )
    if text == label:
        raise DataError(f"{table.path}: column {listed[text]} can't be both the text and the class")
    if table.names is None and settings.header is None:
        first = first or int(_is_name(table, label))
        said = "names the columns" if first else "has no names of columns: it is read as a text like the others"
        notes.append(f"The first row {said} (data.header = {'false' if first else 'true'} says otherwise).")
    return Columns(text, label, first, tuple(notes))


def _header(table: Table, settings: DataSettings) -> tuple[str, ...] | None:
    """The first row of a CSV or TSV if it names the columns."""
    first = tuple(name.strip() for name in table.rows[0])
    if settings.header is not None:
        return first if settings.header else None
    asked = [name for name in (settings.text_column, settings.label_column) if name and not name.isdecimal()]
    known = {*TEXT_NAMES, *LABEL_NAMES}
    return first if asked or any(name.lower() in known for name in first) else None


def _named(table: Table, wanted: str | None, listed: tuple[str, ...], setting: str) -> int | None:
    if wanted is None:
        return None
    if wanted in listed:
        return listed.index(wanted)
    if wanted.isdecimal() and 1 <= int(wanted) <= len(listed):
        return int(wanted) - 1
    folded = [name.lower() for name in listed]
    if folded.count(wanted.lower()) == 1:
        return folded.index(wanted.lower())
    near = difflib.get_close_matches(wanted, listed, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(listed[:20])}"
    raise DataError(f"{table.path} has no column {wanted!r}, which data.{setting} names; {hint}")


def _known(listed: tuple[str, ...], known: tuple[str, ...], taken: int | None) -> int | None:
    """The one column with a name that is usual for it; None if there is none, or more than one of the same rank."""
    folded = [name.lower() for name in listed]
    for name in known:
        places = [place for place, other in enumerate(folded) if other == name and place != taken]
        if places:
            return places[0] if len(places) == 1 else None
    return None


def _is_name(table: Table, label: int) -> bool:
    """Whether the first row has a class that never comes again, while all the others do."""
    counts = Counter(row[label] for row in table.rows)
    alone = [value for value, count in counts.items() if count == 1]
    return alone == [table.rows[0][label]] and len(counts) > 2


def _by_looks(table: Table, text: int | None, label: int | None, listed: tuple[str, ...]) -> tuple[int, int]:
    """The class has few different values that repeat; the text is the longest of the rest. The first row may be names."""
    rows = table.rows[1:]
    free = [place for place in range(len(listed)) if place not in (text, label)]
    if label is None:
        few = [place for place in free if _repeats(row[place] for row in rows)]
        label = few[0] if len(few) == 1 else None
    if text is None and label is not None:
        rest = [place for place in free if place != label]
        mean = {place: sum(len(row[place]) for row in rows) for place in rest}
        longest = max(rest, key=lambda place: mean[place], default=None)
        if longest is not None and all(2 * mean[place] < mean[longest] for place in rest if place != longest):
            text = longest
    if text is None or label is None:
        missing, setting = ("class", "label_column") if label is None else ("text", "text_column")
        raise DataError(
            f"{table.path}: it is not clear which column is the {missing}; name it with data.{setting} "
            f"(there {'are' if len(listed) > 1 else 'is only'} {', '.join(listed[:20])})"
        )
    return text, label


def _repeats(values: Iterable[str]) -> bool:
    counts = Counter(values)
    total = sum(counts.values())
    return 2 <= len(counts) <= max(2, min(100, total // 5)) and total > len(counts)
