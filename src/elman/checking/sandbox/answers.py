"""What comes back from a student's file, read again on this side: believed in nothing but its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Problem:
    """Why there is no answer.

    Attributes:
        kind: name of an exception, or "missing" (a name is not there), "too large", "ended" (the process is gone),
            "garbled" (what comes back can't be read), "time".
        text: what the exception says; for "ended" how it ended.
        line: of the student's file, where known.
    """

    kind: str
    text: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Other:
    """A value that is no number, text, list or dict: only the name of its type came over."""

    type: str


@dataclass(frozen=True)
class Answers:
    """What came back.

    Attributes:
        loading: why the file did not run to its end, or None.
        questions: for each question its values, one for each action that has one, or a `Problem`.
    """

    loading: Problem | None
    questions: tuple[list[Any] | Problem, ...]


def shown(text: str) -> str:
    """A stranger's text in one line that can't steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def problem_of(value: Any) -> Problem | None:
    """What the process says about itself, believed in nothing but its form."""
    if not isinstance(value, dict):
        return None
    line = value.get("line")
    return Problem(
        shown(str(value.get("kind", ""))[:80]),
        shown(str(value.get("text", ""))[:300]),
        line if isinstance(line, int) else None,
    )


def value_of(value: Any) -> Any:
    """A value out of its JSON (see `plain`): float, None, text, list, dict, float64 array, or `Other`."""
    if value is None or isinstance(value, (int, float)):
        return None if value is None else float(value)
    if isinstance(value, list):
        return [value_of(v) for v in value]
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return value["text"]
    if isinstance(value, dict) and isinstance(value.get("dict"), list):
        pairs = [p for p in value["dict"] if isinstance(p, list) and len(p) == 2]
        return {str(k): value_of(v) for k, v in pairs}
    if isinstance(value, dict) and "numbers" in value:
        try:
            return np.array(value["numbers"], dtype=np.float64).reshape(value["shape"])
        except (ValueError, TypeError):
            return Other("an array whose shape does not fit its numbers")
    return Other(shown(str(value.get("other", "unknown"))[:100]) if isinstance(value, dict) else "unknown")
