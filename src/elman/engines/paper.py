"""The paper engine: one layer in NumPy and float64, forward and backward through time from the derived formulas. No autograd.

What a student computes by hand, and an oracle that shares nothing with torch. Letters: T steps, B sequences, I inputs, H units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.cells import registry
from elman.cells.cell import Cell
from elman.engines.layer import Array, Layer, ParameterShapes
from elman.equations.derivation import Special, derive
from elman.equations.expression import Expr, evaluate


@dataclass(frozen=True)
class Step:
    """One step forward: its input [B, I], the old state, and every quantity by name (with the insides of functions), each [B, H]."""

    x: Array
    old: dict[str, Array]
    quantities: dict[str, Array]


Paths = dict[tuple[str, str], Array]


@dataclass(frozen=True)
class StepGradients:
    """One step backward: what it adds to each parameter's gradient, and δ of every quantity, of the input and of the old state.

    `paths` are the summands of each new state's δ by where they come from, as (where, quantity): ("loss", ""), ("final", ""),
    ("step", q) through a quantity q of this step, ("next", q) along the state through q of the next step, unit by unit, and
    ("matrix", k) through W_hk of the next step. `old_paths` are those that this step sends back, of the last two kinds.
    """

    parameters: dict[str, Array]
    quantities: dict[str, Array]
    x: Array
    old: dict[str, Array]
    paths: dict[str, Paths]
    old_paths: dict[str, Paths]


class Paper:
    """One recurrent layer on paper.

    Raises:
        InputError: unknown cell. ShapeError: the weights don't fit it. CellError: its step can't be traced or derived.
    """

    def __init__(self, cell: str | Cell, weights: Mapping[str, Any]) -> None:
        self.layer = Layer(registry.get(cell), weights)
        self.trace = self.layer.trace
        self.derivation = derive(self.trace)
        self.output = self.trace.state[0]
        self.blocks = {
            name: self.layer.blocks(name) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_p")
        }

    def forward(self, xs: Array, state: dict[str, Array]) -> list[Step]:
        """Unroll over xs [T, B, I] from a state of [B, H] each."""
        steps = []
        for x in xs:
            step = Step(x, state, {})
            for name, rhs in self.derivation.tape:
                value = np.asarray(self.value(step, rhs), dtype=np.float64)
                step.quantities[name] = np.broadcast_to(value, state[self.output].shape)
            steps.append(step)
            state = {k: step.quantities[k] for k in self.trace.state}
        return steps

    def value(self, step: Step, rhs: Expr | Special) -> Any:
        """The number of one assignment of a step, from what the step already knows."""
        if not isinstance(rhs, Special):
            return evaluate(rhs, lambda kind, name: self.leaf(step, kind, name))
        argument = step.quantities[rhs.argument]
        if rhs.kind == "mean":
            return argument.mean(-1, keepdims=True)
        return argument @ self.blocks["weight_hh"][rhs.gate].T + self.blocks["bias_hh"][rhs.gate]

    def leaf(self, step: Step, kind: str, name: str) -> Any:
        """The number of a symbol at a step."""
        match kind:
            case "x":
                return step.x @ self.blocks["weight_ih"][name].T + self.blocks["bias_ih"][name]
            case "h":
                return step.old[self.output] @ self.blocks["weight_hh"][name].T + self.blocks["bias_hh"][name]
            case "s":
                return step.old[name]
            case "p":
                return self.blocks["weight_p"][name]
        return step.quantities[name]

    def backward(self, steps: list[Step], grad_output: Array, grad_state: dict[str, Array]) -> Iterator[StepGradients]:
        """Backpropagation through time, from the last step to the first, one result a step.

        Args:
            steps: what `forward` returned.
            grad_output: ∂L/∂h_t of the output at each step, [T, B, H].
            grad_state: ∂L/∂ of each final state, [B, H] each.
        """
        incoming: dict[str, Paths] = {k: {("final", ""): gradient} for k, gradient in grad_state.items()}
        for t in range(len(steps) - 1, -1, -1):
            incoming[self.output] = {("loss", ""): grad_output[t], **incoming[self.output]}
            gradients = _StepBack(self, steps[t], incoming).gradients()
            yield gradients
            incoming = gradients.old_paths


class _StepBack:
    """The derived formulas of one step with its numbers in them."""

    def __init__(self, paper: Paper, step: Step, incoming: dict[str, Paths]) -> None:
        self.paper = paper
        self.step = step
        self.deltas: dict[str, Array] = {}
        self.paths: dict[str, Paths] = {}
        for name in paper.derivation.order:
            found = {**self.split("q", name, "step"), **incoming.get(name, {})}
            self.deltas[name] = self.added(found)
            if name in incoming:
                self.paths[name] = found

    def split(self, kind: str, name: str, where: str) -> Paths:
        """The gradient of a symbol by its paths."""
        terms = self.paper.derivation.terms.get((kind, name), ())
        return {(where, term.via): np.asarray(self.path(term.expr)) for term in terms}

    def added(self, paths: Paths) -> Array:
        """The sum of paths, [B, H]."""
        gradient = np.zeros(self.step.old[self.paper.output].shape)
        for path in paths.values():
            gradient = gradient + path
        return gradient

    def total(self, kind: str, name: str) -> Array:
        """The gradient of a symbol: the sum over its paths."""
        return self.added(self.split(kind, name, ""))

    def path(self, expr: Expr) -> Any:
        """The number of one path."""
        if expr.operation == "map_transposed":
            return self.deltas[expr.children[0].arguments[1]] @ self.paper.blocks["weight_hh"][expr.arguments[0]]
        return evaluate(
            expr, lambda kind, name: self.deltas[name] if kind == "d" else self.paper.leaf(self.step, kind, name)
        )

    def gradients(self) -> StepGradients:
        """Everything that this step sends back."""
        paper, t = self.paper, self.paper.trace
        dx = {k: self.total("x", k) for k in t.x_gates}
        dh = {k: self.total("h", k) for k in t.h_gates}
        old_paths = {k: self.split("s", k, "next") for k in t.state}
        for k, delta in dh.items():
            old_paths[paper.output][("matrix", k)] = delta @ paper.blocks["weight_hh"][k]
        old = {k: self.added(paths) for k, paths in old_paths.items()}
        x = np.zeros(self.step.x.shape)
        for k, delta in dx.items():
            x = x + delta @ paper.blocks["weight_ih"][k]
        return StepGradients(self.parameters(dx, dh), self.deltas, x, old, self.paths, old_paths)

    def parameters(self, dx: dict[str, Array], dh: dict[str, Array]) -> dict[str, Array]:
        """δ vᵀ for each block of the matrices, δ for the biases, summed over the sequences."""
        paper, step = self.paper, self.step
        weight_hh = {k: delta.T @ step.old[paper.output] for k, delta in dh.items()}
        bias_hh = {k: delta.sum(0) for k, delta in dh.items()}
        for name, rhs in paper.derivation.tape:
            if isinstance(rhs, Special) and rhs.kind == "map":
                weight_hh[rhs.gate] = weight_hh[rhs.gate] + self.deltas[name].T @ step.quantities[rhs.argument]
                bias_hh[rhs.gate] = bias_hh[rhs.gate] + self.deltas[name].sum(0)
        blocks = {
            "weight_ih": {k: delta.T @ step.x for k, delta in dx.items()},
            "weight_hh": weight_hh,
            "bias_ih": {k: delta.sum(0) for k, delta in dx.items()},
            "bias_hh": bias_hh,
            "weight_p": {k: self.total("p", k).sum(0) for k in paper.trace.vectors},
        }
        order = ParameterShapes(paper.trace, paper.layer.units)
        return {
            full: np.concatenate([blocks[name][k] for k in order.gates_of(name)])
            for name, full in paper.layer.names.items()
        }
