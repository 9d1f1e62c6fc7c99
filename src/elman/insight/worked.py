"""Every number of every step: a cell worked through on paper, forward and, where there are targets, backward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.cells.cell import Cell
from elman.engines.bptt import as_sequence
from elman.engines.layer import Array
from elman.engines.paper import Paper, Step, StepGradients
from elman.engines.states import StateForm
from elman.errors import InputError
from elman.insight.heads import Head


@dataclass(frozen=True)
class WorkedStep:
    """One step: input, quantities by name (the cell's own and the insides of its functions as `a_name`), output, loss, gradients.

    Arrays are [units] for an input without batch axis, else [sequences, units].
    """

    x: Array
    quantities: dict[str, Array]
    logits: Array
    y: Array
    loss: float | None
    deltas: dict[str, Array]
    gradients: dict[str, Array]
    paths: dict[str, dict[tuple[str, str], Array]]
    """The summands of each state's δ by where they come from; see `StepGradients.paths`. Empty without targets."""
    kept: dict[str, Array]
    """For a state that the last one enters unit by unit: what that path leaves of its gradient on the way from the last step to here."""

    def __getitem__(self, name: str) -> Array:
        return self.quantities[name]


@dataclass(frozen=True)
class Worked:
    """What `worked` returns.

    Attributes:
        cell: its name.
        steps: one `WorkedStep` each.
        final: the state after the last step, by name.
        loss: sum over steps and sequences, None without targets.
        gradients: ∂loss/∂ of each parameter, summed over the steps: torch.nn's names, "head.weight", "head.bias", and "xs" and "state".
            Empty without targets. Each step's own share is in `steps[t].gradients`.
    """

    cell: str
    steps: tuple[WorkedStep, ...]
    final: dict[str, Array]
    loss: float | None
    gradients: dict[str, Any]
    paper: Paper
    head: Head

    def __getitem__(self, name: str) -> Array:
        """A quantity over all steps, [steps, ...]."""
        return np.stack([step.quantities[name] for step in self.steps])

    @property
    def biases(self) -> str:
        """Which affine maps have a bias: "i" the input's, "h" the recurrent ones (courses have one, torch has two)."""
        arrays = self.paper.layer.arrays
        return "".join(kind for kind in "ih" if arrays.get(f"bias_{kind}h", np.zeros(1)).any())

    def text(self, *, digits: int = 6) -> str:
        """For a terminal: each equation with its numbers, step by step."""
        from elman.insight.worked_text import worked_text

        return worked_text(self, digits)

    def html(self, *, digits: int = 6) -> str:
        """A page of its own: the same with the equations as MathML; needs no network."""
        from elman.insight.pages import worked_page

        return worked_page(self, digits)

    def to_json(self) -> dict[str, Any]:
        """Numbers as nested lists, for programs."""
        return {
            "cell": self.cell,
            "loss": self.loss,
            "steps": [
                {
                    "x": s.x.tolist(), "quantities": _lists(s.quantities), "logits": s.logits.tolist(), "y": s.y.tolist(),
                    "loss": s.loss, "deltas": _lists(s.deltas), "gradients": _lists(s.gradients),
                    "paths": {k: {" ".join(at).strip(): v.tolist() for at, v in p.items()} for k, p in s.paths.items()},
                    "kept": _lists(s.kept),
                }
                for s in self.steps
            ],
            "final": _lists(self.final),
            "gradients": {k: v.tolist() for k, v in self.gradients.items() if isinstance(v, np.ndarray)},
        }  # fmt: skip


def worked(
    cell: str | Cell,
    weights: Mapping[str, Any],
    xs: Any,
    state: Any = None,
    head: Any = None,
    output: str = "softmax",
    targets: Any = None,
) -> Worked:
    """Work a layer through, keeping every number, in float64.

    Args:
        cell: a name or an object.
        weights: one layer's parameters in torch.nn's names; a missing bias is zero. `elman.engines.layouts.from_layout` makes
            them from other conventions (row vectors, [h, x] concatenated, one bias).
        xs: inputs [T, I], or [T, B, I].
        state: initial state, zeros if None; in any form that `bptt` takes.
        head: `(weight [K, H], bias [K] or None)` of an output layer, a weight alone, or None.
        output: "softmax" (with cross-entropy), "sigmoid" (binary cross-entropy) or "linear" (half the squared error).
        targets: one for each step: a class number, a vector, or None where the loss does not look (many-to-one: only the last
            one given). The loss is the sum.

    Raises:
        ShapeError: something does not fit; the message says which axis means what. InputError: unknown cell or output.
    """
    paper = Paper(cell, weights)
    sequence, batched = as_sequence(xs, paper.layer.inputs)
    steps, batch = sequence.shape[:2]
    if steps == 0:
        raise InputError("xs has no steps; there is nothing to work through")
    form = StateForm(paper.trace.state, state, batch=batch, units=paper.layer.units, batched=batched)
    the_head = Head.of(head, output, paper.layer.units)
    forward = paper.forward(sequence, form.values())
    logits = [the_head.logits(s.quantities[paper.output]) for s in forward]
    goals: list[Array | None] = [None] * steps
    if targets is not None:
        goals = the_head.targets(targets, steps, batch, logits[0].shape[-1], batched=batched)
    losses = [None if g is None else float(the_head.loss(z, g).sum()) for z, g in zip(logits, goals, strict=True)]
    backward: list[Any] = [None] * steps
    if targets is not None:
        backward = _backward(paper, the_head, forward, logits, goals)
    view = _View(batched)
    kept = _kept(paper, forward)
    done = tuple(
        WorkedStep(
            x=view(s.x),
            quantities={k: view(v) for k, v in s.quantities.items()},
            logits=view(z),
            y=view(the_head.activate(z)),
            loss=loss,
            deltas={} if b is None else {k: view(v) for k, v in b[0].quantities.items()},
            gradients={} if b is None else {**b[0].parameters, **b[1]},
            paths={} if b is None else {k: {at: view(v) for at, v in found.items()} for k, found in b[0].paths.items()},
            kept={k: view(product) for k, product in product_by_state.items()},
        )
        for s, z, loss, b, product_by_state in zip(forward, logits, losses, backward, kept, strict=True)
    )
    return Worked(
        cell=paper.trace.name,
        steps=done,
        final={k: done[-1].quantities[k] for k in paper.trace.state},
        loss=None if targets is None else sum(x for x in losses if x is not None),
        gradients=_sums(done, backward, form, view),
        paper=paper,
        head=the_head,
    )


def _kept(paper: Paper, steps: list[Step]) -> list[dict[str, Array]]:
    """For each step t the product of ∂s_τ/∂s_{τ-1} over τ = t + 1 ... T, unit by unit: for an LSTM's c, of its forget gates."""
    slopes = {k: found for k, row in paper.derivation.slopes.items() if (found := row.get(("s", k))) is not None}
    products = {k: np.ones(steps[0].old[k].shape) for k in slopes if k in paper.trace.state}
    kept = []
    for step in reversed(steps):
        kept.append(dict(products))
        products = {k: product * paper.value(step, slopes[k]) for k, product in products.items()}
    return kept[::-1]


def _backward(
    paper: Paper, head: Head, steps: list[Step], logits: list[Array], goals: list[Array | None]
) -> list[tuple[StepGradients, dict[str, Array]]]:
    """For each step (in forward order) what flows back, and the share of the head's gradients."""
    errors = [np.zeros_like(z) if g is None else head.activate(z) - g for z, g in zip(logits, goals, strict=True)]
    to_h = np.stack([e if head.weight is None else e @ head.weight for e in errors])
    nothing = {k: np.zeros(steps[0].old[k].shape) for k in paper.trace.state}
    back = list(paper.backward(steps, to_h, nothing))[::-1]
    shares = []
    for error, step in zip(errors, steps, strict=True):
        share: dict[str, Array] = {}
        if head.weight is not None:
            share["head.weight"] = error.T @ step.quantities[paper.output]
        if head.bias is not None:
            share["head.bias"] = error.sum(0)
        shares.append(share)
    return list(zip(back, shares, strict=True))


def _sums(steps: tuple[WorkedStep, ...], backward: list[Any], form: StateForm, view: _View) -> dict[str, Any]:
    if not steps[0].gradients:
        return {}
    sums: dict[str, Any] = {k: np.sum([s.gradients[k] for s in steps], axis=0) for k in steps[0].gradients}
    sums["xs"] = np.stack([view(b[0].x) for b in backward])
    sums["state"] = form.like_given(backward[0][0].old)
    return sums


class _View:
    """Arrays without the batch axis where the input had none."""

    def __init__(self, batched: bool) -> None:
        self.batched = batched

    def __call__(self, array: Array) -> Array:
        return array if self.batched else array[0]


def _lists(arrays: dict[str, Array]) -> dict[str, Any]:
    return {k: v.tolist() for k, v in arrays.items()}
