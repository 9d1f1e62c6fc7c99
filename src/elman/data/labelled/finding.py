"""Which reader a source, file or folder of labelled texts needs."""

from __future__ import annotations

import platform
from pathlib import Path
from re import Pattern

from elman.data.archives import tar_files
from elman.data.labelled import imdb, newsgroups
from elman.data.labelled.docstrings import PACKAGES, read_docstrings
from elman.data.labelled.folders import is_class_folder, read_class_folder
from elman.data.labelled.rows import PART_NAMES, PARTS, PartName, Row, Rows
from elman.data.labelled.sentences import BINARY, FINE, read_sentences, read_sst
from elman.data.labelled.table_rows import read_tables
from elman.data.labelled.tables import SUFFIXES, is_table
from elman.data.locating import files_inside, locate, nothing_there, readable, standard_library
from elman.data.progress import watched
from elman.data.reading import decode
from elman.data.settings import DataSettings
from elman.data.sources import SOURCES, Source
from elman.errors import DataError

PUBLISHED: dict[str, tuple[int, int]] = {
    "newsgroups": (2373, 1579),
    "imdb": (25_000, 25_000),
    "sst": (6920, 1821),
    "sst-fine": (8544, 2210),
}
"""Texts for training and for testing, as published; a local copy may be packed in another way but must hold these."""


def find_rows(settings: DataSettings) -> tuple[str, Rows]:
    """A title and all rows that the settings ask for.

    Raises:
        DataError: nothing is there, or it can't be read; the message says what to put where.
    """
    source = SOURCES[settings.source]
    if settings.strip and source.name != "newsgroups":
        raise DataError(f'data.strip is for newsgroups; source is "{source.name}"')
    if settings.path is not None:
        with readable(settings.path) as path:
            return path.name or str(path), _of_path(path, source, settings)
    if source.name == "docstrings":
        rows = read_docstrings(standard_library())
        return f"Docstrings of Python {platform.python_version()}", Rows(rows, classes=PACKAGES)
    if source.kind not in ("labelled", None):
        raise DataError(
            f"{source.title} has no labels; texts with labels are: "
            f"{', '.join(name for name, other in SOURCES.items() if other.kind == 'labelled')}, or a file of yours"
        )
    found = _of_source(source, locate(settings).files, settings)
    return source.title, found


def looks_labelled(path: Path) -> bool:
    """Whether a user's file or folder is one of labelled texts: a table, or a folder of tables or of class folders."""
    if path.is_dir():
        return bool(_part_tables(path)) or is_class_folder(path)
    return is_table(path)


def _of_path(path: Path, source: Source, settings: DataSettings) -> Rows:
    known = source.kind == "labelled" and source.name != "docstrings"
    if path.is_dir():
        if known and (files := files_inside(path, source)):
            return _of_source(source, files, settings)
        if tables := _part_tables(path):
            return read_tables(tables, settings)
        return _of_folder(path, source, settings)
    if not path.is_file():
        raise nothing_there(path)
    if is_table(path):
        return read_tables([(path, None)], settings)
    if known and path.suffix in (".gz", ".txt"):
        return _of_source(source, (path,), settings)
    raise DataError(
        f"{path} is no table of texts with labels: a file must end in {', '.join(SUFFIXES)}, or be a folder with a "
        "sub-folder for each class"
    )


def _part_tables(folder: Path) -> list[tuple[Path, PartName | None]]:
    """Tables called train.csv, test.csv ..., in a folder."""
    found = [(path, PART_NAMES.get(path.stem.lower())) for path in sorted(folder.iterdir()) if is_table(path)]
    return [(path, part) for path, part in found if part is not None]


def _of_folder(path: Path, source: Source, settings: DataSettings) -> Rows:
    if source.name == "newsgroups":
        groups = settings.classes or newsgroups.FOUR
        found = read_class_folder(path, newsgroups.ENCODING, wanted=lambda name: name in groups)
        return _posts(found.rows, settings)
    if source.name == "imdb":
        return _reviews(read_class_folder(path, "utf-8", wanted=imdb.NAMES.__contains__).rows)
    return read_class_folder(path, settings.encoding)


def _of_source(source: Source, files: tuple[Path, ...], settings: DataSettings) -> Rows:
    if source.name == "newsgroups":
        found = _posts(archive_rows(files[0], newsgroups.LAYOUT, newsgroups.ENCODING), settings)
    elif source.name == "imdb":
        found = _reviews(archive_rows(files[0], imdb.LAYOUT, "utf-8"))
    elif source.name == "yelp":
        found = Rows(read_sentences(files[0]), classes=BINARY)
    else:
        fine = source.name == "sst-fine"
        found = Rows(read_sst(files, fine=fine), classes=FINE if fine else BINARY)
    counts = tuple(sum(row.part == part for row in found.rows) for part in ("train", "test"))
    published = PUBLISHED.get(source.name)
    if published not in (None, counts) and not settings.classes:
        found.notes.append(
            f"The published set has {published[0]:,} training and {published[1]:,} test texts, this copy {counts[0]:,} "
            f"and {counts[1]:,}: so will the results differ."
        )
    return found


def archive_rows(path: Path, layout: Pattern[str], encoding: str) -> list[Row]:
    """The texts in an archive whose names match, in the order of part, class and number, however they were packed.

    `layout` has groups `label` and `name`, and `part` where there are parts.
    """
    rows: list[tuple[tuple[int, str, tuple[int, ...]], Row]] = []
    for match, data in watched(tar_files(path, layout), f"reading {path.name} (texts)"):
        part: PartName | None = PART_NAMES.get(match.groupdict().get("part") or "")
        order = tuple(int(number) for number in match["name"].split("_"))
        row = Row(decode(data, f"{match.group()} in {path}", encoding), match["label"], part, match.group())
        rows.append(((PARTS.index(part) if part else 0, match["label"], order), row))
    if not rows:
        raise DataError(f"{path} has no texts such as the published archive has: is it another archive?")
    return [row for _, row in sorted(rows, key=lambda item: item[0])]


def _posts(rows: list[Row], settings: DataSettings) -> Rows:
    groups = tuple(settings.classes) or newsgroups.FOUR
    chosen = [row for row in rows if row.label in groups]
    if settings.strip:
        chosen = [row._replace(text=newsgroups.strip(row.text, settings.strip)) for row in chosen]
    # Asked for and not there: the corpus complains of it, and needs to know what there is.
    known = groups if {row.label for row in chosen} >= set(groups) else tuple(sorted({row.label for row in rows}))
    return Rows(chosen, classes=known, clues=newsgroups.header_clues())


def _reviews(rows: list[Row]) -> Rows:
    named = [row._replace(text=imdb.plain(row.text), label=imdb.NAMES[row.label]) for row in rows]
    return Rows(named, classes=BINARY, clues={"a rating out of ten that it states": imdb.stated_rating})
