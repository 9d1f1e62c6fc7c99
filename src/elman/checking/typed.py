"""Answers typed into a text file, `name = numbers`: nothing runs."""

from __future__ import annotations

import re
from typing import Any

from elman.checking.sandbox.answers import Answers, Problem
from elman.checking.worksheets.worksheet import Question

LINE = re.compile(r"^\s*(\w+)\s*[=:]\s*(.*?)\s*(?:#.*)?$")
NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")


def typed_answers(text: str, questions: list[Question]) -> Answers:
    """What the lines of a file say, for each question the quantities of its slots by name."""
    given: dict[str, Any] = {}
    for line in text.splitlines():
        found = LINE.match(line)
        if found and not line.lstrip().startswith("#"):
            given[found[1].lower()] = numbers_in(found[2])
    answers: list[list[Any] | Problem] = []
    for question in questions:
        names = [name for slot in question.slots for name in slot.names]
        missing = next((n for n in names if not given.get(n.lower())), None)
        if missing is not None:
            answers.append(Problem("missing", f"numbers behind `{missing} =`"))
        else:
            answers.append([_value(given[name.lower()]) for name in names])
    return Answers(None, tuple(answers))


def numbers_in(text: str) -> list[float]:
    """Numbers apart by spaces, commas, semicolons, in brackets or not; `0,5` with a decimal comma where points are nowhere."""
    parts = re.split(r"[;\s]+" if "." not in text and ";" in text else r"[,;\s]+", text.strip(" ()[]{}"))
    found = []
    for part in parts:
        bare = part.strip("()[]{},").replace(",", ".")
        if NUMBER.fullmatch(bare):
            found.append(float(bare))
        elif bare:
            return []
    return found


def _value(numbers: list[float]) -> Any:
    return numbers[0] if len(numbers) == 1 else numbers
