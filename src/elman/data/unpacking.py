"""Taking named files out of a zip archive that may be hostile.

Only regular files that we ask for by their full name are read, each goes to a name that we choose, and the bytes are
counted as they come: what the archive says of itself (other entries, paths, links, sizes) has no effect.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from elman.data.streaming import BLOCK, write_capped
from elman.errors import DataError

LIMIT = 16 * 2**20
"""Most bytes that one archive may unpack to."""

# What `zipfile` raises for one that is not as it should be; RuntimeError for an encrypted or too new one, OSError for an
# offset outside the file, ValueError for a name that can't be decoded.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, OSError, ValueError)


def unpack(archive: Path, members: tuple[str, ...], folder: Path, *, limit: int = LIMIT) -> None:
    """Writes each member to `folder`, under the last part of its name.

    Raises `DataError` for a file that is no zip archive, a member that is missing, double, a link or encrypted, or more
    than `limit` bytes in all.
    """
    with _opened(archive) as opened:
        for member in members:
            blocks = _blocks(opened, _regular_file(opened, member))
            target = folder / PurePosixPath(member).name
            size, _ = write_capped(blocks, target, limit=limit, what=f"What the archive holds up to {member}")
            limit -= size


def _opened(archive: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(archive)
    except _DAMAGE as error:
        raise DataError(f"the downloaded archive is damaged or not a zip archive ({error})") from error


def _regular_file(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        raise DataError(f"the downloaded archive has {len(found)} entries named {name}, not one: it was refused")
    mode = found[0].external_attr >> 16  # zero where the archive was not made on Unix
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise DataError(f"the entry {name} of the downloaded archive is not a regular file: it was refused")
    if found[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"the entry {name} of the downloaded archive is packed in an unusual way: it was refused")
    return found[0]


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(info) as member:
            while block := member.read(BLOCK):
                yield block
    except _DAMAGE as error:
        raise DataError(f"{info.filename} in the downloaded archive is damaged ({error})") from error
