"""The engine's C++ on its own: against a plain reference, and under the sanitizers, with buffers that end where their numbers end."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from kernel_cases import TRACES, fast_cases, grid_cases, random_cases
from kernel_harness import ADDRESS, GUARDS, THREAD, build, edited, run

from elman.engines.fused import instruction_sets

pytestmark = pytest.mark.skipif(not instruction_sets(), reason="Elman was installed without a C++ compiler")


def check(harness: Path, description: str, *, emulator: str = "") -> int:
    """How many cases there were, all of them right."""
    done = run(harness, description, emulator=emulator)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[:4000]
    cases, problems = re.search(r"(\d+) cases, \d+ runs, (\d+) problems", done.stdout).groups()
    assert problems == "0"
    return int(cases)


def special() -> bool:
    return "avx512" in instruction_sets()


def test_every_cell_under_the_address_and_undefined_behaviour_sanitizers(tmp_path: Path) -> None:
    """On the fastest build; what is deliberately broken in test_kernel_mutants.py must be seen by these cases."""
    kernels = edited(tmp_path / "kernels", GUARDS)
    assert check(build(tmp_path, kernels, options=["-O0", *ADDRESS]), fast_cases()) >= 4 * len(TRACES)


@pytest.mark.slow
def test_every_cell_on_every_build(tmp_path: Path) -> None:
    harness = build(tmp_path, builds=instruction_sets(), options=["-O0"], special_pairs=special())
    check(harness, fast_cases())


@pytest.mark.slow
def test_every_cell_on_arm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other vectors, other registers, another memory order: Debian's g++-aarch64-linux-gnu and qemu-user-static."""
    cross, emulator = "aarch64-linux-gnu-g++", "qemu-aarch64-static"
    if not (shutil.which(cross) and shutil.which(emulator)):
        pytest.skip(f"needs {cross} and {emulator}")
    monkeypatch.setenv("CXX", cross)
    check(build(tmp_path, builds=["portable"], options=["-O1", "-static"]), fast_cases(), emulator=emulator)


@pytest.mark.slow
def test_the_guards_in_the_workspace_see_a_number_too_many(tmp_path: Path) -> None:
    """One row more than a tile has: into the workspace's next piece, where no allocation ends."""
    line = "        for (int64_t r = 0; r < l.most_rows; ++r) copy(vectors + (v * l.most_rows + r) * P, packed.vectors + v * P, P);\n"
    kernels = edited(tmp_path / "kernels", {**GUARDS, "forward.hpp": (line, line.replace("r < l", "r <= l"))})
    done = run(build(tmp_path, kernels, options=["-O0", *ADDRESS]), fast_cases())
    assert "use-after-poison" in done.stderr
    assert done.returncode


@pytest.mark.slow
@pytest.mark.parametrize("name", instruction_sets())
def test_the_grid_and_random_shapes_under_the_sanitizers(name: str, tmp_path: Path) -> None:
    kernels = edited(tmp_path / "kernels", GUARDS)
    harness = build(tmp_path, kernels, builds=[name], options=["-O1", *ADDRESS], special_pairs=name == "avx512")
    assert check(harness, grid_cases()) >= 800
    assert check(harness, random_cases(400, seed=5)) == 400


@pytest.mark.slow
def test_threads_under_the_thread_sanitizer(tmp_path: Path) -> None:
    harness = build(tmp_path, options=["-O1", *THREAD], special_pairs=False)
    check(harness, fast_cases())
    check(harness, random_cases(150, seed=6))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_many_random_shapes(seed: int, tmp_path: Path) -> None:
    harness = build(tmp_path, builds=instruction_sets(), options=["-O1"], special_pairs=special())
    assert check(harness, random_cases(500, seed=100 + seed)) == 500


@pytest.mark.slow
def test_places_that_move_from_stretch_to_stretch_are_seen_by_the_thread_sanitizer(tmp_path: Path) -> None:
    """Parts wait for no other, so one part's places in a stretch must not be another's in the next."""
    own = "int64_t place = part * each;"
    moving = "int64_t place = 0; for (int t = first[number]; t < first[number + 1]; ++t) place += part * l.rows(t, 0);"
    kernels = edited(tmp_path / "kernels", {"stretch.hpp": (own, moving)})
    done = run(build(tmp_path, kernels, options=["-O1", *THREAD]), fast_cases())
    assert "data race" in done.stderr
    assert done.returncode


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "meeting"),
    [
        ("team.hpp", "#pragma omp barrier\n"),
        ("forward.hpp", "            crew.meet();\n            for (int k"),
        ("backward.hpp", "            crew.meet();  // a panel of"),
        ("backward.hpp", "                part.crew.meet();  // the next stretch"),
        ("backward.hpp", "            if (b.dx && (b.tokens || both)) wait_for_team(members);"),
    ],
)
def test_without_a_barrier_the_thread_sanitizer_sees_it(file: str, meeting: str, tmp_path: Path) -> None:
    without = meeting.replace("crew.meet();", "").replace("part.", "").replace("wait_for_team(members)", "(void)0")
    kernels = edited(tmp_path / "kernels", {file: (meeting, without if without != meeting else "")})
    done = run(build(tmp_path, kernels, options=["-O1", *THREAD]), fast_cases())
    assert "data race" in done.stderr
    assert done.returncode
