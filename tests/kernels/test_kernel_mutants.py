"""Deliberate defects in the engine's C++, each of which the harness must see on the cases of the fast tests.

The defects are in defects.txt. One whose text no longer stands in the source fails: it needs another place to be made.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kernel_cases import fast_cases
from kernel_harness import build, edited, run

from elman.engines.fused import instruction_sets

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not instruction_sets(), reason="Elman was installed without a C++ compiler"),
]


def read_defects() -> dict[str, tuple[str, str, str]]:
    found = {}
    for block in (Path(__file__).parent / "defects.txt").read_text().split("\n\n")[1:]:
        name, file, old, new = block.strip("\n").split("\n")
        old, new = (line[2:].replace("\\n", "\n") for line in (old, new))
        found[name] = (file, old, new)
    return found


DEFECTS = read_defects()


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the harness is made of besides the kernels, once for all defects; and that without a defect nothing is seen."""
    folder = tmp_path_factory.mktemp("parts")
    done = run(build(folder, options=["-O0"]), fast_cases())
    assert done.returncode == 0, done.stdout
    return folder


@pytest.mark.parametrize("name", DEFECTS)
def test_defects_are_seen(name: str, parts: Path, tmp_path: Path) -> None:
    file, old, new = DEFECTS[name]
    kernels = edited(tmp_path / "kernels", {file: (old, new)})
    harness = build(tmp_path, kernels, options=["-O0"], parts=parts)
    assert run(harness, fast_cases()).returncode != 0


def test_there_are_many() -> None:
    assert len(DEFECTS) >= 40
