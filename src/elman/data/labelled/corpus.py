"""Texts with labels, as they were read, before they are divided or turned into numbers."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from elman.data.labelled.finding import find_rows
from elman.data.labelled.rows import PartName, Row, Rows
from elman.data.settings import FOR_LANGUAGE, DataSettings
from elman.errors import DataError

VERY_LONG = 20_000
"""Words from which on a text is reported as long, if nothing cuts it."""


@dataclass(frozen=True)
class LabelledCorpus:
    """Texts, each with the index of its class.

    Attributes:
        texts: raw, as a vectoriser wants them.
        labels: for each text the place of its class in `classes`.
        classes: names of the classes, at least two.
        parts: for each text the part that its publisher put it in; None where there are no parts.
        places: for each text where it stands, such as "reviews.csv, line 17".
        title: what it is.
        digest: SHA-256 of all texts with their classes and parts; how they were packed makes no difference.
        notes: sentences for the user: what was guessed, is odd, or was left out and why.
        clues: known giveaways, by name: how to read each off a text.
    """

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    classes: tuple[str, ...]
    parts: tuple[PartName, ...] | None
    places: tuple[str, ...]
    title: str
    digest: str
    notes: tuple[str, ...]
    clues: Mapping[str, Callable[[str], str | None]] = field(default_factory=dict, repr=False, compare=False)


def load_labelled(settings: DataSettings) -> LabelledCorpus:
    """Finds, reads and checks the labelled texts that the settings ask for. No row is dropped in silence.

    Raises:
        DataError: nothing is there, it can't be read, has no such columns, only one class, or nothing but empty texts.
    """
    refuse_settings_for_language(settings)
    title, found = find_rows(settings)
    classes = class_names(found, title)
    rows, notes = _chosen(found.rows, classes, settings, title)
    if settings.classes:
        classes = tuple(name for name in classes if name in settings.classes)
    counts = Counter(row.label for row in rows)
    if len(counts) < 2:
        only = f" ({next(iter(counts))!r})" if counts else ""
        raise DataError(
            f"{title} has {len(counts) or 'no'} class{only} with texts: telling apart takes at least two; is the right "
            "column read (data.label_column)?"
        )
    if not any(row.text.strip() for row in rows):
        raise DataError(f"{title}: every text is empty; is the right column read (data.text_column)?")
    parts = tuple(row.part for row in rows if row.part is not None)
    numbers = {name: number for number, name in enumerate(classes)}
    return LabelledCorpus(
        texts=tuple(row.text for row in rows),
        labels=tuple(numbers[row.label] for row in rows),
        classes=classes,
        parts=parts if len(parts) == len(rows) else None,
        places=tuple(row.place for row in rows),
        title=title,
        digest=_digest(rows),
        notes=(*found.notes, *notes, *_remarks(rows, classes, settings)),
        clues=found.clues,
    )


def refuse_settings_for_language(settings: DataSettings) -> None:
    """`DataError` where a setting was given that means nothing for texts with labels."""
    if settings.kind not in (None, "labelled"):
        raise DataError(f'data.kind is "{settings.kind}", and this model reads texts with labels: leave it out')
    if wrong := settings.changed(FOR_LANGUAGE):
        raise DataError(
            f"data.{wrong[0]} is for lines or running text; texts with labels are never left out for their length, "
            "they are cut with data.cut_at"
        )


def class_names(found: Rows, title: str) -> tuple[str, ...]:
    """The classes in their own order, or sorted: numbers by value, names without regard to capitals."""
    names = {row.label for row in found.rows}
    if found.classes is not None:
        return found.classes
    if len(names) > 1000:
        raise DataError(f"{title} has {len(names):,} classes: is the right column read (data.label_column)?")
    if all(name.lstrip("-").isdecimal() for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names, key=lambda name: (name.casefold(), name)))


def _chosen(
    rows: list[Row], classes: tuple[str, ...], settings: DataSettings, title: str
) -> tuple[list[Row], list[str]]:
    """The rows of the classes that were asked for."""
    if not settings.classes:
        return rows, []
    for name in settings.classes:
        if name not in classes:
            near = difflib.get_close_matches(name, classes, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(classes[:20])}"
            raise DataError(f"{title} has no class {name!r}, which data.classes names; {hint}")
    kept = [row for row in rows if row.label in settings.classes]
    if len(kept) == len(rows):
        return rows, []
    return kept, [f"Left out: {len(rows) - len(kept):,} of {len(rows):,} texts, of classes that were not asked for."]


def _remarks(rows: list[Row], classes: tuple[str, ...], settings: DataSettings) -> Iterator[str]:
    counts = Counter(row.label for row in rows)
    for name in classes:
        if counts[name] < 2:
            yield f"The class {name} has {'only 1 text' if counts[name] else 'no texts'}: it can't be learnt and tested."
    folded = Counter(name.casefold() for name in classes)
    if alike := [name for name in classes if folded[name.casefold()] > 1]:
        yield f"Classes differ in capital letters only: {', '.join(alike)}."
    if empty := [row for row in rows if not row.text.strip()]:
        yield (
            f"{len(empty):,} of {len(rows):,} texts are empty ({empty[0].place}); they are kept, and read as one empty symbol."
        )
    if odd := [row for row in rows if not row.text.isascii() and _WRONG.search(row.text)]:
        yield (
            f"{len(odd):,} texts have signs of a wrong encoding, such as Ã© or � ({odd[0].place}): see data.encoding, or "
            "whether the file mixes encodings."
        )
    longest = max(rows, key=lambda row: len(row.text))
    words = len(longest.text.split())
    if settings.cut_at is None and words >= VERY_LONG:
        yield (
            f"The longest text has {words:,} words ({longest.place}) and is read whole: data.cut_at = 1000, for example, "
            "reads only the beginning of each."
        )


_WRONG = re.compile("\N{REPLACEMENT CHARACTER}|[ÂÃ][\x80-\xbf]|â€")  # UTF-8 that was read as Latin-1 or as cp1252


def _digest(rows: list[Row]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        fields = (row.part or "", row.label, row.text)
        data = [field.encode("utf-8", errors="surrogatepass") for field in fields]
        digest.update(f"{len(data[0])},{len(data[1])},{len(data[2])};".encode())
        digest.update(b"".join(data))
    return digest.hexdigest()
