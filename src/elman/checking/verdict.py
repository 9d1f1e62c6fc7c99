"""What a check says: findings, one for each question or law, each with the numbers side by side and a next step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Outcome = Literal["right", "wrong", "not judged", "not asked"]
MOST_SHOWN = 8
"""Numbers of an array that are shown; `to_json` has all."""


@dataclass(frozen=True)
class Finding:
    """One question of a worksheet, or one law.

    Attributes:
        name: the question or the law.
        outcome: "right", "wrong", "not judged" (something else came first), or "not asked" (it means nothing here).
        sentence: what was found, in plain words.
        expected: the numbers that are right, where numbers tell something; any shape.
        got: the numbers that came instead, of the same shape where they have one.
        hint: a next step that does not give the answer away.
        example: the smallest case that shows it.
        mistakes: names of known mistakes that explain it (`elman.checking.mistakes`).
        points: what the question is worth.
    """

    name: str
    outcome: Outcome
    sentence: str = ""
    expected: Any = field(default=None, compare=False)
    got: Any = field(default=None, compare=False)
    hint: str = ""
    example: str = ""
    mistakes: tuple[str, ...] = ()
    points: float = 1.0

    @property
    def earned(self) -> float:
        """Its points if it is right, else none."""
        return self.points if self.outcome == "right" else 0.0

    def lines(self) -> list[str]:
        """For a terminal."""
        mark = {"right": "right", "wrong": "WRONG", "not judged": "  -  ", "not asked": "  -  "}[self.outcome]
        lines = [f"  {mark}  {self.name}"]
        if self.sentence:
            lines.append(f"         {self.sentence}")
        if self.expected is not None:
            lines.append(f"         expected  {numbers(self.expected)}")
        if self.got is not None:
            lines.append(f"         got       {numbers(self.got)}")
        if self.example:
            lines.append(f"         example   {self.example}")
        if self.hint:
            lines.append(f"         next: {self.hint}")
        return lines

    def to_json(self) -> dict[str, Any]:
        """Plain values; a number that is not finite is null."""
        return {
            "name": self.name, "outcome": self.outcome, "sentence": self.sentence, "hint": self.hint,
            "example": self.example,
            "expected": _plain(self.expected), "got": _plain(self.got), "mistakes": list(self.mistakes),
            "points": self.points, "earned": self.earned,
        }  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What a check of one file or one model found.

    Attributes:
        subject: what was checked, and against what, "vanilla_rnn.py, worksheet vanilla-rnn".
        findings: in the order of the questions.
        notes: what is worth knowing and changes no outcome.
        worksheet: its name, for a worksheet.
    """

    subject: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    worksheet: str = ""

    @property
    def right(self) -> bool:
        """Everything that was asked is right; nothing wrong, nothing left out."""
        return bool(self.asked) and all(f.outcome == "right" for f in self.asked)

    @property
    def asked(self) -> tuple[Finding, ...]:
        """The findings on what means something here."""
        return tuple(f for f in self.findings if f.outcome != "not asked")

    @property
    def points(self) -> tuple[float, float]:
        """Earned, and possible."""
        return sum(f.earned for f in self.asked), sum(f.points for f in self.asked)

    @property
    def mistakes(self) -> tuple[str, ...]:
        """The known mistakes that were recognised, each once."""
        return tuple(dict.fromkeys(name for f in self.findings for name in f.mistakes))

    @property
    def text(self) -> str:
        """For a terminal."""
        count = sum(f.outcome == "right" for f in self.findings)
        lines = [f"{self.subject}: {count} of {len(self.asked)} right", ""]
        for finding in self.findings:
            lines += finding.lines()
        if self.notes:
            lines += ["", *(f"  note: {note}" for note in self.notes)]
        return "\n".join(lines) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Plain values, for programs."""
        earned, possible = self.points
        return {
            "subject": self.subject, "worksheet": self.worksheet, "right": self.right, "earned": earned, "points": possible,
            "mistakes": list(self.mistakes), "findings": [f.to_json() for f in self.findings], "notes": list(self.notes),
        }  # fmt: skip


def numbers(value: Any) -> str:
    """Numbers in one line, the first few of many."""
    if isinstance(value, str):
        return value
    array = np.asarray(value, dtype=np.float64)
    flat = array.ravel()
    shown = "  ".join(f"{v:.6g}" for v in flat[:MOST_SHOWN])
    shape = f"   of shape {list(array.shape)}" if array.ndim > 1 else ""
    return f"{shown}{'  ...' if flat.size > MOST_SHOWN else ''}{shape}"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    array = np.asarray(value, dtype=np.float64)
    return _finite(array.tolist())


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return value if np.isfinite(value) else None
