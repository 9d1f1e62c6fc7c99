"""Right or wrong, and if wrong, why: every known mistake is made on purpose and its numbers compared with the student's.

A hypothesis is a set of mistakes. One that explains every answer to every question is named first, then one that explains a question;
two mistakes at once are hypotheses of two, the most promising first. If none explains an answer whole, the one that gets furthest
beyond the first wrong number is named, "and something else"; if there is none, it is said which quantity differs first, and at which step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from elman.checking.mistakes import CATALOGUE, VARIANT, mistake
from elman.checking.verdict import Finding
from elman.checking.worksheets.worksheet import Array, Quantities, Question, Worksheet, Wrong

RIGHT: Wrong = frozenset()
MOST_AT_ONCE = 3
"""Mistakes of which each explains a number more than the one before."""
FEWEST_FOR_PAIRS = 3
"""Numbers in an answer: one or two of them are soon met by chance."""
CARRIED: Wrong = frozenset({"carried-on"})
MOST_PAIRS = 1200
"""Pairs of mistakes that are tried at one question; a second or two at most."""


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
            except (ValueError, ArithmeticError):  # a transposed matrix of another size, a division by zero
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

    def matched(self, wrong: Wrong) -> int:
        """How many quantities, in a row or not, are what these mistakes make."""
        made = self.reference(wrong)
        if made is None:
            return 0
        return sum(self.question.close(_at(self.got, place), _at(made, place)) for place in self.places())

    @cached_property
    def explanations(self) -> list[Wrong]:
        """The mistakes each of which alone makes this answer; if there are none, a pair that does."""
        alone = [frozenset({name}) for name in self.question.mistakes]
        if found := [wrong for wrong in alone if self.explained(wrong)]:
            return found
        if sum(v.size for v in self.got.values()) < FEWEST_FOR_PAIRS:
            return []
        promising = sorted(self.question.mistakes, key=lambda name: -self.matched(frozenset({name})))
        # In the order of the sum of both ranks: the best with the second best first.
        pairs = sorted(combinations(range(len(promising)), 2), key=sum)[:MOST_PAIRS]
        wrongs = (frozenset({promising[one], promising[other]}) for one, other in pairs)
        return next(([wrong] for wrong in wrongs if self.explained(wrong)), [])

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
    for a in wrong if not common else ():  # what explains most questions is named at each of them
        a.explanations.sort(key=lambda one: -sum(one in other.explanations for other in wrong))
    given = {name: value for a in answers for name, value in a.got.items()}
    return [a if isinstance(a, Finding) else _finding(sheet, a, common, given, right=a not in wrong) for a in asked]


def _common(answers: list[Asked], wrong: list[Asked]) -> Wrong:
    """The smallest hypothesis that explains every answer, those that are right included; empty if there is none."""
    found: dict[Wrong, None] = {}
    for asked in sorted(wrong, key=lambda a: sum(v.size for v in a.got.values())):
        new = asked.explanations
        found |= dict.fromkeys([*new, *(one | other for one in found for other in new if len(one | other) == 2)])
        for hypothesis in sorted(found, key=len):
            if all(a.explained(hypothesis) for a in answers):
                return hypothesis
    return RIGHT


def _finding(sheet: Worksheet, asked: Asked, common: Wrong, given: Quantities, *, right: bool) -> Finding:
    question = asked.question
    if right:
        return Finding(question.name, "right", points=question.points)
    seen = asked
    if question.carried is not None and not common:
        seen = Asked(question.carried(given), asked.got)
    if seen.explained(RIGHT):
        named, rest = CARRIED, ""
    else:
        whole = _smallest(asked, common) if common else next(iter(seen.explanations), RIGHT)
        named, rest = (whole, "") if whole else _furthest(sheet, seen)
    place = _first_difference(asked if named is CARRIED else seen)
    order = {name: n for n, name in enumerate(question.mistakes)}
    mistakes = [
        mistake(_with_alternatives(seen, named, name)) for name in sorted(named, key=lambda name: order.get(name, -1))
    ]
    return Finding(
        question.name,
        "wrong",
        " ".join([_sentence(_where(sheet, asked, place)), *dict.fromkeys(m.sentence for m in mistakes)]) + rest,
        expected=_at(asked.reference(RIGHT) or {}, place),
        got=_at(asked.got, place),
        hint=" ".join(dict.fromkeys(m.hint for m in mistakes))
        or f"compare your line for {place.quantity} with the statement's, term by term.",
        mistakes=tuple(dict.fromkeys(m.name for m in mistakes)),
        points=question.points,
    )


def _with_alternatives(asked: Asked, named: Wrong, name: str) -> str:
    """The mistake's name, with all variants that explain the answer as well, where the sentence tells the variant."""
    base, variant, _ = name.partition(VARIANT)
    if not variant or "{}" not in CATALOGUE[base].sentence:
        return name
    others = [
        m for m in asked.question.mistakes if m.split(VARIANT)[0] == base and asked.explained(named - {name} | {m})
    ]
    return base + VARIANT + " or ".join(dict.fromkeys(m.partition(VARIANT)[2] for m in others or [name]))


def _smallest(asked: Asked, common: Wrong) -> Wrong:
    """The part of a common hypothesis that this question needs."""
    for name in sorted(common):
        if asked.explained(frozenset({name})):
            return frozenset({name})
    return common & frozenset(asked.question.mistakes)


def _furthest(sheet: Worksheet, asked: Asked) -> tuple[Wrong, str]:
    """The mistakes that explain the first wrong quantities, if there are any, and the words for what they do not explain."""
    best, reached = RIGHT, asked.agreement(RIGHT)
    for _ in range(MOST_AT_ONCE):
        scores = {best | {name}: asked.agreement(best | {name}) for name in asked.question.mistakes}
        further = max(scores, key=lambda wrong: scores[wrong], default=RIGHT)
        if not further or scores[further] <= reached:
            break
        best, reached = further, scores[further]
        if asked.explained(best):
            return best, ""
    if not best:
        return RIGHT, ""
    alone = "that" if len(best) == 1 else "these"
    return (
        best,
        f" And something else: with {alone} alone, {_label(sheet, asked.places()[reached])} would still be another.",
    )


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
