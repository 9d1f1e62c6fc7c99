"""Wrong solutions of all worksheets, and the mistake that should be named for each."""

from __future__ import annotations

import wrong_cells
import wrong_exercises
from wrong_cells import Change

WRONG = wrong_cells.WRONG | wrong_exercises.WRONG
LONGER = wrong_cells.LONGER | wrong_exercises.LONGER
ON_PAPER = {"term-sign", "term-left-out", "bias-at-first-step-only", "carried-on"}
"""Slips of the pen, which have tests of their own."""

__all__ = ["LONGER", "ON_PAPER", "WRONG", "Change"]
