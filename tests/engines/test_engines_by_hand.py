"""Every built-in cell, on both engines, against loops written by hand from the papers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hand_loops import HAND, unroll
from random_layers import RandomLayer, as_module, hx_of, random_layer, states_of

from elman.cells import names
from elman.engines import Paper, bptt

GRID = [(name, bias) for name in names() for bias in (True, False)]


def by_hand(
    name: str, layer: RandomLayer, *, with_state_gradient: bool = True
) -> tuple[np.ndarray, list[np.ndarray], dict[str, np.ndarray]]:
    """Outputs, final states, and gradients by parameter, "xs" and "state"."""
    W = {k.removesuffix("_l0"): torch.tensor(v, requires_grad=True) for k, v in layer.weights.items()}
    xs = torch.tensor(layer.xs, requires_grad=True)
    state = tuple(torch.tensor(s, requires_grad=True) for s in layer.state)
    outputs, finals = unroll(HAND[name], W, xs, state)
    loss = (outputs * torch.from_numpy(layer.grad)).sum()
    if with_state_gradient:
        loss = loss + sum((f * torch.from_numpy(g)).sum() for f, g in zip(finals, layer.grad_state, strict=True))
    loss.backward()
    gradients = {f"{k}_l0": v.grad.numpy() for k, v in W.items()}
    gradients |= {"xs": xs.grad.numpy(), "state": np.stack([s.grad.numpy() for s in state])}
    return outputs.detach().numpy(), [f.detach().numpy() for f in finals], gradients


def test_every_built_in_cell_has_a_loop_by_hand() -> None:
    assert set(names()) == set(HAND)


@pytest.mark.parametrize(("name", "bias"), GRID)
@pytest.mark.parametrize("steps", [1, 2, 17])
def test_loop_engine(name: str, bias: bool, steps: int) -> None:
    layer = random_layer(name, bias=bias, steps=steps, seed=steps)
    outputs, finals, gradients = by_hand(name, layer)
    module = as_module(layer)
    xs = torch.tensor(layer.xs, requires_grad=True)
    state = tuple(torch.tensor(s, requires_grad=True) for s in layer.state)
    ours, hx = module(xs, hx_of(state))
    loss = (ours * torch.from_numpy(layer.grad)).sum()
    for final, wanted, grad in zip(states_of(hx), finals, layer.grad_state, strict=True):
        np.testing.assert_allclose(final.detach().numpy(), wanted, rtol=0, atol=1e-12)
        loss = loss + (final * torch.from_numpy(grad)).sum()
    loss.backward()
    np.testing.assert_allclose(ours.detach().numpy(), outputs, rtol=0, atol=1e-12)
    found = {k: p.grad.numpy() for k, p in module.named_parameters()}
    found |= {"xs": xs.grad.numpy(), "state": np.stack([s.grad.numpy() for s in state])}
    assert set(found) == set(gradients)
    for k, gradient in gradients.items():
        np.testing.assert_allclose(found[k], gradient, rtol=1e-10, atol=1e-10, err_msg=k)


@pytest.mark.parametrize(("name", "bias"), GRID)
def test_paper_engine(name: str, bias: bool) -> None:
    layer = random_layer(name, bias=bias, seed=3)
    outputs, finals, gradients = by_hand(name, layer, with_state_gradient=False)
    paper = Paper(layer.cell, layer.weights)
    steps = paper.forward(layer.xs, dict(zip(paper.trace.state, layer.state, strict=True)))
    np.testing.assert_allclose(np.stack([s.quantities[paper.output] for s in steps]), outputs, rtol=0, atol=1e-12)
    for k, final in zip(paper.trace.state, finals, strict=True):
        np.testing.assert_allclose(steps[-1].quantities[k], final, rtol=0, atol=1e-12)
    given = layer.state if len(layer.state) > 1 else layer.state[0]
    found = bptt(layer.cell, layer.weights, layer.xs, layer.grad, given)
    assert set(found) == set(gradients)
    for k, gradient in gradients.items():
        ours = (
            np.stack(found[k])
            if k == "state" and len(layer.state) > 1
            else found[k]
            if k != "state"
            else found[k][None]
        )
        np.testing.assert_allclose(ours, gradient, rtol=1e-10, atol=1e-10, err_msg=k)


@pytest.mark.parametrize("name", names())
def test_paper_engine_takes_gradients_of_the_final_state(name: str) -> None:
    layer = random_layer(name, seed=8)
    _, _, gradients = by_hand(name, layer)
    paper = Paper(layer.cell, layer.weights)
    states = paper.trace.state
    steps = paper.forward(layer.xs, dict(zip(states, layer.state, strict=True)))
    results = list(paper.backward(steps, layer.grad, dict(zip(states, layer.grad_state, strict=True))))
    assert len(results) == len(layer.xs)
    for k in layer.weights:
        np.testing.assert_allclose(
            sum(r.parameters[k] for r in results), gradients[k], rtol=1e-10, atol=1e-10, err_msg=k
        )
    np.testing.assert_allclose(np.stack([r.x for r in reversed(results)]), gradients["xs"], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(
        np.stack([results[-1].old[k] for k in states]), gradients["state"], rtol=1e-10, atol=1e-10
    )
