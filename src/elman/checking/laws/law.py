"""A law: a property that every correct recurrent model has, and what comes of asking for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from elman.checking.laws.subject import Subject


@dataclass(frozen=True)
class Holds:
    """The law held in everything that was tried."""

    tried: str


@dataclass(frozen=True)
class Broken:
    """The law does not hold: a sentence that says how, and the smallest example that was found."""

    sentence: str
    example: dict[str, object]


@dataclass(frozen=True)
class NotAsked:
    """The law says nothing about this module, and why."""

    reason: str


Outcome = Holds | Broken | NotAsked


@dataclass(frozen=True)
class Law:
    """A name, what it demands, what usually breaks it, how it is checked, and which laws must hold for it to mean anything."""

    name: str
    demands: str
    usual_cause: str
    check: Callable[[Subject], Outcome]
    needs: tuple[str, ...] = ("repeat",)


def shown(value: Tensor) -> object:
    """A tensor as numbers for people: six significant digits."""
    if value.is_floating_point():
        return [shown(row) for row in value] if value.dim() else float(f"{value.item():.6g}")
    return value.tolist()


def first_difference(subject: Subject, one: Tensor, other: Tensor) -> int:
    """The first step, counted from 1, at which outputs differ."""
    steps = min(len(one), len(other))
    return next((t + 1 for t in range(steps) if not subject.same(one[t], other[t])), steps)
