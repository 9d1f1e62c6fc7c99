"""A look inside a trained model, on one batch: stuck gates, dead units, and what becomes of a gradient on its way back."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor

from elman.data import Batch
from elman.equations.tracing import Trace
from elman.nn import Recurrent
from elman.nn.watching import Step, as_tensor, watch
from elman.training import Task

SEQUENCES = 32
"""Sequences of the batch that are looked at: shares of gates are known to a percent or two from these."""
STEPS = 400
"""Steps that are looked at: a text of 100,000 words would not fit into memory with its graph."""
EDGE = 0.01
"""A sigmoid within this of 0 or 1, a tanh within it of -1 or 1, is saturated: at most 1 or 2 % of a gradient passes."""
STILL = 1e-3
"""A unit whose output stays within this over all steps of all sequences tells nothing."""


class Gate(NamedTuple):
    """One squashed quantity of a layer's cell, over all units, steps and sequences."""

    layer: int
    direction: int
    name: str
    function: str
    """sigmoid or tanh."""
    saturated: float
    """Share of its values at either end."""
    forgets: bool
    """Whether it is the forget gate, which is meant to stand open."""


class Units(NamedTuple):
    """The outputs of a layer in one direction."""

    layer: int
    direction: int
    zero: float
    """Share of the units that are 0 at every step of every sequence (as relu's are, once dead)."""
    still: float
    """Share of the units whose output does not move, those at 0 among them."""


@dataclass(frozen=True)
class Probe:
    """What was found.

    Attributes:
        gates, units: by layer and direction.
        norms: mean norm of dL/dh of the last layer by distance from the step that a direction reads last, 0 first.
        carried: dL/dh at the first step over that at the last step, median over the sequences; None where either is 0 or no sequence has
            two steps.
        steps: between the two, median over the sequences.
    """

    gates: tuple[Gate, ...]
    units: tuple[Units, ...]
    norms: tuple[float, ...]
    carried: float | None
    steps: int


def probe(module: torch.nn.Module, batch: Batch, task: Task) -> Probe | None:
    """Run the first sequences of a batch through the model, without dropout, and watch each step.

    Leaves weights, gradients and the mode as they are. None for a module without recurrent layers in `.recurrent`.
    """
    recurrent = getattr(module, "recurrent", None)
    if not isinstance(recurrent, Recurrent):
        return None
    modes = [part.training for part in module.modules()]
    module.eval()
    try:
        with torch.enable_grad(), watch(recurrent) as watched:
            nats = task.loss(_part(batch), None).nats
        layers = list(_layers(recurrent, watched.steps))
        gradients = [
            _sent_back(nats, recurrent.trace, steps) for layer, _, steps in layers if layer == recurrent.num_layers - 1
        ]
    finally:
        for part, training in zip(module.modules(), modes, strict=True):
            part.training = training
    gates, units = [], []
    for layer, direction, steps in layers:
        gates += [Gate(layer, direction, *found) for found in _gates(recurrent.trace, steps)]
        units.append(Units(layer, direction, *_units(recurrent.trace, steps)))
    norms, carried, count = _along(gradients)
    return Probe(tuple(gates), tuple(units), norms, carried, count)


def _part(batch: Batch) -> Batch:
    """The first sequences and steps; states begin at zero."""
    n, t = SEQUENCES, STEPS
    targets = batch.targets[:n, :t] if batch.targets.dim() == 2 else batch.targets[:n]
    categories = None if batch.categories is None else batch.categories[:n]
    lengths = batch.lengths[:n].clamp(max=t)
    longest = int(lengths.max())
    targets = targets[:, :longest] if targets.dim() == 2 else targets
    return batch._replace(
        inputs=batch.inputs[:n, :longest], targets=targets, lengths=lengths, categories=categories, carry=False
    )


def _layers(recurrent: Recurrent, steps: list[Step]) -> Iterator[tuple[int, int, list[Step]]]:
    """What was watched, by layer and direction, in the order of reading."""
    count = len(steps) // (recurrent.num_layers * recurrent.directions)
    for k in range(recurrent.num_layers * recurrent.directions):
        layer, direction = divmod(k, recurrent.directions)
        yield layer, direction, steps[k * count : (k + 1) * count]


def _gates(t: Trace, steps: list[Step]) -> Iterator[tuple[str, str, float, bool]]:
    for name, expression in t.assignments:
        function = expression.arguments[0] if expression.operation == "call" else None
        if function not in ("sigmoid", "tanh"):
            continue
        values = torch.cat([as_tensor(step[name], step[""]).detach().flatten() for step in steps])
        low = EDGE if function == "sigmoid" else EDGE - 1
        stuck = (values < low) | (values > 1 - EDGE)
        yield name, function, stuck.double().mean().item(), name == t.forget_gate


def _units(t: Trace, steps: list[Step]) -> tuple[float, float]:
    values = torch.cat([as_tensor(step[t.state[0]], step[""]).detach() for step in steps])
    zero = (values == 0).all(0)
    still = values.amax(0) - values.amin(0) < STILL
    return zero.double().mean().item(), still.double().mean().item()


def _sent_back(nats: Tensor, t: Trace, steps: list[Step]) -> list[Tensor]:
    """Norm of dL/dh_t for each running sequence, step after step in the order of reading."""
    states = [step[t.state[0]] for step in steps]
    wanted = [s for s in states if isinstance(s, Tensor) and s.requires_grad]
    found = dict(
        zip(map(id, wanted), torch.autograd.grad(nats, wanted, retain_graph=True, allow_unused=True), strict=True)
    )
    return [_norms(found.get(id(state)), step[""]) for state, step in zip(states, steps, strict=True)]


def _norms(gradient: Tensor | None, like: Tensor) -> Tensor:
    return like.new_zeros(len(like)).double() if gradient is None else gradient.double().norm(dim=-1)


def _along(directions: list[list[Tensor]]) -> tuple[tuple[float, ...], float | None, int]:
    """Means by distance from the last step that is read; the median ratio of first to last; the median number of steps between."""
    by_distance: dict[int, list[float]] = defaultdict(list)
    ratios, spans = [], []
    for norms in directions:
        # Sequence b runs wherever more than b are running: those with the most steps come first.
        sequences: dict[int, list[float]] = defaultdict(list)
        for step in norms:
            for b, norm in enumerate(step.tolist()):
                sequences[b].append(norm)
        for found in sequences.values():
            while found and found[-1] == 0:  # padding, which no loss looks at
                found.pop()
            for distance, norm in enumerate(reversed(found)):
                by_distance[distance].append(norm)
            if len(found) > 1:
                spans.append(len(found) - 1)
                if found[0] > 0 and found[-1] > 0 and math.isfinite(found[0] / found[-1]):
                    ratios.append(found[0] / found[-1])
    means = tuple(sum(by_distance[k]) / len(by_distance[k]) for k in sorted(by_distance))
    return means, median(ratios) if ratios else None, round(median(spans)) if spans else 0
