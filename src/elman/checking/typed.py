"""Answers typed into a text file, `name = numbers`: nothing runs."""

from __future__ import annotations

import re
from typing import Any

from elman.checking.sandbox.answers import Answers, Problem
from elman.checking.worksheets.worksheet import Question

LINE = re.compile(r"^\s*(\w+)\s*(?::=|~=|==|[=:~≈])\s*(.*?)\s*(?:#.*)?$")
NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")
AROUND = re.compile(r"[()\[\]{}]|\^?T$")
MINUS = str.maketrans("−–", "--")


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
            answers.append(
                Problem("missing", f"numbers behind `{missing} =` (a line such as `{missing} = 0.25, -1/3`)")
            )
        else:
            answers.append([_value(given[name.lower()]) for name in names])
    return Answers(None, tuple(answers))


def numbers_in(text: str) -> list[float]:
    """Numbers and fractions apart by spaces, commas or semicolons, in any brackets or none.

    A comma is a decimal comma where there are no points and it stands inside numbers only, as in `0,5; 0,25`.
    """
    bare = AROUND.sub(" ", text.translate(MINUS).strip()).strip()
    bare = re.sub(r"\s*/\s*", "/", bare)
    decimal = "." not in bare and (";" in bare or not re.search(r",\s|,$", bare)) and "/" not in bare
    found = []
    for part in re.split(r"[;\s]+" if decimal else r"[,;\s]+", bare):
        above, slash, below = (piece.replace(",", ".") for piece in part.strip(",").partition("/"))
        if not above and not slash:
            continue
        if not NUMBER.fullmatch(above) or (slash and not (NUMBER.fullmatch(below) and float(below))):
            return []
        found.append(float(above) / float(below) if slash else float(above))
    return found


def _value(numbers: list[float]) -> Any:
    return numbers[0] if len(numbers) == 1 else numbers
