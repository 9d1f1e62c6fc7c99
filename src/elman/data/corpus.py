"""A corpus: the text that a run learns from, as it was read, before anything is turned into numbers."""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elman.data.locating import Place, locate
from elman.data.reading import Document, read_document
from elman.data.settings import FOR_LABELLED, DataSettings, Kind, Units
from elman.data.sources import SOURCES
from elman.data.units import split_units
from elman.errors import DataError


@dataclass(frozen=True)
class Corpus:
    """Lines (one example each) or one running text; the other of the two is empty.

    `labels` gives for each line the index of its category, or is None. `digest` is the SHA-256 of the file that was
    read; of a list of digests and names where there were several. `notes` are sentences for the user: what was left out
    and why.
    """

    kind: Kind
    lines: tuple[str, ...]
    labels: tuple[int, ...] | None
    categories: tuple[str, ...]
    text: str
    title: str
    digest: str
    notes: tuple[str, ...]


def load_corpus(settings: DataSettings) -> Corpus:
    """Finds, reads and checks what the settings ask for; `DataError` or `StorageError` where that fails."""
    kind = settings.kind or SOURCES[settings.source].kind
    if kind == "labelled":
        raise DataError(
            f"{SOURCES[settings.source].title}: texts with labels are for recipes that classify; a language model reads lines or "
            'running text (data.kind = "lines" or "continuous" reads a text file as such)'
        )
    if wrong := settings.changed(FOR_LABELLED):
        raise DataError(f"data.{wrong[0]} is for texts with labels; a language model reads lines or running text")
    place = locate(settings)
    documents = _read(place, None if kind == "lines" else settings.max_characters)
    notes = [note for note in (place.note, _altered(documents, settings), _looks_like_table(place)) if note]
    if kind is None:
        kind = guess_kind(documents)
        notes.append(f'Read as {_KINDS[kind]}, going by its looks (data.kind = "..." says otherwise).')
    if kind == "lines":
        return _lines(documents, settings, place.title, notes)
    return _continuous(documents, settings, place.title, notes)


_KINDS: dict[Kind, str] = {
    "lines": "one example per line",
    "continuous": "one running text",
}  # that a file can look like


def guess_kind(documents: list[Document]) -> Kind:
    """Lines if there are at least 50 that aren't blank and their median length is at most 40 characters."""
    lengths = [len(line) for document in documents for line in document.text.split("\n") if line.strip()]
    return "lines" if len(lengths) >= 50 and statistics.median(lengths) <= 40 else "continuous"


def _read(place: Place, limit: int | None) -> list[Document]:
    """The documents, until there are more than `limit` characters."""
    documents: list[Document] = []
    characters = 0
    for path in place.files:
        documents.append(read_document(path))
        characters += len(documents[-1].text)
        if limit is not None and characters > limit:
            break
    if not any(document.text.strip() for document in documents):
        raise DataError(f"{_in_words(place.files)} empty: there is nothing to learn from")
    return documents


def _in_words(files: tuple[Path, ...]) -> str:
    return f"{files[0]} is" if len(files) == 1 else f"the {len(files)} files in {files[0].parent} are"


def _altered(documents: list[Document], settings: DataSettings) -> str | None:
    download = SOURCES[settings.source].download
    if settings.path or download is None or download.members or documents[0].digest == download.sha256:
        return None
    return f"The file differs from the published one (SHA-256 {documents[0].digest[:12]}...): so will the results."


def _looks_like_table(place: Place) -> str | None:
    tables = [path for path in place.files if path.suffix.lower() in (".csv", ".tsv", ".jsonl")]
    if not tables:
        return None
    return (
        f"{tables[0].name} is a table and is read as plain text, commas and all: to classify its texts take a recipe that does, "
        "such as docstrings-gru (`elman recipes` has them all)."
    )


def _lines(documents: list[Document], settings: DataSettings, title: str, notes: list[str]) -> Corpus:
    if settings.categories and len(documents) < 2:
        raise DataError(f"categories = true needs a folder with one file per category; {title} is a single file")
    if settings.max_characters is not None:
        raise DataError(f"max_characters is for running text; {title} is read as one example per line")
    kept: list[tuple[str, int]] = []
    too_long: list[int] = []
    for label, document in enumerate(documents):
        for line in _examples(document, settings.categories):
            length = len(split_units(line, settings.units))
            if length > settings.max_length:
                too_long.append(length)
            else:
                kept.append((line, label))
    if not kept:
        raise DataError(f"every line of {title} has more than max_length = {settings.max_length} {settings.units}")
    lines = tuple(line for line, _ in kept)
    return Corpus(
        kind="lines",
        lines=lines,
        labels=tuple(label for _, label in kept) if settings.categories else None,
        categories=tuple(document.name for document in documents) if settings.categories else (),
        text="",
        title=title,
        digest=_digest(documents),
        notes=(*notes, *_remarks(lines, too_long, settings.max_length, settings.units)),
    )


def _examples(document: Document, needed: bool) -> Iterator[str]:
    """The lines without the blanks around them; blank lines are no examples."""
    lines = [line.strip() for line in document.text.split("\n") if line.strip()]
    if needed and not lines:
        raise DataError(f"the category {document.name} has no lines: fill its file or take it away")
    yield from lines


def _remarks(lines: tuple[str, ...], too_long: list[int], limit: int, units: Units) -> Iterator[str]:
    if too_long:
        yield (
            f"Left out: {len(too_long):,} of {len(lines) + len(too_long):,} lines, longer than {limit} {units} "
            f"(the longest has {max(too_long):,})."
        )
    counts = Counter(lines)
    if repeated := len(lines) - len(counts):
        text, times = counts.most_common(1)[0]
        yield (
            f"{repeated:,} of {len(lines):,} lines repeat another one ({text[:40]!r} is there {times} times); "
            "they are kept, and all copies of a line are in the same part."
        )


def _continuous(documents: list[Document], settings: DataSettings, title: str, notes: list[str]) -> Corpus:
    if settings.categories:
        raise DataError(f"categories = true needs one example per line; {title} is one running text")
    text = documents[0].text
    if len(documents) > 1:
        text = "".join(part.text if part.text.endswith("\n") else part.text + "\n" for part in documents if part.text)
    limit = settings.max_characters
    if limit is not None and len(text) > limit:
        text = text[: text.rfind("\n", 0, limit) + 1 or limit]
        notes = [*notes, f"Only the first {len(text):,} characters are used (max_characters = {limit:,})."]
    return Corpus(
        kind="continuous",
        lines=(),
        labels=None,
        categories=(),
        text=text,
        title=title,
        digest=_digest(documents),
        notes=tuple(notes),
    )


def _digest(documents: list[Document]) -> str:
    if len(documents) == 1:
        return documents[0].digest
    listing = "".join(f"{document.digest}  {document.name}\n" for document in documents)
    return hashlib.sha256(listing.encode()).hexdigest()
