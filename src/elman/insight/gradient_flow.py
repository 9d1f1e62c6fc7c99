"""How far back a gradient reaches: the norm of dL/dh_t over the steps of one sequence, measured for cells and starts side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from elman.errors import InputError
from elman.nn import Recurrent, initialise
from elman.nn.watching import watch
from elman.randomness import named_generator


@dataclass(frozen=True)
class Case:
    """A cell and how it starts.

    Attributes:
        title: what it is called in tables.
        cell: by name.
        init, scale, forget_bias: as `elman.nn.initialise` takes them.
        why: what it shows, in a sentence.
    """

    title: str
    cell: str
    init: str = "orthogonal"
    scale: float = 1.0
    forget_bias: float | None = None
    why: str = ""


CASES: tuple[Case, ...] = (
    Case(
        "Elman, small weights",
        "elman",
        scale=0.5,
        why="W_hh halves every vector: the gradient halves at each step, too",
    ),
    Case("Elman, orthogonal weights", "elman", why="W_hh keeps lengths, but every tanh' is below 1"),
    Case(
        "Elman with relu, large weights",
        "elman-relu",
        scale=1.6,
        why="no tanh' to tame a W_hh that lengthens: it explodes",
    ),
    Case(
        "IRNN",
        "elman-relu",
        init="identity",
        why="relu and the identity: what is on stays on, at full size (Le et al. 2015)",
    ),
    Case(
        "LSTM, forget bias 0",
        "lstm",
        init="torch",
        forget_bias=0.0,
        why="forget gates near one half: c halves at each step",
    ),
    Case(
        "LSTM, forget bias 1",
        "lstm",
        init="torch",
        forget_bias=1.0,
        why="forget gates near 0.73: slower, and still it fades",
    ),
    Case(
        "LSTM, forget bias 5",
        "lstm",
        init="torch",
        forget_bias=5.0,
        why="forget gates near 0.99: the path through c stays open",
    ),
    Case("GRU", "gru", init="torch", why="update gates near one half keep half of h at each step"),
)


@dataclass(frozen=True)
class Clipped:
    """What clipping does to the gradient of all parameters: its norm before and after, and by how much its direction turns.

    `by_value` cuts single numbers, `by_norm` shortens the whole; thresholds are told with them.
    """

    norm: float
    by_norm: float
    threshold_norm: float
    by_value: float
    threshold_value: float
    turned: float
    """Degrees between the gradient and the one that is cut by value; by norm it never turns."""


@dataclass(frozen=True)
class Flow:
    """The measurement of one case.

    Attributes:
        case: what was measured.
        norms: ‖dL/dh_t‖ for t = 1 ... T, for a loss that only looks at step T.
        memory: ‖dL/dc_t‖, for cells with a second state; empty otherwise.
        forget: the mean of the forget gate at each step, for cells that have one.
        factor: what one step back multiplies the gradient by, in the geometric mean.
        radius: the largest absolute eigenvalue of W_hh, for a cell with one block of it.
        clipped: the gradient of all parameters, and what clipping changes.
    """

    case: Case
    norms: tuple[float, ...]
    memory: tuple[float, ...]
    forget: tuple[float, ...]
    factor: float
    radius: float | None
    clipped: Clipped

    @property
    def fate(self) -> str:
        """In a word, over all steps: to less than a thousandth it vanishes, to more than a thousandfold it explodes."""
        ratio = self.norms[0] / self.norms[-1] if self.norms[-1] else 0.0
        return "vanishes" if ratio < 1e-3 else "explodes" if ratio > 1e3 else "stays"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "title": self.case.title, "cell": self.case.cell, "init": self.case.init, "scale": self.case.scale,
            "forget_bias": self.case.forget_bias, "why": self.case.why, "norms": list(self.norms),
            "memory": list(self.memory), "forget": list(self.forget), "factor": self.factor, "radius": self.radius,
            "fate": self.fate, "clipped": dict(vars(self.clipped)),
        }  # fmt: skip


def gradient_flow(
    cases: Sequence[Case] = CASES, *, steps: int = 50, units: int = 64, inputs: int = 16, seed: int = 1
) -> list[Flow]:
    """Measure every case on the same sequence: normal inputs, and a loss L = vᵀ h_T with a random v of length 1.

    All in float64, by backpropagation through every step (nothing is truncated).

    Args:
        cases: what is measured.
        steps: T.
        units: H.
        inputs: I.
        seed: of weights, inputs and v.

    Raises:
        InputError: fewer than two steps, or no units or inputs.
    """
    if steps < 2 or units < 1 or inputs < 1:
        raise InputError(
            f"a gradient flows over at least 2 steps of 1 unit and 1 input; got {steps}, {units}, {inputs}"
        )
    generator = named_generator(seed, "gradient flow")
    xs = torch.randn(steps, 1, inputs, generator=generator, dtype=torch.float64)
    direction = torch.randn(units, generator=generator, dtype=torch.float64)
    direction /= direction.norm()
    return [_measure(case, xs, direction, seed) for case in cases]


def _measure(case: Case, xs: Tensor, direction: Tensor, seed: int) -> Flow:
    generator = named_generator(seed, "init")
    layer = Recurrent(case.cell, xs.shape[2], len(direction), generator=generator)
    initialise(layer, case.init, generator=generator, scale=case.scale, forget_bias=case.forget_bias)
    layer.double()
    with torch.enable_grad(), watch(layer) as watched:
        outputs, _ = layer(xs)
        loss = (outputs[-1, 0] * direction).sum()
    trace = layer.trace
    by_state = [[step[name] for step in watched.steps] for name in trace.state[:2]]
    wanted = [state for states in by_state for state in states]
    parameters = list(layer.parameters())
    found = torch.autograd.grad(loss, [*wanted, *parameters], allow_unused=True)
    norms = [0.0 if g is None else float(g.norm()) for g in found[: len(wanted)]]
    gate = trace.forget_gate
    forget = tuple(float(step[gate].detach().mean()) for step in watched.steps) if gate in watched.steps[0] else ()
    T = len(xs)
    ratio = norms[0] / norms[T - 1] if norms[T - 1] else 0.0
    gradient = torch.cat([g.flatten() for g in found[len(wanted) :] if g is not None])
    return Flow(
        case=case,
        norms=tuple(norms[:T]),
        memory=tuple(norms[T:]),
        forget=forget,
        factor=ratio ** (1 / (T - 1)) if math.isfinite(ratio) else math.inf,
        radius=_radius(layer),
        clipped=_clipped(gradient),
    )


def _radius(layer: Recurrent) -> float | None:
    weight = layer.weights_of(0, 0).get("weight_hh")
    if weight is None or weight.shape[0] != weight.shape[1]:
        return None
    return float(torch.linalg.eigvals(weight.detach()).abs().max())


def _clipped(gradient: Tensor, norm: float = 1.0, value: float = 0.1) -> Clipped:
    before = float(gradient.norm())
    cut = gradient.clamp(-value, value)
    cosine = float(gradient @ cut) / max(before * float(cut.norm()), 1e-300)
    turned = math.degrees(math.acos(min(max(cosine, -1.0), 1.0))) if before else 0.0
    return Clipped(before, min(before, norm), norm, float(cut.norm()), value, turned)
