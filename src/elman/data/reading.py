"""From the bytes of a file to its text: UTF-8 unless another encoding is named, plain line ends, no byte order mark."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from elman.errors import DataError

LIMIT = 2**30
"""Largest file that is read, in bytes: a text is held in memory several times over."""


@dataclass(frozen=True)
class Document:
    """The text of one file; `digest` is the SHA-256 of its bytes as they are on the disk."""

    name: str
    text: str
    digest: str


def read_document(path: Path, encoding: str | None = None) -> Document:
    """Reads a text file; `DataError` says what is wrong with it and where."""
    try:
        if (size := path.stat().st_size) > LIMIT:
            raise DataError(f"{path} has {size:,} bytes: text files of up to {LIMIT:,} bytes are read")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}") from error
    return Document(path.stem, decode(data, str(path), encoding), hashlib.sha256(data).hexdigest())


def decode(data: bytes, where: str, encoding: str | None = None) -> str:
    """Bytes to text without a byte order mark; the line ends of Windows and of old Macs become those of Unix.

    `encoding` is what the user said or could have said; None: UTF-8, whatever they say.
    """
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{where} is not {(encoding or 'utf-8').upper()}: byte {error.start} (0x{data[error.start]:02X}, counted "
            f"from 0) on line {line} can't be read; {_advice(data[: error.start], encoding)}"
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _advice(before: bytes, encoding: str | None) -> str:
    if encoding not in (None, "utf-8"):
        return "name the right encoding with data.encoding"
    if not before.isascii():
        return "what comes before it is UTF-8, so encodings are mixed: save all of it as UTF-8"
    return "save the file as UTF-8" + (', or say data.encoding = "cp1252" if it comes from Windows' if encoding else "")
