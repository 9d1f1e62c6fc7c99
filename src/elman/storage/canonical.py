"""JSON with one spelling per value, and a reader that a hostile file can't exhaust."""

from __future__ import annotations

import json
from typing import Any

from elman.errors import FolderError

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 32


def to_json(value: Any) -> bytes:
    """UTF-8 JSON: keys sorted, indented by one, a newline at the end. NaN and infinities are kept, since a run may end in them."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def from_json(data: bytes, where: str) -> Any:
    """Read JSON; `where` names its place in messages.

    Raises:
        FolderError: over 16 MiB, nested deeper than 32, not UTF-8, or not JSON.
    """
    if len(data) > MAX_BYTES:
        raise FolderError(f"{where} has {len(data)} bytes; JSON of more than {MAX_BYTES} is refused")
    try:
        value = json.loads(data.decode())
    except RecursionError:
        raise _too_deep(where) from None
    except ValueError as error:
        raise FolderError(f"{where} is not JSON: {error}") from error
    if _depth(value) > MAX_DEPTH:
        raise _too_deep(where)
    return value


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, (dict, list))]:
        depth += 1
        level = [inner for item in level for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def _too_deep(where: str) -> FolderError:
    return FolderError(f"{where} is nested deeper than {MAX_DEPTH} levels: refused")
