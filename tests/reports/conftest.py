"""Runs for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_run import make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A whole run that trained names."""
    return make_run(tmp_path / "runs" / "names-quick")
