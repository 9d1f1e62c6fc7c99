"""Memory of training: how far the resident memory of a process grows over what it had before its first step.

Each side runs in a process of its own, `python -m bench.memory SIDE CELL ...`, because memory that one side freed would serve the next.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from bench import modules
from bench.case import Case
from bench.options import Options
from bench.workloads import CELLS, Workload

SIDES: dict[str, Callable[[Case], Any]] = {"elman": modules.ours, "torch": modules.padded}
NAME = "imdb"
STEPS = 3
ROOT = Path(__file__).parent.parent
MIB = 2**20


def run(options: Options) -> list[dict[str, Any]]:
    if NAME not in options.workloads:
        return []
    rows = []
    for cell in CELLS:
        row: dict[str, Any] = {"workload": NAME, "cell": cell}
        for side in SIDES:
            row[side] = _in_a_process(side, cell, options.workloads[NAME], options.threads)
        rows.append(row)
    table = Table(title=f"Memory of a training step at {NAME}: growth of the resident peak, MiB")
    for heading in ("cell", *SIDES, "torch / elman"):
        table.add_column(heading, justify="left" if heading == "cell" else "right")
    for row in rows:
        share = row["torch"] / row["elman"] if row["elman"] else float("nan")
        table.add_row(row["cell"], *(f"{row[side] / MIB:.0f}" for side in SIDES), f"{share:.2f}")
    options.console.print(table)
    return rows


def _in_a_process(side: str, cell: str, workload: Workload, threads: int) -> int:
    command = [sys.executable, "-m", "bench.memory", side, cell, str(threads), json.dumps(workload)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout)


def growth(side: str, case: Case) -> int:
    """Bytes. A step of a small case comes first: what a library loads with its first call is not memory of the training."""
    small = SIDES[side](Case(case.cell, case.workload.shrunk()))
    small.step()
    made = SIDES[side](case)
    before = _forget_peak()
    for _ in range(STEPS):
        made.step()
    return _peak() - before


STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def _forget_peak() -> int:
    """Let the peak start from what is resident now, which is returned; where Linux has no say, the peak so far."""
    if not FORGET.exists():
        return _peak()
    FORGET.write_text("5")
    return _status("VmRSS")


def _peak() -> int:
    if STATUS.exists():
        return _status("VmHWM")
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(key: str) -> int:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    _side, _cell, _threads, _sizes = sys.argv[1:]
    torch.set_num_threads(int(_threads))
    print(growth(_side, Case(_cell, Workload(*json.loads(_sizes)))))
