"""Large cells: whatever an author's Python can express is written so that it can be read again, or refused when it is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from time_limit import within

from elman.cells import Cell, tanh
from elman.equations import cell_from_text, cell_to_text, trace
from elman.errors import CellError


def deep(levels: int) -> Cell:
    class Deep(Cell):
        def step(self, x, h, s):
            v = x.h + h.h
            for _ in range(levels):
                v = tanh(v)
            return {"h": v}

    return Deep()


def wide(terms: int) -> Cell:
    class Wide(Cell):
        def step(self, x, h, s):
            v = x.h + h.h
            for k in range(terms):
                v = v + s.h / (k + 1)
            return {"h": v}

    return Wide()


def doubled(levels: int) -> Cell:
    class Doubled(Cell):
        def step(self, x, h, s):
            v = x.h + h.h
            for _ in range(levels):
                v = v * v
            return {"h": tanh(v)}

    return Doubled()


def many(count: int) -> Cell:
    class Many(Cell):
        def step(self, x, h, s):
            steps = {f"a{k}": tanh(x.h + h.h + k) for k in range(count)}
            return {**steps, "h": sum(steps.values())}

    return Many()


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (deep, 40),
        (deep, 70),
        (deep, 300),
        (wide, 100),
        (wide, 800),
        (wide, 5000),
        (doubled, 5),
        (doubled, 16),
        (many, 200),
        (many, 300),
    ],
)
def test_a_large_cell_is_written_readably_or_refused_at_once(make: Callable[[int], Cell], size: int) -> None:
    """A model that is saved can be loaded."""
    with within(5.0):
        try:
            text = cell_to_text(make(size))
        except CellError:
            return
        assert trace(cell_from_text(text)).assignments == trace(make(size)).assignments
