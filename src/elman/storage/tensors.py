"""Tensors as bytes, in the safetensors format: numbers and names, no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from elman.errors import FolderError

if TYPE_CHECKING:
    from torch import Tensor

# torch takes a second to import, and most of this room works without: so it is imported where the first tensor is.


def tensors_to_bytes(tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> bytes:
    """Equal tensors and metadata give equal bytes. Tensors may be views, share memory, need gradients, lie on any device."""
    from safetensors.torch import save

    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    data = save(plain, dict(metadata) if metadata else None)
    return _in_order(data) if metadata else data


def bytes_to_tensors(data: bytes) -> dict[str, Tensor]:
    """The tensors in `data`, on the CPU, in memory of their own.

    Raises:
        FolderError: malformed: header too large, offsets that overlap or leave the data, an unknown dtype, an impossible shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        return load(data)
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FolderError(f"not tensors in the safetensors format: {reason}") from error


def _in_order(data: bytes) -> bytes:
    """Sort the metadata: the library writes it in an order that differs from process to process."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body
