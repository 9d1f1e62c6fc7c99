"""Every test of this room sees an empty cache, no ELMAN_DATA and no proxy, and can't leave the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from elman.data import downloading, locating

REAL_DATA = os.environ.get("ELMAN_DATA")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    for module in (downloading, locating):
        monkeypatch.setattr(module, "cache_folder", lambda: folder)
    monkeypatch.delenv("ELMAN_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return folder


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    if REAL_DATA is None:
        pytest.skip("needs the real data sets: set ELMAN_DATA to their folder")
    monkeypatch.setenv("ELMAN_DATA", REAL_DATA)
    return Path(REAL_DATA)
