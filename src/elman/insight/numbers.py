"""Numbers for people: fixed digits, minus signs that line up, vectors and matrices."""

from __future__ import annotations

import numpy as np

from elman.engines.layer import Array


def vector(values: Array, digits: int) -> str:
    """`( 0.462117,  0.462117)`; one row a sequence for a batch."""
    if values.ndim == 1:
        return f"({', '.join(one(v, digits) for v in values)})"
    return "; ".join(vector(row, digits) for row in values)


def matrix(values: Array, digits: int, indent: str) -> str:
    """Rows below each other, or a vector on one line."""
    if values.ndim == 1:
        return vector(values, digits)
    width = max((len(one(v, digits)) for v in values.flat), default=0)
    rows = ["  ".join(one(v, digits).rjust(width) for v in row) for row in values]
    return f"\n{indent}".join(f"[{row}]" for row in rows)


def one(value: float, digits: int) -> str:
    """Fixed digits; whole numbers without a point, tiny ones as powers of ten."""
    if value == int(value) if np.isfinite(value) else False:
        return str(int(value))
    if abs(value) < 10 ** (-digits):
        return f"{value:.2e}"
    return f"{value:.{digits}f}"
