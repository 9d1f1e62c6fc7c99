"""What a student's file gave back, read as the quantities that a question asks for, in whatever sensible form it came."""

from __future__ import annotations

import re
from itertools import permutations
from typing import Any

import numpy as np

from elman.checking.sandbox.answers import Other
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Slot


class UnreadableError(ValueError):
    """The value can't be what was asked for; the message is a sentence for the student.

    Attributes:
        absent: the quantity that is not there at all, if that is the reason.
    """

    def __init__(self, message: str, absent: str = "") -> None:
        super().__init__(message)
        self.absent = absent


def read(question: Question, values: list[Any], wanted: Quantities) -> Quantities:
    """The quantities, each with the shape of `wanted`.

    Raises:
        UnreadableError: something is missing or has another shape.
    """
    found: dict[str, Any] = {}
    for slot, value in zip(question.slots, values, strict=True):
        if slot.step is None:
            found |= _whole(slot, value, wanted)
        else:
            (name,) = slot.names
            steps = found.setdefault(name, np.full(wanted[name].shape, np.nan))
            steps[slot.step] = fit(value, wanted[name].shape[1:], f"{name} at step {slot.step + 1}")
    return {name: found[name] for name in wanted if name in found}


def _whole(slot: Slot, value: Any, wanted: Quantities) -> Quantities:
    names = slot.names
    value = _turned(names, value)
    if len(names) == 1 and not isinstance(value, dict):
        return {names[0]: fit(value, wanted[names[0]].shape, names[0])}
    if slot.short and isinstance(value, (list, dict)) and len(value) == len(slot.short):
        names = slot.short
    if isinstance(value, dict):
        return _by_name(names, value, wanted)
    if not isinstance(value, list) or len(value) != len(names):
        raise UnreadableError(f"The question asks for {', '.join(names)}, in this order; this came: {describe(value)}.")
    return {n: fit(v, wanted[n].shape, n) for n, v in zip(names, value, strict=True)}


def _turned(names: tuple[str, ...], value: Any) -> Any:
    """A list with a dict or a tuple for each step, as one with a list of steps for each quantity."""
    if not isinstance(value, list) or not value or len(names) == 1:
        return value
    if all(isinstance(v, dict) and set(v) == set(value[0]) for v in value):
        return {name: [v[name] for v in value] for name in value[0]}
    if len(value) != len(names) and all(isinstance(v, list) and len(v) == len(names) for v in value):
        return [list(column) for column in zip(*value, strict=True)]
    return value


def _by_name(names: tuple[str, ...], value: dict[str, Any], wanted: Quantities) -> Quantities:
    lowered = {k.lower(): v for k, v in value.items()}
    missing = [n for n in names if n not in value and n.lower() not in lowered]
    if missing:
        there = ", ".join(map(repr, value)) or "nothing"
        raise UnreadableError(f"The dict that came back has no {missing[0]!r}; it has {there}.", missing[0])
    return {n: fit(value.get(n, lowered.get(n.lower())), wanted[n].shape, n) for n in names}


def orders(question: Question, values: list[Any], wanted: Quantities) -> list[Quantities]:
    """Other orders in which a tuple may have come, where the shapes allow them."""
    if len(question.slots) != 1 or not isinstance(values[0], list):
        return []
    names, value = question.slots[0].names, _turned(question.slots[0].names, values[0])
    if len(value) == len(question.slots[0].short):
        names = question.slots[0].short
    if not 2 <= len(names) == len(value) <= 4:
        return []
    found = []
    for order in list(permutations(names))[1:]:
        try:
            by_name = {n: fit(v, wanted[n].shape, n) for n, v in zip(order, value, strict=True)}
        except UnreadableError:
            continue
        found.append({n: by_name[n] for n in wanted if n in by_name})
    return found


def fit(value: Any, shape: tuple[int, ...], name: str) -> Array:
    """A value as an array of a shape; axes of length 1 may be there or not.

    Raises:
        UnreadableError: it has other numbers than that.
    """
    if value is None:
        raise UnreadableError(f"{name}: nothing came back (None); is a `return` missing?")
    array = _array(value)
    if array is None:
        raise UnreadableError(f"{name}: numbers should come back; this came: {describe(value)}.")
    if _long(array.shape) != _long(shape):
        swapped = array.ndim == len(shape) == 2 and array.shape == shape[::-1]
        exchanged = ": rows and columns are exchanged" if swapped else ""
        raise UnreadableError(f"{name} should have the shape {_shape(shape)}; it has {_shape(array.shape)}{exchanged}.")
    return array.reshape(shape)


def _long(shape: tuple[int, ...]) -> list[int]:
    return [n for n in shape if n != 1]


def _shape(shape: tuple[int, ...]) -> str:
    return str(list(shape)) if shape else "[] (one number)"


def _array(value: Any) -> Array | None:
    """Numbers, arrays and lists of them as one array; None if there is anything else or the parts don't fit together."""
    if isinstance(value, float):
        return np.array(value)
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, list):
        return None
    parts = [_array(v) for v in value]
    arrays = [p for p in parts if p is not None]
    if len(arrays) < len(parts):
        return None
    shapes = {p.shape for p in arrays}
    if len(shapes) > 1:
        arrays = [p.reshape([n for n in p.shape if n != 1]) for p in arrays]
        if len({p.shape for p in arrays}) > 1:
            return None
    return np.array(arrays, dtype=np.float64)


def truth(value: Any, where: str) -> float:
    """True or False, of any library, as 1 or 0; so are the numbers 1 and 0.

    Raises:
        UnreadableError: it is anything else.
    """
    number = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if not isinstance(number, float) or number not in (0.0, 1.0):
        raise UnreadableError(f"{where} should be True or False; it is {describe(value)}.")
    return number


def keyed(value: Any, names: tuple[str, ...], wanted: str) -> dict[str, Any]:
    """A dict by the names it should have; capital letters and punctuation in its keys do not count.

    Raises:
        UnreadableError: it has other keys, or is no dict; begins with `wanted`.
    """

    def bare(name: str) -> str:
        return " ".join(re.findall(r"[\w.]+", name.lower()))

    found = {bare(k): v for k, v in value.items()} if isinstance(value, dict) else {}
    missing = next((name for name in names if bare(name) not in found), None)
    if missing is not None or len(found) != len(names):
        reason = f"{missing!r} is missing" if isinstance(value, dict) and missing else f"it is {describe(value)}"
        raise UnreadableError(f"{wanted}; {reason}.")
    return {name: found[bare(name)] for name in names}


def describe(value: Any) -> str:
    """A value in a few words."""
    if value is None:
        return "None (is a `return` missing?)"
    if isinstance(value, Other):
        if value.type == "ellipsis":
            return "`...`, which still waits for your code"
        if value.type.startswith(("an array of ", "something ")):  # not a type, but said by the way back itself
            return value.type
        return f"an object of type {value.type}"
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    if isinstance(value, dict):
        return f"a dict with {', '.join(map(repr, list(value)[:12])) or 'nothing in it'}"
    if isinstance(value, list):
        odd = _first_odd(value)
        count = "one value" if len(value) == 1 else f"{len(value)} values"
        return f"a list of {count}" + (f", in it {describe(odd)}" if odd else "")
    if isinstance(value, np.ndarray):
        return f"an array of shape {list(value.shape)}"
    return f"the number {value:.6g}" if isinstance(value, float) else "one number"


def _first_odd(value: list[Any]) -> Other | None:
    """The first thing in a list, however deep, that is neither number nor text."""
    for inner in value:
        odd = inner if isinstance(inner, Other) else _first_odd(inner) if isinstance(inner, list) else None
        if odd is not None:
            return odd
    return None
