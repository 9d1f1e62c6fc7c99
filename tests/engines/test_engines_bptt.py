"""`bptt` (NumPy, derived formulas) against autograd over the loop engine, for every cell there is and a dozen of strangers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from random_layers import ALL_CELLS, RandomLayer, as_module, hx_of, random_layer
from torch.func import functional_call
from written_cells import WRITTEN, Deaf

from elman.engines import Paper, bptt
from elman.errors import ShapeError
from elman.nn import Recurrent


def autograd(layer: RandomLayer) -> dict[str, np.ndarray]:
    module = as_module(layer)
    xs = torch.tensor(layer.xs, requires_grad=True)
    state = tuple(torch.tensor(s, requires_grad=True) for s in layer.state)
    outputs, _ = module(xs, hx_of(state))
    # A zero times every state keeps those in the graph that no output depends on.
    loss = (outputs * torch.from_numpy(layer.grad)).sum() + sum((0.0 * s).sum() for s in state) + (0.0 * xs).sum()
    loss = loss + sum((0.0 * p).sum() for p in module.parameters())
    loss.backward()
    gradients = {k: p.grad.numpy() for k, p in module.named_parameters()}
    return gradients | {"xs": xs.grad.numpy(), "state": np.stack([s.grad.numpy() for s in state])}


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", ALL_CELLS)
def test_bptt_equals_autograd(name: str, bias: bool) -> None:
    for steps, batch, inputs, units in ((5, 3, 3, 4), (1, 1, 1, 1), (2, 1, 4, 3), (17, 2, 2, 5)):
        layer = random_layer(name, bias=bias, steps=steps, batch=batch, inputs=inputs, units=units, seed=steps)
        wanted = autograd(layer)
        several = len(layer.state) > 1
        found = bptt(layer.cell, layer.weights, layer.xs, layer.grad, layer.state if several else layer.state[0])
        assert set(found) == set(wanted)
        found["state"] = np.stack(found["state"]) if several else found["state"][None]
        for k, gradient in wanted.items():
            scale = max(1.0, np.abs(gradient).max())
            np.testing.assert_allclose(
                found[k] / scale, gradient / scale, rtol=0, atol=1e-10, err_msg=f"{k}, T={steps}"
            )


@pytest.mark.parametrize("name", ALL_CELLS)
def test_gradients_of_every_input_by_finite_differences(name: str) -> None:
    """gradcheck at torch's own strictest: float64, no nondeterminism, every parameter, input and state."""
    layer = random_layer(name, steps=3, batch=2, inputs=2, units=3, seed=5)
    module = as_module(layer)
    keys = [k for k, _ in module.named_parameters()]
    parameters = tuple(p.detach().clone().requires_grad_() for p in module.parameters())
    state = tuple(torch.tensor(s, requires_grad=True) for s in layer.state)
    xs = torch.tensor(layer.xs, requires_grad=True)

    def run(xs: torch.Tensor, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        s, p = values[: len(state)], values[len(state) :]
        outputs, hx = functional_call(module, dict(zip(keys, p, strict=True)), (xs, hx_of(s)))
        return (outputs, *(hx if isinstance(hx, tuple) else (hx,)))

    assert torch.autograd.gradcheck(run, (xs, *state, *parameters), eps=1e-6, atol=1e-7, rtol=1e-5, nondet_tol=0.0)


@pytest.mark.parametrize("name", ["lstm", "gru", "ThreeStates", "LayerNorm"])
def test_bptt_by_finite_differences_in_numpy_alone(name: str) -> None:
    """No torch at all: Paper forward, perturbed."""
    layer = random_layer(name, steps=4, batch=1, inputs=2, units=3, seed=6)
    states = Paper(layer.cell, layer.weights).trace.state

    def loss(weights: dict[str, np.ndarray], xs: np.ndarray) -> float:
        paper = Paper(layer.cell, weights)
        steps = paper.forward(xs, dict(zip(states, layer.state, strict=True)))
        return float(sum((s.quantities[paper.output] * g).sum() for s, g in zip(steps, layer.grad, strict=True)))

    found = bptt(layer.cell, layer.weights, layer.xs, layer.grad, layer.state if len(states) > 1 else layer.state[0])
    values = {**layer.weights, "xs": layer.xs}
    rng = np.random.default_rng(7)
    for k in values:
        direction = rng.normal(size=values[k].shape)
        sides = []
        for sign in (1, -1):
            moved = {**values, k: values[k] + sign * 1e-6 * direction}
            sides.append(loss({n: v for n, v in moved.items() if n != "xs"}, moved["xs"]))
        assert (found[k] * direction).sum() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6, abs=1e-8), k


def test_forms_of_the_state() -> None:
    """The gradient of the state comes in the form and shape in which the state was given."""
    layer = random_layer("lstm", seed=2)
    h, c = layer.state
    plain = bptt("lstm", layer.weights, layer.xs, layer.grad, (h, c))
    assert isinstance(plain["state"], tuple)
    by_name = bptt("lstm", layer.weights, layer.xs, layer.grad, {"c": c, "h": h})
    assert set(by_name["state"]) == {"h", "c"}
    as_torch = bptt("lstm", layer.weights, layer.xs, layer.grad, (torch.from_numpy(h)[None], torch.from_numpy(c)[None]))
    assert [s.shape for s in as_torch["state"]] == [(1, 3, 4), (1, 3, 4)]
    for k, part in zip(("h", "c"), plain["state"], strict=True):
        np.testing.assert_array_equal(by_name["state"][k], part)
    np.testing.assert_array_equal(as_torch["state"][1][0], plain["state"][1])
    assert not np.allclose(plain["state"][0], plain["state"][1])
    nothing = bptt("lstm", layer.weights, layer.xs, layer.grad)
    zeros = bptt("lstm", layer.weights, layer.xs, layer.grad, (0 * h, 0 * c))
    np.testing.assert_array_equal(nothing["weight_hh_l0"], zeros["weight_hh_l0"])


@pytest.mark.parametrize("name", ["lstm", "gru", "indrnn", "PerUnit"])
def test_a_sequence_without_batch(name: str) -> None:
    layer = random_layer(name, batch=1, seed=4)
    batched = bptt(layer.cell, layer.weights, layer.xs, layer.grad)
    single = bptt(layer.cell, layer.weights, layer.xs[:, 0], layer.grad[:, 0])
    np.testing.assert_allclose(single["xs"], batched["xs"][:, 0], rtol=0, atol=1e-14)
    for k in layer.weights:
        np.testing.assert_allclose(single[k], batched[k], rtol=0, atol=1e-13)
    state = single["state"]
    assert all(s.shape == (4,) for s in (state if isinstance(state, tuple) else (state,)))


def test_names_without_layer_suffix_tensors_and_lists() -> None:
    layer = random_layer("gru", seed=1)
    wanted = bptt("gru", layer.weights, layer.xs, layer.grad)
    short = {k.removesuffix("_l0"): torch.from_numpy(v) for k, v in layer.weights.items()}
    found = bptt("gru", short, layer.xs.tolist(), layer.grad.tolist())
    np.testing.assert_array_equal(found["weight_hh"], wanted["weight_hh_l0"])


def test_wrong_shapes_say_which() -> None:
    layer = random_layer("lstm")
    cases = [
        ({}, layer.xs, layer.grad, None, "weight_ih_l0"),
        ({k: v for k, v in layer.weights.items() if k != "weight_hh_l0"}, layer.xs, layer.grad, None, "weight_hh_l0"),
        ({**layer.weights, "weight_hr_l0": np.ones(3)}, layer.xs, layer.grad, None, "weight_hr_l0"),
        ({**layer.weights, "weight_hh_l0": np.ones((16, 5))}, layer.xs, layer.grad, None, r"\[16, 4\]"),
        ({**layer.weights, "bias_ih_l0": np.ones(15)}, layer.xs, layer.grad, None, "bias_ih_l0"),
        ({**layer.weights, "weight_ih_l0": np.ones((15, 3))}, layer.xs, layer.grad, None, "15 rows"),
        (layer.weights, layer.xs[..., :2], layer.grad, None, "3 inputs"),
        (layer.weights, layer.xs[0, 0], layer.grad, None, "steps"),
        (layer.weights, layer.xs, layer.grad[1:], None, "grad_output"),
        (layer.weights, layer.xs, layer.grad, layer.state[0], "h, c"),
        (layer.weights, layer.xs, layer.grad, (layer.state[0], layer.state[1][:, :2]), "state c"),
        (layer.weights, layer.xs, layer.grad, {"h": layer.state[0], "k": layer.state[1]}, "k"),
    ]
    for weights, xs, grad, state, words in cases:
        with pytest.raises(ShapeError, match=words):
            bptt("lstm", weights, xs, grad, state)


def test_a_cell_that_does_not_read_its_input() -> None:
    """Its gradient by the input is zero; torch's names hold no weight_ih for it."""
    module = Recurrent(Deaf(), 3, 4, engine="loop", dtype=torch.float64)
    assert [k for k, _ in module.named_parameters()] == ["weight_hh_l0", "bias_hh_l0"]
    rng = np.random.default_rng(0)
    xs, grad = rng.normal(size=(5, 2, 3)), rng.normal(size=(5, 2, 4))
    outputs, _ = module(torch.from_numpy(xs))
    (outputs * torch.from_numpy(grad)).sum().backward()
    found = bptt(Deaf(), dict(module.named_parameters()), xs, grad)
    np.testing.assert_allclose(found["weight_hh_l0"], module.weight_hh_l0.grad.numpy(), rtol=1e-10, atol=1e-10)
    assert not found["xs"].any()
    assert found["xs"].shape == xs.shape


def test_the_registry_of_strangers_is_large_enough() -> None:
    assert len(WRITTEN) >= 10
