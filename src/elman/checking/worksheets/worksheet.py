"""What a worksheet is: a statement, a starter, questions with inputs drawn when they are asked, and references right and wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elman.checking.mistakes import VARIANT
from elman.checking.sandbox.work import Action

Array = NDArray[np.float64]
Quantities = dict[str, Array]
"""Named arrays in the order in which they are computed; see `Question.steps`."""
Wrong = frozenset[str]
"""Names of mistakes; empty for the right reference."""
Reference = Callable[[Wrong], Quantities]
MOST_DRAWS = 20
"""Attempts to draw inputs at which every known mistake shows."""
GOOD_DRAWS = 3
"""Such inputs among which those are chosen that tell most mistakes apart."""


PADDING = 1e99
"""Behind the numbers of a result that has fewer than others: no result has it."""


@dataclass(frozen=True)
class Question:
    """One question with its inputs drawn.

    Attributes:
        name: what is asked, in a few words.
        actions: what the student's process does.
        reference: the quantities that should come back, with the mistakes that it is given.
        mistakes: which mistakes `reference` knows.
        slots: for each value that comes back the quantities it holds; ("h",) and a step number for one step of a sequence.
        steps: the quantities whose first axis is time; the others come after the last step.
        tolerance: how far a number may be off, relative to the expected one (float32 is enough for the default).
        margin: how far it may be off absolutely.
        digest: makes numbers of what came back, where it is not numbers yet (words) or too many (draws).
        absent: mistakes that are plain when a quantity is not there at all.
        carried: the same question of somebody who goes on from the numbers given: what is right,
        and what a mistake made at this place only.
        points: what it is worth.
    """

    name: str
    actions: list[Action]
    reference: Reference
    mistakes: tuple[str, ...]
    slots: tuple[Slot, ...]
    steps: tuple[str, ...] = ()
    tolerance: float = 1e-4
    margin: float = 1e-5
    digest: Callable[[list[Any]], list[Any]] | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    carried: Callable[[Quantities], Question] | None = None
    points: float = 1.0

    def close(self, got: Array, want: Array) -> bool:
        """Equal to within the tolerance; infinite or not a number at the same places (which of the two depends on how it is written)."""
        finite = np.isfinite(want)
        if not np.array_equal(np.isfinite(got), finite):
            return False
        return bool(np.allclose(got[finite], want[finite], rtol=self.tolerance, atol=self.margin))

    def result(self, mistake: str | None) -> Quantities | None:
        """The numbers with a mistake, or the right ones; None where the mistake would stop the student's file (shapes don't fit)."""
        with np.errstate(all="ignore"):
            try:
                return self.reference(frozenset() if mistake is None else frozenset({mistake}))
            except (ValueError, ArithmeticError):
                return None

    def same(self, one: Quantities | None, other: Quantities | None) -> bool:
        """Whether two results can't be told apart."""
        if one is None or other is None:
            return one is other
        return all(v.shape == other[k].shape and self.close(other[k], v) for k, v in one.items())

    def shows(self, mistake: str) -> bool:
        """Whether this mistake gives other numbers than the right ones, with the inputs that were drawn."""
        return not self.same(self.result(None), self.result(mistake))


def _alike(questions: list[Question]) -> int:
    """How many pairs of mistakes give the same numbers in every question that knows both; variants of one mistake may."""
    found: dict[tuple[str, str], bool] = {}
    for q in questions:
        rows = [_row(q.result(m)) for m in q.mistakes]
        longest = max((len(row) for row in rows), default=0)
        table = np.array([np.pad(row, (0, longest - len(row)), constant_values=PADDING) for row in rows])
        for n, one in enumerate(q.mistakes):
            close = np.isclose(table[n + 1 :], table[n], rtol=q.tolerance, atol=q.margin, equal_nan=True).all(axis=1)
            for other, same in zip(q.mistakes[n + 1 :], close, strict=True):
                if one.split(VARIANT)[0] != other.split(VARIANT)[0]:
                    found[one, other] = found.get((one, other), True) and bool(same)
    return sum(found.values())


def _row(result: Quantities | None) -> Array:
    """All numbers in a row; what is not finite is not a number, and a result that there is none of has none."""
    if result is None:
        return np.zeros(0)
    row = np.concatenate([v.ravel() for v in result.values()])
    return np.where(np.isfinite(row), row, np.nan)


@dataclass(frozen=True)
class Slot:
    """Which quantities a value holds; `step` if it is one step's; `short` if fewer of them will do."""

    names: tuple[str, ...]
    step: int | None = None
    short: tuple[str, ...] = ()


@dataclass(frozen=True)
class Worksheet:
    """An exercise of a course.

    Attributes:
        name: `rnn-step`.
        title: one line.
        course: which course it is from, and that course's conventions.
        statement: what is to be done.
        starter: a file to begin with; it runs and is incomplete.
        solution: a file that is right.
        explanation: why.
        draw: the questions, inputs drawn from a generator.
        defines: names by which a file is recognised that does not say which worksheet it is.
        labels: what a quantity is called in a sentence.
        form: "python", or "numbers" for a file with `name = numbers` lines.
        needs: modules that the file surely uses and that take long to load.
    """

    name: str
    title: str
    course: str
    statement: str
    starter: str
    solution: str
    explanation: str
    draw: Callable[[np.random.Generator], list[Question]]
    defines: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    form: Literal["python", "numbers"] = "python"
    needs: tuple[str, ...] = ()

    def questions(self, seed: int) -> list[Question]:
        """The questions for a seed; the same seed asks the same.

        Inputs that would hide a known mistake (a ReLU that never sees a negative number) are drawn again, and of a few that hide none
        those are taken at which the fewest mistakes give the same numbers as another.
        """
        rng = np.random.default_rng([seed, *self.name.encode()])
        best, fewest, good = self.draw(rng), math.inf, 0
        for _ in range(MOST_DRAWS):
            questions = self.draw(rng)
            known = dict.fromkeys(m for q in questions for m in q.mistakes)
            if not all(any(m in q.mistakes and q.shows(m) for q in questions) for m in known):
                continue
            good += 1
            if (alike := _alike(questions)) < fewest:
                best, fewest = questions, alike
            if good == GOOD_DRAWS or fewest == 0:
                break
        return best

    def starter_file(self) -> str:
        """The starter with the statement above it."""
        return _with_statement(self, self.starter)

    def solution_file(self) -> str:
        """The solution with the statement above it."""
        return _with_statement(self, self.solution)


def _with_statement(sheet: Worksheet, code: str) -> str:
    lines = [
        f"worksheet: {sheet.name}",
        "",
        sheet.title,
        f"({sheet.course})",
        "",
        *sheet.statement.strip().splitlines(),
    ]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines) + "\n" + code.lstrip("\n")


def step_slots(steps: int, *names: str) -> tuple[Slot, ...]:
    """One value for each name at each step, as `method` and `read` in turn give them."""
    return tuple(Slot((name,), t) for t in range(steps) for name in names)


def normal(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Array:
    """Numbers that no two of are equal, and none is near zero: a zero would hide a mistake."""
    sign = rng.choice([-1.0, 1.0], size=shape)
    return np.asarray(np.round(sign * rng.uniform(0.2, 1.2, size=shape) * scale, 4))
