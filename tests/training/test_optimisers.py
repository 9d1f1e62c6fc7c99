"""Each optimiser against its equation, written out in float64; and that the settings reach torch's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from elman.training import TrainingSettings, make_optimiser
from elman.training.optimisers import set_rate

RATE, DECAY, MU = 0.03, 0.01, 0.9


def sgd(w: Tensor, g: Tensor, s: dict[str, Tensor], t: int) -> Tensor:
    return w - RATE * (g + DECAY * w)


def momentum(w: Tensor, g: Tensor, s: dict[str, Tensor], t: int) -> Tensor:
    s["v"] = MU * s.get("v", 0) + g + DECAY * w
    return w - RATE * s["v"]


def nesterov(w: Tensor, g: Tensor, s: dict[str, Tensor], t: int) -> Tensor:
    g = g + DECAY * w
    s["v"] = MU * s.get("v", 0) + g
    return w - RATE * (g + MU * s["v"])


def rmsprop(w: Tensor, g: Tensor, s: dict[str, Tensor], t: int) -> Tensor:
    g = g + DECAY * w
    s["s"] = 0.99 * s.get("s", 0) + 0.01 * g**2
    return w - RATE * g / (s["s"].sqrt() + 1e-8)


def adagrad(w: Tensor, g: Tensor, s: dict[str, Tensor], t: int) -> Tensor:
    g = g + DECAY * w
    s["s"] = s.get("s", 0) + g**2
    return w - RATE * g / (s["s"].sqrt() + 1e-10)


def adam(w: Tensor, g: Tensor, s: dict[str, Tensor], t: int) -> Tensor:
    return _adam(w, g + DECAY * w, s, t)


def adamw(w: Tensor, g: Tensor, s: dict[str, Tensor], t: int) -> Tensor:
    return _adam(w - RATE * DECAY * w, g, s, t)


def _adam(w: Tensor, g: Tensor, s: dict[str, Tensor], t: int) -> Tensor:
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    return w - RATE * (s["m"] / (1 - 0.9**t)) / ((s["v"] / (1 - 0.999**t)).sqrt() + 1e-8)


@pytest.mark.parametrize(
    ("settings", "equation"),
    [
        ({"optimiser": "sgd"}, sgd),
        ({"optimiser": "sgd", "momentum": MU}, momentum),
        ({"optimiser": "sgd", "momentum": MU, "nesterov": True}, nesterov),
        ({"optimiser": "rmsprop"}, rmsprop),
        ({"optimiser": "adagrad"}, adagrad),
        ({"optimiser": "adam"}, adam),
        ({"optimiser": "adamw"}, adamw),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_equation(settings: dict[str, object], equation: Callable[..., Tensor]) -> None:
    generator = torch.Generator().manual_seed(3)
    weight = torch.randn(4, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    expected, memory = weight.detach().clone(), {}
    # Made with another rate: what counts is the one that is set before each step.
    optimiser = make_optimiser(TrainingSettings(rate=1.0, weight_decay=DECAY, **settings), [weight])
    for t in range(1, 8):
        gradient = torch.randn(4, 3, generator=generator, dtype=torch.float64)
        weight.grad = gradient.clone()
        set_rate(optimiser, RATE)
        optimiser.step()
        expected = equation(expected, gradient, memory, t)
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-12, atol=1e-12)


def test_momentum_of_rmsprop_reaches_torch() -> None:
    made = make_optimiser(TrainingSettings(optimiser="rmsprop", momentum=0.7), [torch.zeros(1, requires_grad=True)])
    assert made.defaults["momentum"] == 0.7


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"optimiser": "adam", "momentum": 0.9}, "momentum belongs to sgd and rmsprop"),
        ({"optimiser": "sgd", "nesterov": True}, "nesterov needs"),
        ({"optimiser": "rmsprop", "momentum": 0.9, "nesterov": True}, "nesterov needs"),
        ({"clip_norm": 1.0, "clip_value": 1.0}, "give one of them"),
        ({"rate": 0.1, "final_rate": 0.2}, "above rate"),
        ({"optimizer": "sgd"}, "optimizer"),
        ({"epochs": 0}, "epochs"),
        ({"rate": float("nan")}, "rate"),
        ({"optimiser": "lion"}, "adamw"),
    ],
)
def test_impossible_settings(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TrainingSettings(**wrong)
