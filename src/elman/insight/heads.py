"""The output layer and its loss, on paper: y = f(W h + b), and what flows back from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.engines.layer import Array, to_float64
from elman.errors import InputError, ShapeError

OUTPUTS = {
    "softmax": ("y_t = softmax(W_hy h_t + b_y)", "L_t = -Σ_k target_k log y_k"),
    "sigmoid": ("y_t = σ(W_hy h_t + b_y)", "L_t = -Σ_k (target_k log y_k + (1 - target_k) log(1 - y_k))"),
    "linear": ("y_t = W_hy h_t + b_y", "L_t = ½ Σ_k (y_k - target_k)²"),
}


@dataclass(frozen=True)
class Head:
    """An output layer. `weight` [K, H] and `bias` [K] may be missing: then y is a function of h itself.

    For all three outputs with their losses the gradient of the pre-activation is y - target.
    """

    weight: Array | None
    bias: Array | None
    output: str

    @staticmethod
    def of(head: Any, output: str, units: int) -> Head:
        """From `(weight, bias)`, a weight alone, or None.

        Raises:
            InputError: unknown output. ShapeError: weight or bias does not fit the layer.
        """
        if output not in OUTPUTS:
            raise InputError(f"unknown output {output!r}; there are: {', '.join(OUTPUTS)}")
        pair = head if isinstance(head, (tuple, list)) and len(head) == 2 and np.ndim(head[0]) == 2 else (head, None)
        weight, bias = (None if part is None else to_float64(part) for part in pair)
        if weight is not None and (weight.ndim != 2 or weight.shape[1] != units):
            raise ShapeError(f"the head's weight is [outputs, units] with {units} units; got {list(weight.shape)}")
        if weight is not None and bias is not None and bias.shape != (weight.shape[0],):
            raise ShapeError(f"the head's bias is [outputs] = [{weight.shape[0]}]; got {list(bias.shape)}")
        return Head(weight, bias, output)

    def logits(self, h: Array) -> Array:
        """W h + b for h [..., H]."""
        if self.weight is None:
            return h
        product: Array = h @ self.weight.T
        return product if self.bias is None else product + self.bias

    def activate(self, logits: Array) -> Array:
        """Y from the pre-activation, without overflow."""
        if self.output == "softmax":
            shifted = np.exp(logits - logits.max(-1, keepdims=True))
            return np.asarray(shifted / shifted.sum(-1, keepdims=True))
        return np.asarray(np.exp(-np.logaddexp(0, -logits))) if self.output == "sigmoid" else logits

    def loss(self, logits: Array, target: Array) -> Array:
        """Loss of each sequence: [B] from [B, K], from the pre-activation so that nothing underflows."""
        if self.output == "softmax":
            top = logits.max(-1, keepdims=True)
            log_y = logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))
            result: Array = -(target * log_y).sum(-1)
        elif self.output == "sigmoid":
            result = (np.logaddexp(0, logits) - target * logits).sum(-1)
        else:
            result = 0.5 * ((logits - target) ** 2).sum(-1)
        return result

    def targets(self, given: Any, steps: int, batch: int, outputs: int, *, batched: bool) -> list[Array | None]:
        """For each step the target as [B, K], or None where the loss does not look.

        A target is a class number, a vector of K, or None; with several sequences one for each of them.

        Raises:
            ShapeError: another number of steps, or a target that does not fit.
        """
        if len(given) != steps:
            raise ShapeError(
                f"targets need one entry for each of the {steps} steps (None where there is no loss); got {len(given)}"
            )
        found: list[Array | None] = []
        for t, target in enumerate(given):
            if target is None:
                found.append(None)
                continue
            array = to_float64(target)
            array = array if batched else array[None]
            if array.shape == (batch,):
                array = self._one_hot(array, outputs, t)
            if array.shape != (batch, outputs):
                raise ShapeError(
                    f"the target of step {t + 1} must be a class number or {outputs} numbers for each sequence; got {list(array.shape)}"
                )
            found.append(array)
        return found

    def _one_hot(self, classes: Array, outputs: int, t: int) -> Array:
        if outputs == 1 and self.output != "softmax":
            return classes[:, None]
        numbers = classes.astype(int)
        if (numbers != classes).any() or (numbers < 0).any() or (numbers >= outputs).any():
            raise ShapeError(
                f"the target of step {t + 1} must be a class number from 0 to {outputs - 1}; got {classes.tolist()}"
            )
        return np.asarray(np.eye(outputs)[numbers])
