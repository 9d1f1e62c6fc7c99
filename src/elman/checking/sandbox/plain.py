"""What goes to the student's process and what comes back: plain JSON. This half runs in the student's process.

| value | as JSON |
|---|---|
| number, None | itself |
| text | {"text": ...} |
| array of any library | {"shape": [...], "numbers": [flat, ...]} |
| list, tuple, set | [...] |
| dict | {"dict": [[key, value], ...]} |
| anything else | {"other": name of its type} |

Numbers are taken out by `tolist`, as Python floats: an object that says it equals everything is only a name of a type here.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

MOST_NUMBERS = 200_000
DEEPEST = 6


class TooLargeError(ValueError):
    """More numbers than any answer needs."""


# Taken before the student's file runs, so that what it does to NumPy does not reach the way back.
_asarray, _float64 = np.asarray, np.float64


def to_plain(value: Any, depth: int = 0) -> Any:
    """The value as JSON; see the table above.

    Raises:
        TooLargeError: it has more than `MOST_NUMBERS` numbers.
    """
    if value is None or type(value) in (bool, int, float):
        return None if value is None else float(value)
    if issubclass(type(value), (float, int)) and not isinstance(
        value, np.generic
    ):  # of a class of the student's: the number in it
        return float.__float__(value) if issubclass(type(value), float) else float(int.__int__(value))
    if type(value) is str:
        return {"text": value[:1000]}
    if depth >= DEEPEST:
        return {"other": "something nested deeply"}
    if isinstance(value, (list, tuple, set, frozenset)):
        _limit(len(value))
        return [to_plain(v, depth + 1) for v in value]
    if isinstance(value, dict):
        _limit(len(value))
        return {"dict": [[str(k)[:100], to_plain(v, depth + 1)] for k, v in value.items()]}
    return _array(value)


def _array(value: Any) -> Any:
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().to("cpu", torch.float64).resolve_conj().numpy()
    elif not isinstance(value, (np.ndarray, np.generic)) and not hasattr(type(value), "__array__"):
        return {"other": type(value).__name__[:100]}
    array = _asarray(value)
    if array.dtype.kind not in "biuf":
        if array.dtype.kind == "U" and array.ndim == 0:
            return {"text": str(array)[:1000]}
        return (
            to_plain(array.tolist(), DEEPEST - 2)
            if array.dtype.kind == "O"
            else {"other": f"an array of {array.dtype}"}
        )
    _limit(array.size)
    array = _asarray(array, dtype=_float64)
    return {"shape": [int(n) for n in array.shape], "numbers": [float(v) for v in array.ravel().tolist()]}


def _limit(count: int) -> None:
    if count > MOST_NUMBERS:
        raise TooLargeError(f"{count:,} numbers")


def from_plain(value: Any) -> Any:
    """What the parent sent: lists of these, and arrays as {"array": nested list, "kind": "numpy", "int" or "torch"}."""
    if isinstance(value, list):
        return [from_plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    if "array" not in value:
        return {k: from_plain(v) for k, v in value.items()}
    kind = value["kind"]
    if kind == "generator":
        return np.random.default_rng(value["array"])
    array = np.array(value["array"], dtype=np.int64 if kind.startswith("int") else np.float64)
    if not kind.endswith("torch"):
        return array
    import torch

    return torch.tensor(array) if kind == "int torch" else torch.tensor(array, dtype=torch.float32)
