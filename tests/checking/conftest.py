"""What all tests of checking share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    """The same random numbers for modules that draw their own weights, and none left over."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
