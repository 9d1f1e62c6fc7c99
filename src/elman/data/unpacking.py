"""Taking named files out of a zip archive that may be hostile.

Only regular files that we ask for by their full name are read, each goes to a name that we choose, and the bytes are
counted as they come: what the archive says of itself (other entries, paths, links, sizes) has no effect.
"""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from elman.data.streaming import BLOCK, write_capped
from elman.errors import DataError

LIMIT = 16 * 2**20
"""Most bytes that one archive may unpack to."""


def unpack(archive: Path, members: tuple[str, ...], folder: Path, *, limit: int = LIMIT) -> None:
    """Writes each member to `folder`, under the last part of its name.

    Raises `DataError` for a file that is no zip archive, a member that is missing, double, a link or encrypted, or more
    than `limit` bytes in all.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for member in members:
                target = folder / PurePosixPath(member).name
                blocks = _blocks(opened, _regular_file(opened, member))
                size, _ = write_capped(blocks, target, limit=limit, what=f"What the archive holds up to {member}")
                limit -= size
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # The last two are what `zipfile` raises for an unknown compression and for an encrypted member.
        raise DataError(f"the downloaded archive is damaged or not a zip archive ({error})") from error


def _regular_file(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        raise DataError(f"the downloaded archive has {len(found)} entries named {name}, not one: it was refused")
    mode = found[0].external_attr >> 16  # zero where the archive was not made on Unix
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise DataError(f"the entry {name} of the downloaded archive is not a regular file: it was refused")
    return found[0]


def _blocks(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as member:
        while block := member.read(BLOCK):
            yield block
