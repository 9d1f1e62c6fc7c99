"""Clipping: keep one exploding gradient from throwing the weights away. Done after `backward`, before the step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def global_norm(gradients: Sequence[Tensor]) -> float:
    """The norm of all gradients as one long vector: √Σ g².

    Summed in float64, where the square of no float32 overflows: so the norm is finite exactly if every gradient is.
    """
    if not gradients:
        return 0.0
    norms = [torch.linalg.vector_norm(gradient, dtype=torch.float64) for gradient in gradients]
    return float(torch.linalg.vector_norm(torch.stack(norms)))


def clip_by_norm(gradients: Sequence[Tensor], norm: float, threshold: float) -> bool:
    """Shorten the gradient, keeping its direction: g ← g · θ / ‖g‖ where the global norm ‖g‖ > θ. In place.

    `norm` is `global_norm(gradients)`. Returns whether it was too long. Source: Pascanu, Mikolov, Bengio, "On the difficulty
    of training recurrent neural networks", ICML 2013, algorithm 1.
    """
    if norm <= threshold:
        return False
    for gradient in gradients:
        gradient.mul_(threshold / norm)
    return True


def clip_by_value(gradients: Sequence[Tensor], threshold: float) -> bool:
    """Cut each element by itself: g ← max(-θ, min(θ, g)); the direction may change. In place.

    Returns whether any element was too large. Source: Mikolov, "Statistical language models based on neural networks",
    2012, section 3.2.
    """
    too_large = any(bool((gradient.abs() > threshold).any()) for gradient in gradients)
    for gradient in gradients:
        gradient.clamp_(-threshold, threshold)
    return too_large
