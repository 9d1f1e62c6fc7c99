"""The fused engine against the derived formulas in NumPy, on configurations that cross cells, layers, directions and lengths.

torch.nn, the other oracle, is in tests/nn/test_nn_grid.py.
"""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from paper_layers import PaperLayers
from random_layers import ALL_CELLS, cell_of
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from elman.engines import fused
from elman.equations import trace
from elman.nn import Recurrent

pytestmark = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")
POINTWISE = [name for name in ALL_CELLS if trace(cell_of(name)).obstacle is None]
FEW, MANY = 5, 30


def one(name: str, rng: random.Random) -> tuple[str, float]:
    """A random configuration, and how far the two are apart on it; gradients relative to their size where that is above 1."""
    layers, batch, steps = rng.choice((1, 1, 2, 3)), rng.choice((1, 2, 3)), rng.choice((1, 2, 3, 3))
    ragged, bidirectional, bias = rng.random() < 0.6, rng.random() < 0.5, rng.random() < 0.7
    inputs, units = rng.choice((1, 3, 5, 9)), rng.choice((1, 2, 4, 7, 8, 17))
    generator = np.random.default_rng(rng.randrange(10**9))
    module = Recurrent(
        cell_of(name), inputs, units, layers, bias, bidirectional=bidirectional, engine="fused", dtype=torch.float64
    )
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.from_numpy(generator.uniform(-1, 1, parameter.shape) * 1.2 / units**0.5))
    lengths = [rng.randint(1, steps) if ragged else steps for _ in range(batch)]
    xs = [generator.normal(size=(n, inputs)) for n in lengths]
    shape = (len(module.trace.state), layers * module.directions, batch, units)
    states, grad_finals = generator.uniform(-0.8, 0.8, shape), generator.normal(size=shape)
    grad_ys = [generator.normal(size=(n, units * module.directions)) for n in lengths]

    leaves = [torch.from_numpy(x).requires_grad_() for x in xs]
    hx = torch.from_numpy(states).requires_grad_()
    packed, last = module(pack_sequence(leaves, enforce_sorted=False), tuple(hx) if len(hx) > 1 else hx[0])
    finals = torch.stack(last) if isinstance(last, tuple) else last[None]
    value = (finals * torch.from_numpy(grad_finals)).sum()
    ys = unpack_sequence(packed)
    value = value + sum((y * torch.from_numpy(g)).sum() for y, g in zip(ys, grad_ys, strict=True))
    value.backward()

    paper = PaperLayers(module)
    wanted_ys, wanted_finals, wanted_xs, wanted_states = paper.run(xs, states, grad_ys, grad_finals)
    pairs = [(y.detach().numpy(), w) for y, w in zip(ys, wanted_ys, strict=True)] + [
        (finals.detach().numpy(), wanted_finals)
    ]
    pairs += [(x.grad.numpy(), w) for x, w in zip(leaves, wanted_xs, strict=True)] + [(hx.grad.numpy(), wanted_states)]
    pairs += [(p.grad.numpy(), paper.gradients[k]) for k, p in module.named_parameters()]
    far = max(float(np.abs(a - b).max() / max(1.0, np.abs(b).max())) for a, b in pairs)
    return (
        f"{name}: {layers} layers, {batch} x {steps}, {inputs} -> {units}, {lengths}, bidirectional={bidirectional}",
        far,
    )


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", POINTWISE)
def test_against_the_formulas_in_numpy(name: str, count: int) -> None:
    rng = random.Random(name)
    for _ in range(count):
        what, far = one(name, rng)
        assert far < 1e-11, what


def test_there_are_enough() -> None:
    assert len(POINTWISE) * MANY >= 500
