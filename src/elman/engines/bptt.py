"""Backpropagation through time as a function: weights, inputs and output gradients in, all gradients out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from elman.cells.cell import Cell
from elman.engines.layer import Array, to_float64
from elman.engines.paper import Paper
from elman.engines.states import StateForm
from elman.errors import ShapeError


def bptt(cell: str | Cell, weights: Mapping[str, Any], xs: Any, grad_output: Any, state: Any = None) -> dict[str, Any]:
    """Gradients of a recurrent layer by backpropagation through time, from the derived formulas, in NumPy alone.

        ∂L/∂W = Σ_t δ_t v_tᵀ,   where the δ are those that `explain(cell)` prints

    Args:
        cell: a name or an object.
        weights: one layer's parameters in torch.nn's names (`weight_ih_l0`, ...), float64 inside whatever is given.
        xs: inputs [T, I] or [T, B, I].
        grad_output: ∂L/∂h_t of the output at each step, [T, H] or [T, B, H].
        state: the initial state as torch.nn takes it (an array, or a tuple for several states) or a dict by name; zeros if None.

    Returns:
        The gradient of each given parameter by its name, of the inputs as "xs", and of the initial state as "state", in the form
        and shape in which it was given (torch.nn's form for None).

    Raises:
        ShapeError: a shape does not fit; the message says which axis means what.
    """
    paper = Paper(cell, weights)
    sequence, batched = as_sequence(xs, paper.layer.inputs)
    steps, batch = sequence.shape[:2]
    form = StateForm(paper.trace.state, state, batch=batch, units=paper.layer.units, batched=batched)
    grad = to_float64(grad_output)
    expected = (steps, batch, paper.layer.units) if batched else (steps, paper.layer.units)
    if grad.shape != expected:
        axes = "[steps, sequences, units]" if batched else "[steps, units]"
        raise ShapeError(f"grad_output is {axes} = {list(expected)}; got {list(grad.shape)}")
    forward = paper.forward(sequence, form.values())
    sums = {name: np.zeros(paper.layer.arrays[short].shape) for short, name in paper.layer.names.items()}
    grad_xs = np.zeros(sequence.shape)
    old = {k: np.zeros((batch, paper.layer.units)) for k in paper.trace.state}
    backward = paper.backward(forward, grad.reshape(steps, batch, -1), old)
    for t, gradients in zip(reversed(range(steps)), backward, strict=True):
        for name, gradient in gradients.parameters.items():
            sums[name] += gradient
        grad_xs[t] = gradients.x
        old = gradients.old
    return {**sums, "xs": grad_xs if batched else grad_xs[:, 0], "state": form.like_given(old)}


def as_sequence(xs: Any, inputs: int | None) -> tuple[Array, bool]:
    """`xs` as [T, B, I], and whether it had a batch axis.

    Raises:
        ShapeError: another rank, or another number of inputs than the weights have.
    """
    array = to_float64(xs)
    if array.ndim not in (2, 3) or inputs not in (None, array.shape[-1]):
        count = "" if inputs is None else f" with {inputs} inputs"
        raise ShapeError(f"xs is [steps, inputs] or [steps, sequences, inputs]{count}; got {list(array.shape)}")
    return (array if array.ndim == 3 else array[:, None]), array.ndim == 3
