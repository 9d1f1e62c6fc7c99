"""A cell of one's own: a GRU written anew as equations, beside the GRU that ships with Elman and beside a plain torch loop."""

from __future__ import annotations

import statistics
from functools import partial
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn

import elman.nn
from bench.case import Case, Side, gather
from bench.modules import module_side, ours
from bench.options import Options
from bench.timing import alternate, figures
from elman.cells import Cell, sigmoid, tanh

WORKLOADS = ("tiny", "imdb")


class OwnGRU(Cell):
    """The arithmetic of a GRU, as a user would write it."""

    name = "own-gru"
    gates = ("r", "z", "n")
    state = ("h",)

    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        r = sigmoid(x.r + h.r)
        z = sigmoid(x.z + h.z)
        n = tanh(x.n + r * h.n)
        return {"r": r, "z": z, "n": n, "h": (1 - z) * n + z * s.h}


class PlainLoop(nn.Module):
    """The same in torch: a Python loop over time, with the input's product taken for all steps before it."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(3 * hidden_size, input_size))
        self.weight_hh_l0 = nn.Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.bias_ih_l0 = nn.Parameter(torch.empty(3 * hidden_size))
        self.bias_hh_l0 = nn.Parameter(torch.empty(3 * hidden_size))

    def forward(self, xs: Tensor) -> tuple[Tensor, Tensor]:
        h = xs.new_zeros(xs.shape[1], self.weight_hh_l0.shape[1])
        outputs = []
        for x in nn.functional.linear(xs, self.weight_ih_l0, self.bias_ih_l0):
            xr, xz, xn = x.chunk(3, dim=1)
            hr, hz, hn = nn.functional.linear(h, self.weight_hh_l0, self.bias_hh_l0).chunk(3, dim=1)
            r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
            h = (1 - z) * torch.tanh(xn + r * hn) + z * h
            outputs.append(h)
        return torch.stack(outputs), h


def own(case: Case) -> Side:
    layer = elman.nn.Recurrent(OwnGRU(), case.workload.inputs, case.workload.units)
    return module_side("own cell", layer, case)


def loop(case: Case) -> Side:
    return module_side("torch loop", PlainLoop(case.workload.inputs, case.workload.units), case)


def run(options: Options) -> list[dict[str, Any]]:
    rows = []
    for name in WORKLOADS:
        if name not in options.workloads:
            continue
        case = Case("GRU", options.workloads[name])
        sides = gather([partial(build, case) for build in (ours, own, loop)], case, options)
        for training in (False, True):
            actions = {side.name: action for side in sides if (action := side.action(training=training))}
            found = alternate(actions, options.rounds, options.burst)
            if "own cell" in found:
                others = {other: figures(times, found["own cell"]) for other, times in found.items()}
                rows.append({"workload": name, "pass": "training" if training else "forward", "sides": others})
    options.console.print(_table(rows, options))
    return rows


def _table(rows: list[dict[str, Any]], options: Options) -> Table:
    table = Table(
        title=f"A GRU of one's own, {options.threads} threads: ms; how many times as long the others take",
        caption="built-in near 1: a user's equations run as fast as ours.",
    )
    for heading in ("workload", "pass", "own cell, ms", "built-in GRU", "torch loop"):
        table.add_column(heading, justify="left" if heading in ("workload", "pass") else "right")
    for row in rows:
        sides = row["sides"]
        table.add_row(
            row["workload"],
            row["pass"],
            f"{1e3 * statistics.median(sides['own cell']['rounds']):.3f}",
            *(f"{sides[name]['ratio']:.2f}" if name in sides else "" for name in ("elman", "torch loop")),
        )
    return table
