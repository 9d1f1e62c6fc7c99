"""One thing to compute, and the sides that compute it: same weights, same input, same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from bench.options import Options
from bench.workloads import Workload


@dataclass(frozen=True)
class Case:
    """A cell on a workload. Letters: T steps, B sequences, I inputs, H units, D directions."""

    cell: str
    workload: Workload

    @property
    def sizes(self) -> dict[str, Any]:
        """Arguments of torch.nn's constructors, which ours share."""
        w = self.workload
        return {
            "input_size": w.inputs,
            "hidden_size": w.units,
            "num_layers": w.layers,
            "bidirectional": w.bidirectional,
        }

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """All different, by torch.nn's names: constants would hide gates in the wrong order."""
        generator = torch.Generator().manual_seed(2)
        bound = self.workload.units**-0.5
        drawn = getattr(nn, self.cell)(**self.sizes).state_dict()
        return {name: w.uniform_(-bound, bound, generator=generator) for name, w in drawn.items()}

    @cached_property
    def lengths(self) -> Tensor:
        return self.workload.lengths()

    @cached_property
    def mask(self) -> Tensor:
        """[T, B, 1]: 1 where a sequence has not ended."""
        return (torch.arange(self.workload.steps)[:, None] < self.lengths).float()[:, :, None]

    @cached_property
    def xs(self) -> Tensor:
        """[T, B, I], zeros behind the end of a sequence."""
        w = self.workload
        return torch.randn(w.steps, w.batch, w.inputs, generator=torch.Generator().manual_seed(0)) * self.mask

    @cached_property
    def cotangent(self) -> Tensor:
        """[T, B, D * H]: the gradient that a training step starts from."""
        w = self.workload
        shape = (w.steps, w.batch, w.directions * w.units)
        return torch.randn(shape, generator=torch.Generator().manual_seed(3)) * self.mask


@dataclass(frozen=True)
class Side:
    """Somebody who computes a case.

    Attributes:
        name: heading of its column.
        forward: inference; what is timed.
        step: forward and backward; None where there is no training.
        output: of `forward`, as [T, B, D * H]; behind the end of a sequence anything.
        gradients: of `step`, by torch.nn's names.
        tolerance: how far numbers may be away from torch.nn's in float32, relative in the Frobenius norm.
    """

    name: str
    forward: Callable[[], Any]
    step: Callable[[], Any] | None
    output: Callable[[], Tensor]
    gradients: Callable[[], Mapping[str, Tensor]]
    tolerance: float = 1e-4

    def action(self, *, training: bool) -> Callable[[], Any] | None:
        return self.step if training else self.forward


class LeftOutError(Exception):
    """A side can't take part; the message says why."""


def gather(builders: Iterable[Callable[[], Side | None]], case: Case, options: Options) -> list[Side]:
    """Those sides that are there and agree with the first one. What is left out is said; a disagreement fails the run."""
    sides: list[Side] = []
    for build in builders:
        try:
            side = build()
        except LeftOutError as reason:
            options.note(f"Left out: {reason}")
            continue
        if side is None:
            continue
        distance = apart(case, sides[0] if sides else side, side)
        if distance <= side.tolerance:
            sides.append(side)
        else:
            options.fail(
                f"NOT TIMED: {side.name} on {case.cell} {tuple(case.workload)} computes other numbers, {distance:.1e} apart"
            )
    return sides


def apart(case: Case, reference: Side, other: Side) -> float:
    """The largest relative distance of outputs and gradients."""
    pairs = [(reference.output() * case.mask, other.output() * case.mask)]
    if other.step is not None and reference.step is not None:
        wanted, found = reference.gradients(), other.gradients()
        pairs += [(wanted[name], found[name]) for name in wanted]
    return max(float((b.double() - a.double()).norm() / a.double().norm().clamp(min=1e-12)) for a, b in pairs)
