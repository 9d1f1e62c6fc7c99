"""Writing what arrives in blocks, under a cap: how much is written is our decision, not the sender's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from elman.errors import DataError

BLOCK = 64 * 1024


def write_capped(
    blocks: Iterable[bytes], path: Path, *, limit: int, what: str, algorithm: str = "sha256"
) -> tuple[int, str]:
    """Writes the blocks to a new file and to the disk; returns their size and digest.

    Raises `DataError` as soon as more than `limit` bytes have come, before the block that exceeds it is written.
    """
    size, digest = 0, hashlib.new(algorithm, usedforsecurity=False)
    with path.open("xb") as file:
        for block in blocks:
            size += len(block)
            if size > limit:
                raise DataError(f"{what} is larger than the {limit:,} bytes it may have: it was refused")
            digest.update(block)
            file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()
