"""Sides that train on texts, in turns. Every turn has batches of its own: a net that sees the same few again and again soon
knows them, and its gradients, and with them its speed, are no longer those of a training.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from bench.timing import rest, seconds
from elman.data.progress import watched


class TextSide(Protocol):
    """Somebody who trains on batches of texts, each a list of text numbers."""

    def draw(self) -> list[list[int]]:
        """The batches of an epoch, shuffled."""

    def tokens_in(self, plan: Iterable[Sequence[int]]) -> int:
        """Tokens in these batches, padding not counted."""

    def train(self, plan: Iterable[Sequence[int]]) -> None:
        """A step on each of these batches."""


def turns(sides: Mapping[str, tuple[TextSide, int]], rounds: int, doing: str) -> dict[str, list[float]]:
    """Seconds a token, by name and round; beside each side stands of how many batches its turn is.

    The first turn of each is not counted. Standard error tells how far `doing` is.
    """
    found: dict[str, list[float]] = {name: [] for name in sides}
    for _ in watched(range(rounds + 1), doing, rounds + 1):
        for name, (side, count) in sides.items():
            plan = spread(side, count)
            rest()
            found[name].append(seconds(partial(side.train, plan), 1) / side.tokens_in(plan))
    return {name: times[1:] for name, times in found.items()}


def spread(side: TextSide, count: int) -> list[list[int]]:
    """So many batches of an epoch, short and long ones as in the whole of it: every n-th in the order of their tokens."""
    plan = sorted(side.draw(), key=lambda key: side.tokens_in([key]))
    count = min(count, len(plan))
    return [plan[int((k + 0.5) * len(plan) / count)] for k in range(count)]
