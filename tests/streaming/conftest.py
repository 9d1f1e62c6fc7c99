"""Cells that other rooms of the tests have written, and each build of the kernels that this processor can run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from elman.engines import fused

folder = str(Path(__file__).parents[1] / "cells")
if folder not in sys.path:
    sys.path.append(folder)


@pytest.fixture(params=fused.instruction_sets() or ["none"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "none":
        pytest.skip("Elman was installed without a C++ compiler")
    monkeypatch.setattr(fused, "INSTRUCTION_SET", request.param)
    return str(request.param)


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)
