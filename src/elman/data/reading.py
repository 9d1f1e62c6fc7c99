"""From the bytes of a file to its text: strictly UTF-8, plain line ends, no byte order mark."""

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


def read_document(path: Path) -> Document:
    """Reads a text file; `DataError` says what is wrong with it and where."""
    try:
        if (size := path.stat().st_size) > LIMIT:
            raise DataError(f"{path} has {size:,} bytes: text files of up to {LIMIT:,} bytes are read")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} can't be read: {error.strerror or error}") from error
    return Document(path.stem, decode(data, str(path)), hashlib.sha256(data).hexdigest())


def decode(data: bytes, where: str) -> str:
    """UTF-8 to text without a byte order mark; the line ends of Windows and of old Macs become those of Unix."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{where} is not UTF-8: byte {error.start} (0x{data[error.start]:02X}, counted from 0) on line {line} "
            "can't be read; save the file as UTF-8"
        ) from error
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
