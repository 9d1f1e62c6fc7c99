"""Layers against torch.nn: forward and training step, through `elman.nn` as a user calls it.

Both sides run in one process and take turns; the ratio is the median over rounds of torch's time by ours, so that a neighbour who
takes a core slows both. `make bench` prints a table; `--json FILE` keeps the figures.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import elman.nn
from elman.engines.fused import instruction_sets


class Workload(NamedTuple):
    batch: int
    steps: int
    inputs: int
    units: int
    layers: int = 1
    ragged: bool = False


WORKLOADS = {
    "tiny": Workload(32, 16, 64, 128),
    "charrnn": Workload(50, 50, 65, 128, layers=2),
    "imdb": Workload(64, 256, 128, 256),
    "charrnn512": Workload(50, 50, 65, 512),
    "names": Workload(1, 8, 59, 128),
    "ragged": Workload(64, 256, 128, 256, ragged=True),
}
CELLS = {"RNN": 1, "GRU": 3, "LSTM": 4}  # gates, for counting operations


def lengths(w: Workload) -> torch.Tensor:
    """Log-normal lengths with a mean of about 176 of 256 steps."""
    drawn = torch.empty(w.batch).log_normal_(5.2, 0.55, generator=torch.Generator().manual_seed(1))
    return drawn.clamp(8, w.steps).long()


def sides(cell: str, w: Workload, *, training: bool) -> tuple[Callable[[], Any], Callable[[], Any]]:
    """torch's call and ours on the same weights and input. Ragged: torch's packed path, which right last states need."""
    theirs = getattr(nn, cell)(w.inputs, w.units, w.layers)
    ours = getattr(elman.nn, cell)(w.inputs, w.units, w.layers)
    ours.load_state_dict(theirs.state_dict())
    xs: Any = torch.randn(w.steps, w.batch, w.inputs, generator=torch.Generator().manual_seed(0))
    if w.ragged:
        xs = pack_padded_sequence(xs, lengths(w), enforce_sorted=False)

    def call(module: nn.Module) -> Callable[[], Any]:
        def forward() -> Any:
            with torch.no_grad():
                return module(xs)

        def step() -> None:
            module.zero_grad()
            output = module(xs)[0]
            (output.data if w.ragged else output).sum().backward()

        return step if training else forward

    return call(theirs), call(ours)


def seconds(action: Callable[[], Any], times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - began) / times


def compare(cell: str, w: Workload, *, training: bool, rounds: int) -> dict[str, float]:
    theirs, ours = sides(cell, w, training=training)
    once = max(seconds(ours, 1) for _ in range(2))
    theirs()
    times = max(1, min(200, int(0.1 / once)))
    pairs = [(seconds(theirs, max(1, times // 2)), seconds(ours, times)) for _ in range(rounds)]
    rows = int(lengths(w).sum()) if w.ragged else w.batch * w.steps
    operations = (
        2 * rows * CELLS[cell] * w.units * (w.inputs + w.units + (w.layers - 1) * 2 * w.units) * (3 if training else 1)
    )
    mine = statistics.median(o for _, o in pairs)
    return {
        "ratio": statistics.median(t / o for t, o in pairs),
        "milliseconds": 1e3 * mine,
        "gflops": operations / mine / 1e9,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", choices=WORKLOADS, action="append")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    table = Table(
        title=f"elman.nn against torch.nn {torch.__version__}, {options.threads} threads, {instruction_sets() or 'no kernels'}"
    )
    for heading in ("workload", "cell", "forward", "ms", "GF/s", "training", "ms", "GF/s"):
        table.add_column(heading, justify="left" if heading in ("workload", "cell") else "right")
    results = []
    for name in options.only or WORKLOADS:
        for cell in CELLS:
            forward, training = (
                compare(cell, WORKLOADS[name], training=t, rounds=options.rounds) for t in (False, True)
            )
            results.append({"workload": name, "cell": cell, "forward": forward, "training": training})
            figures = [
                f"{f['ratio']:.2f}x|{f['milliseconds']:.3f}|{f['gflops']:.0f}".split("|") for f in (forward, training)
            ]
            table.add_row(name, cell, *figures[0], *figures[1])
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
