"""The main table: recurrent layers, inference and training step, ours beside torch.nn, JAX and ONNX Runtime."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

from rich.table import Table

from bench import jax_peer, modules, onnx_peer
from bench.case import Case, Side, gather
from bench.options import Options
from bench.peak import peak
from bench.timing import alternate, figures
from bench.workloads import CELLS

OURS = ("elman", "elman bf16")
THEIRS = ("torch padded", "torch packed", "torch bf16", "JAX scan", "ONNX Runtime")


def run(options: Options) -> list[dict[str, Any]]:
    rows = []
    for name, workload in options.workloads.items():
        for cell in CELLS:
            case = Case(cell, workload)
            peers = [partial(peer, case, options.threads) for peer in (jax_peer.side, onnx_peer.side)]
            sides = gather([*modules.builders(case), *peers], case, options)
            for training in (False, True):
                rows += _compare(name, case, sides, options, training=training)
    options.console.print(_table(rows, options))
    return rows


def _compare(name: str, case: Case, sides: list[Side], options: Options, *, training: bool) -> list[dict[str, Any]]:
    """A row for each side that is ours; the peak takes its turn like everybody, and is warmed up like everybody."""
    actions = {side.name: action for side in sides if (action := side.action(training=training))}
    peaks: list[float] = []
    turns = {**actions, "peak": lambda: peaks.append(max(peak(options.threads) for _ in range(3)))}
    found = alternate(turns, options.rounds, options.burst)
    operations, best = case.workload.operations(case.cell, training=training), statistics.median(peaks)
    rows = []
    for mine in OURS:
        if mine not in found:
            continue
        others = {other: figures(found[other], found[mine]) for other in THEIRS if other in found}
        gflops = operations / statistics.median(found[mine]) / 1e9
        best_torch = min(f["ratio"] for other, f in others.items() if other in THEIRS[:2])
        rows.append(
            {
                "workload": name,
                "cell": case.cell,
                "pass": "training" if training else "forward",
                "side": mine,
                **figures(found[mine], found[mine]),
                "gflops": gflops,
                "peak_gflops": best,
                "peak_share": gflops / best if best else None,
                "best_torch_ratio": best_torch,
                "best_torch_peak_share": gflops / best_torch / best if best else None,
                "others": others,
            }
        )
    return rows


def _table(rows: list[dict[str, Any]], options: Options) -> Table:
    table = Table(
        title=f"Layers, {options.threads} threads: ms of ours; how many times as long the others take",
        caption="Median of rounds. Shares of the FMA peak in float32, measured in the same rounds: ours, and that of torch's better path. "
        "Where torch has a third of it, nobody is more than three times as fast. bf16 against the others in float32.",
    )
    for heading in ("workload", "cell", "pass", "ms", "GF/s", "of peak (torch)", *THEIRS):
        table.add_column(heading, justify="left" if heading in ("workload", "cell", "pass") else "right")
    for row in rows:
        share, theirs, others = row["peak_share"], row["best_torch_peak_share"], row["others"]
        table.add_row(
            row["workload"],
            row["cell"] + row["side"].removeprefix("elman"),
            row["pass"],
            f"{1e3 * row['seconds']:.3f}",
            f"{row['gflops']:.0f}",
            f"{share:.0%} ({theirs:.0%})" if share else "",
            *(f"{others[name]['ratio']:.2f}" if name in others else "" for name in THEIRS),
        )
    return table
