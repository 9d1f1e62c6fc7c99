"""What happens between calls of the fused engine: weights that change, graphs that are used twice, tensors that lie oddly."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from elman.engines import LayerCall, fused
from elman.nn import Recurrent

pytestmark = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")


def layer(seed: int = 0, **options: Any) -> Recurrent:
    options = {"engine": "fused", "bidirectional": True, "dtype": torch.float64, **options}
    return Recurrent(options.pop("cell", "lstm"), 64, 64, generator=torch.Generator().manual_seed(seed), **options)


def sequences(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


X = sequences(3, 2, 64)


def load(m: Recurrent) -> None:
    m.load_state_dict(layer(seed=5, dtype=m.weight_hh_l0.dtype).state_dict())


def step(m: Recurrent) -> None:
    optimiser = torch.optim.SGD(m.parameters(), lr=0.1)
    with torch.enable_grad():
        m(X.to(m.weight_hh_l0.dtype))[0].sum().backward()
    optimiser.step()


def by_numpy(m: Recurrent) -> None:
    m.weight_ih_l0_reverse.detach().numpy()[7, 3] += 1


def replaced(m: Recurrent) -> None:
    m.weight_hh_l0 = nn.Parameter(m.weight_hh_l0.detach().flip(0))


def swapped_data(m: Recurrent) -> None:
    m.weight_hh_l0.data = m.weight_hh_l0.data.roll(1, 0)


def every_sign(m: Recurrent) -> None:
    for parameter in m.parameters():
        parameter.neg_()


CHANGES: dict[str, Callable[[Recurrent], Any]] = {
    "one number": lambda m: m.bias_hh_l0.view(-1)[-1].add_(1),
    "one number by a hundredth": lambda m: m.weight_hh_l0.view(-1)[65].mul_(1.01),
    "the sign of a whole matrix": lambda m: m.weight_hh_l0.neg_(),
    "every sign": every_sign,
    "two signs": lambda m: m.weight_ih_l0[:2].neg_(),
    "twice as large": lambda m: m.weight_ih_l0.mul_(2),
    "two rows swapped": lambda m: m.weight_ih_l0.copy_(m.weight_ih_l0[[1, 0, *range(2, 256)]]),
    "both directions swapped": lambda m: m.weight_hh_l0.copy_(layer(dtype=m.weight_hh_l0.dtype).weight_hh_l0_reverse),
    "through .data": lambda m: m.weight_hh_l0.data.add_(0.1),
    "another .data": swapped_data,
    "through NumPy": by_numpy,
    "load_state_dict": load,
    "another Parameter": replaced,
    "an optimiser's step": step,
    "all zero": lambda m: m.weight_hh_l0.zero_(),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_way_of_changing_a_weight_is_seen(change: Callable[[Recurrent], Any], dtype: torch.dtype) -> None:
    module, x = layer(dtype=dtype), X.to(dtype)
    with torch.no_grad():
        before, again = module(x)[0], module(x)[0]
        assert torch.equal(before, again)
        change(module)
        after, fresh = module(x)[0], copy.deepcopy(module)(x)[0]
    assert torch.equal(after, fresh)
    assert not torch.equal(after, before)


def test_weights_of_one_call_alone() -> None:
    module = layer()
    with torch.no_grad():
        own = module(X)[0]
        other = {k: -v for k, v in module.named_parameters()}
        called = torch.func.functional_call(module, other, (X,))[0]
        assert torch.equal(module(X)[0], own)
        for k, v in other.items():
            dict(module.named_parameters())[k].copy_(v)
        assert torch.equal(module(X)[0], called)


def test_casts_between_calls() -> None:
    module = layer()
    with torch.no_grad():
        wide = module(X)[0]
        narrow = module.float()(X.float())[0]
        torch.testing.assert_close(narrow.double(), wide, rtol=0, atol=1e-5)
        torch.testing.assert_close(module.double()(X)[0], wide, rtol=0, atol=1e-5)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["copy", "pickle"])
def test_copies_after_calls(again: Callable[[Recurrent], Recurrent]) -> None:
    module = layer()
    with torch.no_grad():
        wanted = module(X)[0]
        copied = again(module)
        assert torch.equal(copied(X)[0], wanted)
        copied.weight_hh_l0.zero_()
        assert not torch.equal(copied(X)[0], wanted)
        assert torch.equal(module(X)[0], wanted)


def gradients(module: Recurrent, value: Tensor, **options: Any) -> list[Tensor]:
    return list(torch.autograd.grad(value, list(module.parameters()), **options))


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_going_back_twice_and_after_other_calls() -> None:
    module = layer()
    value = module(X)[0].square().sum()
    first = gradients(module, value, retain_graph=True)
    gradients(module, module(2 * X)[0].sum())
    assert same(first, gradients(module, value))
    with pytest.raises(RuntimeError, match="second time"):
        gradients(module, value)


def test_two_runs_are_bitwise_equal() -> None:
    for threads in (1, 2, 3):
        runs = [with_threads(threads, threads) for _ in range(2)]
        assert same(*runs)


def with_threads(forward: int, back: int) -> list[Tensor]:
    before = torch.get_num_threads()
    module, x = layer(), sequences(11, 9, 64).requires_grad_()
    try:
        torch.set_num_threads(forward)
        y, (h, c) = module(x)
        torch.set_num_threads(back)
        return [y, h, c, *torch.autograd.grad((y * y).sum() + h.sum() - c.sum(), [x, *module.parameters()])]
    finally:
        torch.set_num_threads(before)


def test_another_number_of_threads_between_forward_and_back() -> None:
    wanted = with_threads(1, 1)
    for forward, back in ((1, 3), (3, 1), (2, 3)):
        for a, b in zip(with_threads(forward, back), wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_frozen_weights() -> None:
    module, wanted = layer(), layer()
    whole = gradients(wanted, wanted(X)[0].sin().sum())
    for k, (frozen, _) in enumerate(module.named_parameters()):
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(name != frozen).grad = None
        module(X)[0].sin().sum().backward()
        for at, parameter in enumerate(module.parameters()):
            assert parameter.grad is None if at == k else torch.equal(parameter.grad, whole[at])


LAYOUTS: dict[str, Callable[[], Tensor]] = {
    "transposed": lambda: sequences(2, 3, 64).transpose(0, 1),
    "every second feature": lambda: sequences(3, 2, 128)[..., ::2],
    "features first": lambda: sequences(64, 3, 2).permute(1, 2, 0),
    "part of wider rows": lambda: sequences(3, 2, 100)[..., 9:73],
    "one row for all": lambda: sequences(64).expand(3, 2, 64),
    "overlapping windows": lambda: sequences(200).as_strided((3, 2, 64), (8, 4, 1)),
    "not at an aligned address": lambda: sequences(1 + 3 * 2 * 64)[1:].view(3, 2, 64),
}


@pytest.mark.parametrize("make", LAYOUTS.values(), ids=LAYOUTS)
def test_tensors_that_lie_oddly(make: Callable[[], Tensor]) -> None:
    """Input, states and the gradients that are sent back, wherever their numbers are."""
    module, x = layer(), make()
    states = [sequences(2, 64, 2).transpose(1, 2), sequences(64).expand(2, 2, 64)]
    sent = sequences(128, 2, 3).permute(2, 1, 0)
    results = []
    for dense in (False, True):
        inputs = [
            v.detach().clone(memory_format=torch.contiguous_format) if dense else v.detach() for v in (x, *states, sent)
        ]
        inputs = [v.requires_grad_() for v in inputs[:3]] + inputs[3:]
        y, last = module(inputs[0], tuple(inputs[1:3]))
        grads = torch.autograd.grad(
            [y, *last], [*inputs[:3], *module.parameters()], [inputs[3], *(v.detach() for v in inputs[1:3])]
        )
        results.append([y, *last, *grads])
    assert same(*results)


def test_one_tensor_in_several_places() -> None:
    """The same state twice, the same weights for both directions."""
    module, state = layer(), sequences(2, 2, 64).requires_grad_()
    weights = module.weights_of(0, 0)
    call = LayerCall(X.reshape(6, 64), [2, 2, 2], [weights, weights], (state, state), {})
    y, last = fused.run(module.trace, call)
    copies = {k: v.detach().clone().requires_grad_() for k, v in weights.items()}
    other = [state.detach().clone().requires_grad_() for _ in range(2)]
    wanted, wanted_last = fused.run(module.trace, call._replace(directions=[weights, copies], state=tuple(other)))
    assert same([y, *last], [wanted, *wanted_last])
    leaves = [state, *weights.values()]
    found = torch.autograd.grad(y.sin().sum() + last[1].sum(), leaves)
    apart = torch.autograd.grad(
        wanted.sin().sum() + wanted_last[1].sum(), [*other, *weights.values(), *copies.values()]
    )
    torch.testing.assert_close(found[0], apart[0] + apart[1], rtol=0, atol=1e-13)
    count = len(weights)
    for k in range(count):
        torch.testing.assert_close(found[1 + k], apart[2 + k] + apart[2 + count + k], rtol=0, atol=1e-12)
