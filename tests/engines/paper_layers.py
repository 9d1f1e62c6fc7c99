"""Layers, directions and lengths on paper: the NumPy engine, one group of equally long sequences at a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from elman.engines import Paper
from elman.nn import Recurrent

Array = np.ndarray


class PaperLayers:
    """What a `Recurrent` computes, and all its gradients: sequences are a list of arrays [steps, inputs]."""

    def __init__(self, module: Recurrent) -> None:
        self.module = module
        self.state = module.trace.state
        self.sides = [
            [self._paper(layer, "_reverse" if d else "") for d in range(module.directions)]
            for layer in range(module.num_layers)
        ]
        self.gradients: dict[str, Array] = {}

    def _paper(self, layer: int, end: str) -> tuple[Paper, str]:
        end = f"_l{layer}{end}"
        weights = {k.removesuffix(end): p for k, p in self.module.named_parameters() if k.endswith(end)}
        return Paper(self.module.cell, weights), end

    def run(
        self, xs: list[Array], states: Array, grad_ys: list[Array], grad_finals: Array
    ) -> tuple[list[Array], Array, list[Array], Array]:
        """States and their gradients are [state, layer * direction, sequence, H]; returns outputs, final states, ∂x, ∂states.

        Gradients of parameters are left in `gradients`.
        """
        D, finals, grad_states = self.module.directions, np.zeros_like(states), np.zeros_like(states)
        groups = [[b for b, x in enumerate(xs) if len(x) == n] for n in sorted({len(x) for x in xs})]
        kept = {}
        for layer, sides in enumerate(self.sides):
            outputs: list[list[Array]] = [[] for _ in xs]
            for d, (paper, _) in enumerate(sides):
                at = layer * D + d
                for group in groups:
                    start = dict(zip(self.state, states[:, at, group], strict=True))
                    steps = kept[at, group[0]] = paper.forward(_together(xs, group, d), start)
                    finals[:, at, group] = [steps[-1].quantities[k] for k in self.state]
                    y = np.stack([step.quantities[paper.output] for step in steps])[:: -1 if d else 1]
                    for k, b in enumerate(group):
                        outputs[b].append(y[:, k])
            xs = [np.concatenate(sides_of, -1) for sides_of in outputs]
        ys, H = xs, states.shape[-1]
        for layer in reversed(range(len(self.sides))):
            sent: list[Array | float] = [0.0] * len(ys)
            for d, (paper, end) in enumerate(self.sides[layer]):
                at = layer * D + d
                for group in groups:
                    grad_y = _together([g[:, d * H : (d + 1) * H] for g in grad_ys], group, d)
                    grad_state = dict(zip(self.state, grad_finals[:, at, group], strict=True))
                    back = list(paper.backward(kept[at, group[0]], grad_y, grad_state))
                    for step in back:
                        for name, gradient in step.parameters.items():
                            self.gradients[name + end] = self.gradients.get(name + end, 0.0) + gradient
                    grad_states[:, at, group] = [back[-1].old[k] for k in self.state]
                    grad_x = np.stack([step.x for step in back])[:: 1 if d else -1]
                    for k, b in enumerate(group):
                        sent[b] = sent[b] + grad_x[:, k]
            grad_ys = sent
        return ys, finals, grad_ys, grad_states


def _together(xs: list[Array], group: Iterable[int], reverse: int) -> Array:
    return np.stack([xs[b] for b in group], 1)[:: -1 if reverse else 1]
