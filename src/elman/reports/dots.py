"""Curves in the terminal: eight dots to a sign (Unicode braille), so that a line looks like one."""

from __future__ import annotations

import math
from collections.abc import Sequence

BLANK = 0x2800
BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot, by row and column of a sign."""


class Dots:
    """A canvas of `width` x `height` signs, four times as many dots high and twice as many wide."""

    def __init__(self, width: int, height: int) -> None:
        self.signs = [[BLANK] * width for _ in range(height)]
        self.width, self.height = 2 * width, 4 * height

    def dot(self, x: int, y: int) -> None:
        """Set the dot x from the left and y from the top; outside of the canvas there is none."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self.signs[y // 4][x // 2] |= BITS[y % 4][x % 2]

    def line(self, x0: int, y0: int, x1: int, y1: int) -> None:
        """A straight line of dots without gaps."""
        count = max(abs(x1 - x0), abs(y1 - y0), 1)
        for k in range(count + 1):
            self.dot(round(x0 + (x1 - x0) * k / count), round(y0 + (y1 - y0) * k / count))

    def rows(self) -> list[str]:
        """The signs, line by line."""
        return ["".join(map(chr, row)) for row in self.signs]


def curve(xs: Sequence[float], ys: Sequence[float], width: int, height: int, top: float, bottom: float) -> list[str]:
    """A line through the points, as `height` rows of `width` signs; what is above `top` or below `bottom` is drawn at the edge.

    Points that are not finite are left out.
    """
    canvas = Dots(width, height)
    points = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if not points:
        return canvas.rows()
    left, span = points[0][0], (points[-1][0] - points[0][0]) or 1.0
    scale = (top - bottom) or 1.0
    placed = [
        (round((x - left) / span * (canvas.width - 1)), round((top - min(max(y, bottom), top)) / scale * (canvas.height - 1)))
        for x, y in points
    ]  # fmt: skip
    for (x0, y0), (x1, y1) in zip(placed, placed[1:] or placed, strict=False):
        canvas.line(x0, y0, x1, y1)
    return canvas.rows()
