"""The course's exercise (IST practical 9, question 1): two steps of a simple network on paper, to six digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from elman.engines import Paper, bptt
from elman.nn import RNN

XS = np.array([[4.0, 0, 0, 0], [0, 8.0, 2.0, 0]])  # all weights and biases 0.1, h0 = 0, one hidden bias
WEIGHTS = {"weight_ih_l0": np.full((3, 4), 0.1), "weight_hh_l0": np.full((3, 3), 0.1), "bias_ih_l0": np.full(3, 0.1)}
HIDDEN = (0.462117, 0.845066)
LOGITS = (0.238635, 0.353520)


def head(hidden: np.ndarray) -> np.ndarray:
    return hidden @ np.full((3, 2), 0.1) + 0.1


def softmax(v: np.ndarray) -> np.ndarray:
    return np.exp(v) / np.exp(v).sum()


def check(hidden: np.ndarray) -> None:
    assert hidden.shape == (2, 3)
    loss = 0.0
    for h, wanted, logit in zip(hidden, HIDDEN, LOGITS, strict=True):
        assert [round(float(v), 6) for v in h] == [wanted] * 3
        assert [round(float(v), 6) for v in head(h)] == [logit] * 2
        np.testing.assert_allclose(softmax(head(h)), 0.5, atol=1e-15)
        loss -= math.log(softmax(head(h))[0])
    assert round(loss, 6) == 1.386294 == round(2 * math.log(2), 6)


def test_on_paper() -> None:
    steps = Paper("elman", WEIGHTS).forward(XS[:, None], {"h": np.zeros((1, 3))})
    check(np.stack([s.quantities["h"][0] for s in steps]))
    assert round(float(steps[0].quantities["a_h"][0, 0]), 6) == 0.5  # 0.1 * 4 + 0.1
    assert math.tanh(0.5) == pytest.approx(HIDDEN[0], abs=5e-7)


@pytest.mark.parametrize("engine", ["auto", "loop", "torch"])
def test_as_a_module(engine: str) -> None:
    module = RNN(4, 3, engine=engine, dtype=torch.float64)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter.fill_(0.0 if name == "bias_hh_l0" else 0.1)
    output, final = module(torch.from_numpy(XS))
    check(output.detach().numpy())
    torch.testing.assert_close(final[0], output[-1], rtol=0, atol=0)


def test_its_gradient_by_hand() -> None:
    """∂L/∂h with L = h_2 of the first unit: δa_2 = (1 - h_2²), δa_1 = W_hhᵀ δa_2 (1 - h_1²)."""
    grad = np.zeros((2, 3))
    grad[1, 0] = 1.0
    found = bptt("elman", WEIGHTS, XS, grad)
    h1, h2 = math.tanh(0.5), math.tanh(0.1 * 10 + 0.1 + 3 * 0.1 * math.tanh(0.5))
    delta2, delta1 = 1 - h2**2, 0.1 * (1 - h2**2) * (1 - h1**2)
    np.testing.assert_allclose(found["weight_hh_l0"], [[delta2 * h1] * 3, [0] * 3, [0] * 3], atol=1e-14)
    np.testing.assert_allclose(found["bias_ih_l0"], [delta2 + delta1, delta1, delta1], atol=1e-14)
    np.testing.assert_allclose(found["weight_ih_l0"][1], [4 * delta1, 0, 0, 0], atol=1e-14)
    np.testing.assert_allclose(found["xs"][1], [0.1 * delta2] * 4, atol=1e-14)
    np.testing.assert_allclose(found["state"], [0.1 * 3 * delta1] * 3, atol=1e-14)
    assert "bias_hh_l0" not in found
