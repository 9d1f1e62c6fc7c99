"""The fused engine's gradients by finite differences, whichever of the inputs ask for them."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from random_layers import cell_of
from torch import Tensor

from elman.engines import LayerCall, fused
from elman.nn import Recurrent

pytestmark = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")
SIZES = [3, 2, 2]


def problem(name: str, directions: int = 2) -> tuple[Recurrent, dict[str, Tensor], int]:
    """A layer of two directions and sequences of several lengths, and its inputs by name."""
    module = Recurrent(cell_of(name), 2, 3, bidirectional=directions == 2, dtype=torch.float64)
    generator = torch.Generator().manual_seed(len(name))
    inputs = {"rows": torch.randn(sum(SIZES), 2, generator=generator, dtype=torch.float64)}
    for state in module.trace.state:
        inputs[f"state {state}"] = torch.rand(directions, SIZES[0], 3, generator=generator, dtype=torch.float64) - 0.5
    for k, parameter in module.named_parameters():
        inputs[k] = 2 * torch.rand(parameter.shape, generator=generator, dtype=torch.float64) - 1
    return module, inputs, directions


def unroll(module: Recurrent, directions: int, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    ends = ["_l0", "_l0_reverse"][:directions]
    weights = [{k.removesuffix(e): v for k, v in inputs.items() if k.endswith(e)} for e in ends]
    state = tuple(v for k, v in inputs.items() if k.startswith("state"))
    y, last = fused.run(module.trace, LayerCall(inputs["rows"], SIZES, weights, state, {}))
    return (y, *last)


def check(name: str, asked: set[str] | None, directions: int = 2) -> None:
    module, inputs, directions = problem(name, directions)
    chosen = [k for k in inputs if asked is None or k in asked]

    def run(*values: Tensor) -> tuple[Tensor, ...]:
        return unroll(module, directions, inputs | dict(zip(chosen, values, strict=True)))

    leaves = [inputs[k].clone().requires_grad_() for k in chosen]
    assert torch.autograd.gradcheck(run, leaves, eps=1e-6, atol=1e-7, rtol=1e-5, nondet_tol=0.0), (name, chosen)


@pytest.mark.parametrize("name", ["elman", "lstm", "gru", "lstm-peephole", "indrnn", "minlstm", "ThreeStates", "Delay"])
def test_of_every_input(name: str) -> None:
    check(name, None)


@pytest.mark.parametrize("name", ["lstm", "gru", "PerUnit"])
def test_of_each_input_alone_and_of_some(name: str) -> None:
    names = list(problem(name, 1)[1])
    for one in names:
        check(name, {one}, 1)
    rng = random.Random(name)
    for _ in range(4):
        check(name, set(rng.sample(names, rng.randint(2, len(names) - 1))), 1)


@pytest.mark.parametrize("directions", [1, 2])
def test_who_does_not_ask_gets_none_and_the_others_the_same_bits(directions: int) -> None:
    module, inputs, _ = problem("lstm", directions)

    def gradients(asked: set[str]) -> dict[str, Tensor]:
        leaves = {k: v.clone().requires_grad_(k in asked) for k, v in inputs.items()}
        value: Any = sum((v * v).sum() for v in unroll(module, directions, leaves))
        value.backward()
        assert all(leaves[k].grad is None for k in leaves if k not in asked)
        return {k: leaves[k].grad for k in asked}

    every = gradients(set(inputs))
    for k in inputs:
        for asked in ({k}, set(inputs) - {k}):
            assert all(torch.equal(found, every[name]) for name, found in gradients(asked).items())


@pytest.mark.parametrize("which", [0, 1, 2])
def test_of_one_result_alone(which: int) -> None:
    """Only the outputs, only the final output, only the final memory: the others' gradients are absent."""
    module, inputs, directions = problem("lstm")
    leaves = {k: v.clone().requires_grad_() for k, v in inputs.items()}
    found = torch.autograd.grad(unroll(module, directions, leaves)[which].sin().sum(), list(leaves.values()))
    results = unroll(module, directions, leaves)
    value = results[which].sin().sum() + sum(0.0 * r.sum() for r in results)
    for a, b in zip(found, torch.autograd.grad(value, list(leaves.values())), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-14)
