"""Texts of the same kind without labels, to learn the language from before the task."""

from __future__ import annotations

from pathlib import Path

from elman.data.labelled import imdb, newsgroups
from elman.data.labelled.finding import archive_rows
from elman.data.locating import files_inside, locate
from elman.data.settings import DataSettings
from elman.data.sources import SOURCES
from elman.errors import DataError


def has_unlabelled(settings: DataSettings) -> bool:
    """Whether there are such texts beside those that the settings name: not beside a table or folder of one's own."""
    if settings.source not in ("imdb", "newsgroups"):
        return False
    path = None if settings.path is None else Path(settings.path)
    return (
        path is None or path.suffix == ".gz" or (path.is_dir() and bool(files_inside(path, SOURCES[settings.source])))
    )


def load_unlabelled(settings: DataSettings) -> tuple[str, ...]:
    """IMDB: the 50,000 reviews without a label. Newsgroups: the training posts of all other groups, stripped alike.

    No text of a test part is among them.

    Raises:
        DataError: the source has none, or they are not there.
    """
    if settings.source not in ("imdb", "newsgroups"):
        raise DataError(f"{settings.source} has no texts without labels; imdb and newsgroups have")
    archive = locate(settings).files[0]
    if settings.source == "imdb":
        beside = archive.with_name("aclImdb_unsup.tar.gz")  # a local copy may keep them in an archive of their own
        rows = archive_rows(beside if beside.is_file() else archive, imdb.UNLABELLED, "utf-8")
        return tuple(imdb.plain(row.text) for row in rows)
    groups = settings.classes or newsgroups.FOUR
    rows = archive_rows(archive, newsgroups.LAYOUT, newsgroups.ENCODING)
    posts = (row.text for row in rows if row.part == "train" and row.label not in groups)
    return tuple(newsgroups.strip(text, settings.strip) if settings.strip else text for text in posts)
