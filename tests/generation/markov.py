"""A model small enough to know everything about: the next symbol depends on the last one alone, by a table."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from elman.data import Vocabulary

ABC = Vocabulary("characters", ("", *"abc"), has_boundary=True)
RUNNING = Vocabulary("characters", ("\n", *"abc"), has_boundary=False)


class Markov:
    """`step` of a first-order model: logits are a row of `table` [V, V]; the state counts what it has read."""

    def __init__(self, table: Tensor) -> None:
        self.table = table
        self.read: list[list[int]] = []

    def __call__(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        assert tokens.dtype == torch.int64
        assert (state is None) == (not self.read), "the state of one step goes into the next"
        self.read.append(tokens.tolist())
        return self.table[tokens], len(self.read)


def chain(*links: tuple[int, int], symbols: int = 4) -> Markov:
    """A model that is sure: after the first of each pair comes the second."""
    table = torch.full((symbols, symbols), -30.0)
    for before, after in links:
        table[before, after] = 30.0
    return Markov(table)


def wide(seed: int = 1, symbols: int = 4) -> Markov:
    """A model that leaves everything possible, each row different."""
    return Markov(torch.randn(symbols, symbols, generator=torch.Generator().manual_seed(seed)))


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
