"""How sure a share is that was counted on some texts."""

from __future__ import annotations

import math

Z = 1.959963984540054
"""95 % of a normal distribution lie within so many deviations of its mean."""


def wilson(correct: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share: (k + z²/2 ± z √(k (n - k) / n + z²/4)) / (n + z²). From 0 to 1 where nothing was counted.

    Source: Wilson 1927.
    """
    if not count:
        return 0.0, 1.0
    middle, scale = correct + Z * Z / 2, count + Z * Z
    half = Z * math.sqrt(correct * (count - correct) / count + Z * Z / 4)
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)
