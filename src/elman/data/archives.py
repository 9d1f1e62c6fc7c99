"""Reading files out of a tar archive that may be hostile, without writing anything to the disk.

Only regular files with a name that was asked for are read; links, devices and sparse files are refused, and the bytes are
counted as they are unpacked: what the archive says of itself has no effect.
"""

from __future__ import annotations

import gzip
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from re import Match, Pattern
from typing import IO, cast

from elman.errors import DataError

TOTAL = 2**30
"""Most bytes that an archive may unpack to, files that nobody asked for included."""
LARGEST = 16 * 2**20
"""Most bytes of one file in it."""

# What `tarfile` and `gzip` raise for one that is not as it should be; OSError for a bad gzip header, ValueError and
# OverflowError for numbers that are none.
_DAMAGE = (tarfile.TarError, zlib.error, struct.error, EOFError, OSError, ValueError, OverflowError, RecursionError)


def tar_files(
    path: Path, wanted: Pattern[str], *, total: int = TOTAL, largest: int = LARGEST
) -> Iterator[tuple[Match[str], bytes]]:
    """The content of each regular file whose whole name matches, with the match, in the archive's order.

    Raises:
        DataError: not a gzipped tar archive, damaged, a wanted name twice or not a regular file, or too large.
    """
    seen: set[str] = set()
    try:
        with gzip.open(path) as unzipped:
            counted = _Counted(cast("IO[bytes]", unzipped), total, path)
            with tarfile.open(fileobj=cast("IO[bytes]", counted), mode="r|") as archive:
                for member in archive:
                    if not (match := wanted.fullmatch(member.name)) or member.isdir():
                        continue
                    _refuse(member, seen, largest, path)
                    file = archive.extractfile(member)
                    yield match, file.read() if file else b""
            while counted.read(2**20):  # to the end, where the checksum of it all stands
                pass
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(f"{path} is damaged or not a gzipped tar archive ({error})") from error


def _refuse(member: tarfile.TarInfo, seen: set[str], largest: int, path: Path) -> None:
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        raise DataError(f"{member.name} in {path} is not a regular file: the archive was refused")
    if member.name in seen:
        raise DataError(f"{path} has {member.name} twice: the archive was refused")
    if member.size > largest:
        raise DataError(f"{member.name} in {path} is larger than the {largest:,} bytes it may have: it was refused")
    seen.add(member.name)


class _Counted:
    """A file that refuses to give more bytes than it may."""

    def __init__(self, file: IO[bytes], limit: int, path: Path) -> None:
        self.file, self.left, self.limit, self.path = file, limit, limit, path

    def read(self, size: int) -> bytes:
        data = self.file.read(min(size, self.left + 1))
        self.left -= len(data)
        if self.left < 0:
            raise DataError(f"{self.path} unpacks to more than the {self.limit:,} bytes it may have: it was refused")
        return data
