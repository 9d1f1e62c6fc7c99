"""Right or wrong, and if wrong, why: every known mistake is made on purpose and its numbers compared with the student's.

A hypothesis is a set of mistakes. One that explains every answer to every question is named first, then one that explains a question;
two mistakes at once are hypotheses of two. If none explains an answer whole, the one that gets furthest beyond the first
wrong number is named, "and something else"; if there is none, it is said which quantity differs first, and at which step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from elman.checking.mistakes import mistake
from elman.checking.verdict import Finding
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Worksheet, Wrong

RIGHT: Wrong = frozenset()


@dataclass(frozen=True)
class Place:
    """Where an answer first differs: a quantity, and the step if the question has steps."""

    quantity: str
    step: int | None


class Asked:
    """A question with its answer, and the references that have been worked out for it."""

    def __init__(self, question: Question, got: Quantities) -> None:
        self.question = question
        self.got = got
        self.cache: dict[Wrong, Quantities | None] = {}

    def reference(self, wrong: Wrong) -> Quantities | None:
        """The numbers with these mistakes; None where they make shapes that don't fit. Mistakes that it does not know change nothing."""
        known = wrong & frozenset(self.question.mistakes)
        if known not in self.cache:
            try:
                with np.errstate(all="ignore"):
                    made = self.question.reference(known)
                fits = all(made[k].shape == v.shape for k, v in self.got.items())
            except ValueError:  # a transposed matrix of another size
                fits = False
            self.cache[known] = made if fits else None
        return self.cache[known]

    def explained(self, wrong: Wrong) -> bool:
        """The answer is what these mistakes make."""
        made = self.reference(wrong)
        if made is None:
            return False
        return all(self.question.close(v, made[k]) for k, v in self.got.items())

    def agreement(self, wrong: Wrong) -> int:
        """How many quantities in a row are what these mistakes make, in the order of computation."""
        made = self.reference(wrong)
        if made is None:
            return 0
        count = 0
        for place in self.places():
            if not self.question.close(_at(self.got, place), _at(made, place)):
                break
            count += 1
        return count

    def places(self) -> list[Place]:
        """All places in the order of computation: step by step, and in a step one quantity after the other."""
        stepped = [name for name in self.got if name in self.question.steps]
        count = len(self.got[stepped[0]]) if stepped else 0
        later = [Place(name, None) for name in self.got if name not in stepped]
        return [Place(name, t) for t in range(count) for name in stepped] + later


def _at(quantities: Quantities, place: Place) -> Array:
    whole = quantities[place.quantity]
    return whole if place.step is None else whole[place.step]


def judge(sheet: Worksheet, asked: Sequence[Asked | Finding]) -> list[Finding]:
    """A finding for each question; what is a finding already (it crashed, it can't be read) stays."""
    answers = [a for a in asked if isinstance(a, Asked)]
    wrong = [a for a in answers if not a.explained(RIGHT)]
    common = _common(answers, wrong)
    return [a if isinstance(a, Finding) else _finding(sheet, a, common, right=a not in wrong) for a in asked]


def _hypotheses(questions: Sequence[Asked]) -> Iterator[Wrong]:
    known = list(dict.fromkeys(name for a in questions for name in a.question.mistakes))
    for size in (1, 2):
        yield from (frozenset(names) for names in combinations(known, size))


def _common(answers: list[Asked], wrong: list[Asked]) -> Wrong:
    """The smallest hypothesis that explains every answer, those that are right included; empty if there is none."""
    if not wrong:
        return RIGHT
    others = [a for a in answers if a not in wrong]
    for hypothesis in _hypotheses(wrong):
        if all(a.explained(hypothesis) for a in wrong) and all(a.explained(hypothesis) for a in others):
            return hypothesis
    return RIGHT


def _finding(sheet: Worksheet, asked: Asked, common: Wrong, *, right: bool) -> Finding:
    question = asked.question
    if right:
        return Finding(question.name, "right", points=question.points)
    whole = _smallest(asked, common) if common else _explaining(asked)
    named, rest = (whole, "") if whole else _furthest(sheet, asked)
    place = _first_difference(asked)
    mistakes = list(dict.fromkeys(mistake(name) for name in sorted(named, key=question.mistakes.index)))
    return Finding(
        question.name,
        "wrong",
        " ".join([_sentence(_where(sheet, asked, place)), *(m.sentence for m in mistakes)]) + rest,
        expected=_at(asked.reference(RIGHT) or {}, place),
        got=_at(asked.got, place),
        hint=" ".join(dict.fromkeys(m.hint for m in mistakes))
        or f"compare your line for {place.quantity} with the statement's, term by term.",
        mistakes=tuple(m.name for m in mistakes),
        points=question.points,
    )


def _smallest(asked: Asked, common: Wrong) -> Wrong:
    """The part of a common hypothesis that this question needs."""
    for name in sorted(common):
        if asked.explained(frozenset({name})):
            return frozenset({name})
    return common


def _explaining(asked: Asked) -> Wrong:
    return next((h for h in _hypotheses([asked]) if asked.explained(h)), RIGHT)


def _furthest(sheet: Worksheet, asked: Asked) -> tuple[Wrong, str]:
    """The mistake that explains the first wrong quantity, if there is one, and the words for what it does not explain."""
    start = asked.agreement(RIGHT)
    scores = {frozenset({name}): asked.agreement(frozenset({name})) for name in asked.question.mistakes}
    best = max(scores, key=lambda wrong: scores[wrong], default=RIGHT)
    if not best or scores[best] <= start:
        return RIGHT, ""
    place = asked.places()[scores[best]]
    return best, f" And something else: with that alone, {_label(sheet, place)} would still be another."


def _first_difference(asked: Asked) -> Place:
    places = asked.places()
    return places[min(asked.agreement(RIGHT), len(places) - 1)]


def _where(sheet: Worksheet, asked: Asked, place: Place) -> str:
    label = sheet.labels.get(place.quantity, place.quantity)
    if not np.isfinite(_at(asked.got, place)).all() and np.isfinite(_at(asked.reference(RIGHT) or {}, place)).all():
        return f"{_label(sheet, place)} is not a finite number."
    if place.step is None:
        return f"{label} differs."
    before = (
        ""
        if place.step == 0
        else f" is right at t = {place.step}"
        if place.step == 1
        else f" is right until t = {place.step}"
    )
    return f"{label}{before}{' but' if before else ''} differs at t = {place.step + 1}."


def _label(sheet: Worksheet, place: Place) -> str:
    label = sheet.labels.get(place.quantity, place.quantity)
    return label if place.step is None else f"{label} at t = {place.step + 1}"


def _sentence(text: str) -> str:
    """With a capital letter, unless it begins with a name of the mathematics."""
    return text if text[1:2] in (" ", "_") or "_" in text.split()[0] else text[0].upper() + text[1:]
