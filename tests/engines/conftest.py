"""Helpers are shared between the rooms of the tests: make them importable."""

from __future__ import annotations

import sys
from pathlib import Path

for room in ("cells", "engines", "nn"):
    folder = str(Path(__file__).parents[1] / room)
    if folder not in sys.path:
        sys.path.append(folder)
