"""The engine's C++ without Python: builds the harness, with or without sanitizers and defects, and runs it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from elman.engines.fused import instruction_sets

HERE = Path(__file__).parent
KERNELS = HERE.parents[1] / "kernels"
AVX512 = ["-march=x86-64-v4"]
MARCH = {"build_avx512": AVX512, "build_avx2": ["-march=x86-64-v3"], "build_portable": []}
#: What goes with the build for AVX-512 only.
PAIRS = {"pairs_avx512bf16": [*AVX512, "-mavx512bf16"], "pairs_amx": [*AVX512, "-mamx-tile", "-mamx-bf16"]}
QUIET = ["-w", "-std=c++20", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
ADDRESS = (
    *("-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-include", "sanitizer/asan_interface.h"),
    "-fno-sanitize=null",  # AddressSanitizer sees those, and this one doubles what there is to compile
)
THREAD = ("-g1", "-fsanitize=thread")

# A stretch of poisoned memory behind every piece of the workspace: without it, one piece may run over into the next unseen.
GUARDS = {
    "layout.hpp": (
        "        used += count * int64_t(sizeof(T));\n",
        """        used += count * int64_t(sizeof(T));
        if (base) __asan_poison_memory_region(base + used, 64);
        used += 64;
""",
    ),
    "memory.hpp": (
        "            std::tie(data_, bytes_) = pieces[best];\n",
        "            std::tie(data_, bytes_) = pieces[best];\n            __asan_unpoison_memory_region(data_, bytes_);\n",
    ),
}


def compiler() -> str:
    """GCC, whose OpenMP calls `team.cpp` stands in for."""
    found = os.environ.get("CXX") or shutil.which("g++") or "c++"
    version = (
        subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        if shutil.which(found)
        else None
    )
    if version is None or "Free Software Foundation" not in version.stdout:
        pytest.skip("the harness is built with GCC")
    return found


def edited(folder: Path, edits: Mapping[str, tuple[str, str]]) -> Path:
    """A copy of the kernels in which each file's one stretch of text is replaced by another."""
    shutil.copytree(KERNELS, folder)
    for name, (old, new) in edits.items():
        text = (folder / name).read_text()
        if text.count(old) != 1:
            pytest.fail(
                f"kernels/{name} has {text.count(old)} times, not once: {old.strip()!r}; this edit needs a look"
            )
        (folder / name).write_text(text.replace(old, new))
    return folder


def build(
    folder: Path, kernels: Path = KERNELS, *, builds: Iterable[str] = (), options: Iterable[str] = (), parts: Path | None = None,
    special_pairs: bool = False,
) -> Path:  # fmt: skip
    """The harness with some builds of the kernels (the fastest that runs here, if none are given).

    `parts`: a folder of object files made with the same options, of which those that don't depend on the kernels are used again.
    """
    builds, options = list(builds) or list(instruction_sets()[:1]), list(options)
    folder.mkdir(parents=True, exist_ok=True)
    kept = parts or folder
    sources = {f"build_{name}": MARCH[f"build_{name}"] for name in builds} | (PAIRS if special_pairs else {})
    jobs = [(folder, kernels / f"{name}.cpp", march) for name, march in sources.items()]
    defined = ["-DKERNELS_LIST=" + ", ".join(f"kernels_{name}" for name in builds)] + [
        "-DSPECIAL_PAIRS"
    ] * special_pairs
    jobs += [(kept, HERE / "team.cpp", []), (kept, HERE / "harness.cpp", defined)]
    objects = []
    for place, source, more in jobs:
        objects.append(place / f"{source.stem}.o")
        # Undefined behaviour is looked for in the kernels; in the harness it would cost a third of the time.
        chosen = [o if source.parent == kernels else o.replace(",undefined", "") for o in options]
        command = [compiler(), *QUIET, *chosen, *more, "-fopenmp", f"-I{kernels}", "-c", str(source)]
        if place is folder or not objects[-1].exists():
            _run([*command, "-o", str(objects[-1])])
    _run([compiler(), *options, *map(str, objects), "-pthread", "-o", str(folder / "harness")])
    return folder / "harness"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and any(
        f"cannot find {name}" in done.stderr
        for name in ("libasan", "libtsan", "libubsan", "-lasan", "-ltsan", "-lubsan")
    ):
        pytest.skip("this compiler has no sanitizers")
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr[-3000:]}"


def run(harness: Path, description: str, seconds: int = 600, *, emulator: str = "") -> subprocess.CompletedProcess[str]:
    # GCC's stack for use after return is aligned for smaller vectors than ours.
    options = {
        "ASAN_OPTIONS": "detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": "halt_on_error=1",
    }
    # Address randomisation of some kernels is more than GCC 12's ThreadSanitizer can bear.
    before = [emulator] if emulator else ["setarch", "-R"] if shutil.which("setarch") else []
    return subprocess.run(
        [*before, str(harness)],
        input=description,
        capture_output=True,
        text=True,
        env={**os.environ, **options},
        timeout=seconds,
        check=False,
    )
