"""`python -m bench`: what `make bench` runs. Tables in the terminal, every round in a JSON file.

Sides take turns in one process; ratios are medians over rounds. Threads: torch and Elman share one pool and get --threads; ONNX
Runtime and JAX have pools of their own and are told the same number.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from bench import peak
from bench.options import Options
from bench.workloads import WORKLOADS
from elman.engines.fused import instruction_sets

PARTS = ("layers", "custom_cell", "streaming", "padding", "memory")
LONG = ("names_tutorial", "shakespeare", "imdb_practical")  # minutes of training; only where they are asked for
WIDTH = 132


def main(arguments: Sequence[str] | None = None) -> int:
    """0; 1 if somebody's numbers were not ours."""
    given = _parser().parse_args(arguments)
    torch.set_flush_denormal(given.flush_denormals)  # threads that are made later take it over from this one
    torch.set_num_threads(given.threads)
    asked = given.only or []
    parts = [part for part in (*PARTS, *LONG) if part in asked] or list(PARTS)
    names = [name for name in WORKLOADS if name in asked] or list(WORKLOADS)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    workloads = {name: WORKLOADS[name].shrunk() if given.small else WORKLOADS[name] for name in names}
    options = Options(
        given.threads, given.rounds, given.small, given.minutes, given.epochs, given.seeds, given.flush_denormals,
        workloads, console,
    )  # fmt: skip
    environment, peaks = _environment(given.threads), peak.peaks(given.threads)
    console.print(peak.sentence(peaks), markup=False)
    results: dict[str, Any] = {}
    for part in parts:
        if find_spec(f"bench.{part}") is None:
            options.note(f"Left out: {part}, which is not here")
            continue
        results[part] = import_module(f"bench.{part}").run(options)
    if given.json:
        kept = {
            "environment": environment,
            "peaks": peaks,
            "small": given.small,
            "flush_denormals": given.flush_denormals,
            "results": results,
            "notes": options.notes,
        }
        given.json.write_text(json.dumps(kept, indent=1) + "\n")
    return int(options.failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=(*PARTS, *LONG, *WORKLOADS), help="a part or a workload; may be given again"
    )
    parser.add_argument("--rounds", type=_positive, default=7)
    parser.add_argument("--threads", type=_positive, default=torch.get_num_threads())
    parser.add_argument("--minutes", type=float, default=3.0, help="time limit of shakespeare")
    parser.add_argument(
        "--epochs",
        type=_positive,
        default=0,
        help="imdb_practical: whole trainings, with test accuracy after each epoch",
    )
    parser.add_argument("--seeds", type=_positive, default=1, help="how many seeds --epochs trains with: 1, 2, ...")
    parser.add_argument(
        "--flush-denormals", action="store_true", help="torch takes denormal numbers for 0, which few scripts ask for"
    )
    parser.add_argument("--json", type=Path, help="a file for every figure")
    parser.add_argument("--small", action="store_true", help="a rehearsal in seconds: every row, no meaningful figure")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("1 or more")
    return number


def _environment(threads: int) -> dict[str, Any]:
    """What the figures depend on, and how busy the machine was before them."""
    versions: dict[str, str | None] = {}
    for package in ("elman", "torch", "numpy", "jax", "onnxruntime"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "python": platform.python_version(),
        "versions": versions,
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "threads": threads,
        "instruction_sets": list(instruction_sets()),
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    sys.exit(main())
