"""The loop engine: a cell's own step in a plain loop over time. Any cell, any device, any dtype, gradients by autograd.

The reference that every faster engine is checked against.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import linear

from elman.cells.cell import Cell, Names
from elman.engines.layout import LayerCall, LayerResult
from elman.equations.tracing import Trace


def run(cell: Cell, trace: Trace, call: LayerCall) -> LayerResult:
    """Run one layer; see `LayerCall` for shapes."""
    results = [_direction(cell, trace, call, d) for d in range(len(call.directions))]
    rows = torch.cat([r for r, _ in results], -1)
    finals = tuple(torch.stack([states[k] for _, states in results]) for k in range(len(trace.state)))
    return LayerResult(rows, finals)


def _direction(cell: Cell, trace: Trace, call: LayerCall, d: int) -> tuple[Tensor, list[Tensor]]:
    """One direction; the second one (d = 1) reads each sequence from its own end."""
    step = _Step(cell, trace, call.directions[d])
    initial = [s[d] for s in call.state]
    starts = [0]
    for size in call.batch_sizes:
        starts.append(starts[-1] + size)
    x_rows = step.input_maps(call.rows)
    outputs: dict[int, Tensor] = {}
    finished: list[list[Tensor]] = []
    order = range(len(call.batch_sizes))
    running = call.batch_sizes[0 if d == 0 else -1] if call.batch_sizes else initial[0].shape[0]
    state = [s[:running] for s in initial]
    for t in order if d == 0 else reversed(order):
        size = call.batch_sizes[t]
        if size < running:  # forward: some sequences have ended; their states are final
            finished.append([s[size:] for s in state])
            state = [s[:size] for s in state]
        elif size > running:  # backward: longer sequences were running, shorter ones join at their own end
            state = [torch.cat([s, i[running:size]]) for s, i in zip(state, initial, strict=True)]
        running = size
        state = step(x_rows[starts[t] : starts[t + 1]], state)
        outputs[t] = state[0]
    finals = [torch.cat([s, *(f[k] for f in reversed(finished))]) for k, s in enumerate(state)]
    rows = torch.cat([outputs[t] for t in order]) if outputs else call.rows.new_zeros(0, initial[0].shape[-1])
    return rows, finals


class _Step:
    """One step of a cell over torch tensors, with the affine maps of its gates."""

    def __init__(self, cell: Cell, trace: Trace, weights: Mapping[str, Tensor]) -> None:
        self.cell = cell
        self.trace = trace
        self.weights = weights
        self.p = Names(
            "p",
            dict(zip(trace.vectors, weights["weight_p"].chunk(len(trace.vectors)), strict=True))
            if trace.vectors
            else {},
        )
        self.blocks = {k: self._block(k) for k in trace.h_gates}
        self.recurrent = self._recurrent()

    def _recurrent(self) -> tuple[Tensor | None, Tensor | None]:
        """The map of the gates that act on the previous output, as one matrix and one bias."""
        if self.trace.plain_gates == self.trace.h_gates:
            return self.weights.get("weight_hh"), self.weights.get("bias_hh")
        if not self.trace.plain_gates:
            return None, None
        weights, biases = zip(*(self.blocks[k] for k in self.trace.plain_gates), strict=True)
        return torch.cat(weights), None if biases[0] is None else torch.cat(biases)

    def _block(self, gate: str) -> tuple[Tensor, Tensor | None]:
        at, count = self.trace.h_gates.index(gate), len(self.trace.h_gates)
        bias = self.weights.get("bias_hh")
        return self.weights["weight_hh"].chunk(count)[at], None if bias is None else bias.chunk(count)[at]

    def input_maps(self, rows: Tensor) -> Tensor:
        """W_ih x + b_ih of all steps in one product."""
        if not self.trace.x_gates:
            return rows
        return linear(rows, self.weights["weight_ih"], self.weights.get("bias_ih"))

    def __call__(self, x_row: Tensor, state: list[Tensor]) -> list[Tensor]:
        t = self.trace
        x = Names("x", dict(zip(t.x_gates, x_row.chunk(len(t.x_gates), -1), strict=True)) if t.x_gates else {})
        h = _Recurrent(self, state[0])
        s = Names("s", dict(zip(t.state, state, strict=True)))
        computed = self.cell(x, h, s, self.p)
        return [_full(computed[k], state[0]) for k in t.state]


class _Recurrent(Names):
    """`h.k`, computed at once for all gates that use the previous output; `h(v).k` for a product in mid-step."""

    def __init__(self, step: _Step, output: Tensor) -> None:
        values: dict[str, Tensor] = {}
        weight, bias = step.recurrent
        if weight is not None:
            gates = step.trace.plain_gates
            values = dict(zip(gates, linear(output, weight, bias).chunk(len(gates), -1), strict=True))
        super().__init__("h", values)
        self.__step = step

    def __call__(self, vector: Tensor) -> Names:
        step = self.__step
        return Names("h(...)", {k: linear(vector, *step.blocks[k]) for k in step.trace.mid_gates})


def _full(value: Tensor | float, like: Tensor) -> Tensor:
    """A state as a tensor of its own shape, also where the step computed a constant."""
    return value.expand_as(like) if isinstance(value, Tensor) else torch.full_like(like, value)
