"""The forms that word vectors come in: a line per word in a .txt, such files in a .zip, or one JSON object."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from elman.data.progress import watched
from elman.errors import DataError

LONGEST_LINE = 2**16
"""Bytes; a line of 300 numbers has about 3,000."""
LARGEST_JSON = 2**28


class VectorLine(NamedTuple):
    """A word, its numbers as they stand, and where."""

    place: str
    word: str
    numbers: Sequence[object]


def read_vectors(path: Path, dimension: int | None) -> Iterator[VectorLine]:
    """All words of a file in order; the numbers are not looked at yet, for most are not needed.

    Raises:
        DataError: it is none of these forms, broken, or too large.
    """
    if path.suffix.lower() == ".json":
        return _json(path)
    if path.suffix.lower() == ".zip":
        return _zip(path, dimension)
    return _text_file(path)


def _text_file(path: Path) -> Iterator[VectorLine]:
    with path.open("rb") as file:
        yield from _lines(file, str(path))


_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError)


def _zip(path: Path, dimension: int | None) -> Iterator[VectorLine]:
    """The one text file in an archive, or the one whose name says the dimension (`glove.6B.50d.txt`)."""
    try:
        with zipfile.ZipFile(path) as archive:
            member = _member(archive, path, dimension)
            with archive.open(member) as file:
                yield from _lines(file, f"{member.filename} in {path}")
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(f"{path} is damaged or not a zip archive ({error})") from error


def _member(archive: zipfile.ZipFile, path: Path, dimension: int | None) -> zipfile.ZipInfo:
    members = [info for info in archive.infolist() if info.filename.endswith(".txt")]
    names = ", ".join(info.filename for info in members[:6])
    if not members:
        raise DataError(f"{path} holds no .txt file: it is no archive of word vectors")
    if len(members) > 1:
        members = [info for info in members if re.search(rf"\b{dimension}d\.txt$", info.filename)]
    if len(members) != 1:
        raise DataError(f"{path} holds {names}: say how many numbers a vector shall have, one of these")
    return members[0]


def _lines(file: IO[bytes], where: str) -> Iterator[VectorLine]:
    """`word number number ...`; a word may have blanks in it, so the numbers are counted from the end."""
    size = None
    for count, line in enumerate(watched(_capped(file, where), "reading word vectors (lines)"), start=1):
        try:
            text = line.decode("utf-8").rstrip("\r\n ")
        except UnicodeDecodeError as error:
            raise DataError(f"{where}, line {count}: is not UTF-8 ({error.reason})") from None
        fields = text.split(" ")
        if count == 1 and len(fields) == 2 and fields[0].isdecimal() and fields[1].isdecimal():
            continue  # word2vec's form says first how many there are
        if len(fields) < 2:
            raise DataError(
                f"{where}, line {count}: {text[:40]!r} is no word with numbers behind it: the file is broken there"
            )
        size = size or len(fields) - 1
        surplus = len(fields) - 1 - size
        if surplus > 0 and not _is_number(fields[surplus]):
            yield VectorLine(f"line {count}", " ".join(fields[: surplus + 1]), fields[surplus + 1 :])
        else:
            yield VectorLine(f"line {count}", fields[0], fields[1:])


def _capped(file: IO[bytes], where: str) -> Iterator[bytes]:
    count = 0
    while line := file.readline(LONGEST_LINE):
        count += 1
        if len(line) == LONGEST_LINE:
            raise DataError(f"{where}, line {count}: is longer than {LONGEST_LINE:,} bytes: these are no word vectors")
        yield line


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _json(path: Path) -> Iterator[VectorLine]:
    try:
        if (size := path.stat().st_size) > LARGEST_JSON:
            raise DataError(
                f"{path} has {size:,} bytes: JSON of up to {LARGEST_JSON:,} bytes is read; use the .txt form"
            )
        pairs = json.loads(path.read_bytes(), object_pairs_hook=lambda items: items)
    except (ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} is not JSON ({error})") from None
    if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
        raise DataError(f'{path} is not of the form {{"word": [numbers]}}')
    for word, numbers in pairs:
        if not isinstance(numbers, list):
            raise DataError(f"{path}: what stands for {word[:40]!r} is no list of numbers")
        yield VectorLine(f"word {word[:40]!r}", word, numbers)
