"""Watching a module's calls step by step, with gradients: what each step computed, still in the graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor

from elman.cells.cell import Cell
from elman.nn.recurrent import Recurrent

#: What one step computed by name, and (under "") the state it began with, which tells how many sequences were running.
Step = dict[str, Any]


class Watched(Cell):
    """A cell that keeps what its steps compute.

    Attributes:
        steps: of every call, in the order in which they ran: layer by layer, direction by direction (the second one from the end).
    """

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.steps: list[Step] = []

    def __call__(self, x: Any, h: Any, s: Any, p: Any) -> dict[str, Any]:
        """One step of the cell."""
        computed = self.cell(x, h, s, p)
        self.steps.append({**computed, "": s[self.cell.state[0]]})
        return computed


@contextmanager
def watch(recurrent: Recurrent) -> Iterator[Watched]:
    """While the block runs, every call of the module goes through the loop engine and is kept, graph and all.

    `Recurrent.record` is faster and keeps numbers alone; this is for asking autograd about what lies between.
    """
    cell, engine, used = recurrent.cell, recurrent.engine, recurrent._choice  # noqa: SLF001 - of this room
    watched = Watched(cell)
    recurrent.cell, recurrent.engine = watched, "loop"
    try:
        yield watched
    finally:
        recurrent.cell, recurrent.engine = cell, engine
        recurrent._choice = used  # noqa: SLF001


def as_tensor(value: Tensor | float, like: Tensor) -> Tensor:
    """A quantity of a step as [running sequences, units], also where the step computed one number for all."""
    return value.expand_as(like) if isinstance(value, Tensor) else like.new_full(like.shape, value)
