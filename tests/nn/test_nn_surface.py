"""What code written for torch.nn does with a module: copies, casts, functional calls, seeds, states of other shapes."""

from __future__ import annotations

import copy
import inspect

import pytest
import torch
from nn_grid import HERE
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import elman.nn
from elman.nn import Recurrent

NAMES = ("RNN", "LSTM", "GRU")


def seeded(function: object, seed: int) -> object:
    state = torch.get_rng_state()
    try:
        torch.manual_seed(seed)
        return function()
    finally:
        torch.set_rng_state(state)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_first_weights(name: str) -> None:
    for options in ({}, {"num_layers": 3, "bidirectional": True}, {"bias": False, "num_layers": 2}):
        theirs = seeded(lambda o=options: getattr(nn, name)(4, 5, **o), 7)
        module = seeded(lambda o=options: getattr(elman.nn, name)(4, 5, **o), 7)
        for (a, p), (b, q) in zip(module.named_parameters(), theirs.named_parameters(), strict=True):
            assert a == b
            assert torch.equal(p, q)


@pytest.mark.parametrize("name", NAMES)
def test_constructor_is_torchs_and_more(name: str) -> None:
    """Positional order too: torch.nn's arguments first."""
    order = ["input_size", "hidden_size", "num_layers"] + (["nonlinearity"] if name == "RNN" else [])
    order += ["bias", "batch_first", "dropout", "bidirectional"]
    parameters = list(inspect.signature(getattr(elman.nn, name)).parameters)
    assert parameters[: len(order)] == order
    values = [3, 4, 2] + (["relu"] if name == "RNN" else []) + [False, True, 0.0, True]
    module, theirs = getattr(elman.nn, name)(*values), getattr(nn, name)(*values)
    for attribute in ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional"):
        assert getattr(module, attribute) == getattr(theirs, attribute)
    assert list(module.state_dict()) == list(theirs.state_dict())
    assert set(inspect.signature(getattr(elman.nn, name)).parameters) >= {"device", "dtype", "engine"}


def call(module: nn.Module, seed: int = 0) -> torch.Tensor:
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    output, _ = module(x.to(next(module.parameters()).dtype))
    return output


@pytest.mark.parametrize("engine", ["auto", *HERE])
@pytest.mark.parametrize("name", NAMES)
def test_deepcopy_is_independent(name: str, engine: str) -> None:
    module = getattr(elman.nn, name)(3, 4, 2, bidirectional=True, engine=engine, dtype=torch.float64)
    before = call(module)
    again = copy.deepcopy(module)
    assert torch.equal(call(again), before)
    with torch.no_grad():
        again.weight_hh_l0.zero_()
    assert torch.equal(call(module), before)
    assert not torch.equal(call(again), before)
    again = copy.deepcopy(module)
    call(again).sum().backward()
    assert module.weight_ih_l0.grad is None
    assert again.engine == engine


def test_a_module_with_a_generator_can_be_copied() -> None:
    module = elman.nn.LSTM(3, 4, 2, dropout=0.5)
    module.dropout_generator = torch.Generator().manual_seed(1)
    again = copy.deepcopy(module)
    assert module.dropout_generator is not None
    assert torch.equal(call(again.eval()), call(module.eval()))


@pytest.mark.parametrize("engine", HERE)
@pytest.mark.parametrize("name", NAMES)
def test_functional_call(name: str, engine: str) -> None:
    """Other weights for one call; the module's own stay."""
    module = getattr(elman.nn, name)(3, 4, 2, engine=engine, dtype=torch.float64)
    other = getattr(nn, name)(3, 4, 2, dtype=torch.float64)
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = {k: v.detach().clone().requires_grad_() for k, v in other.named_parameters()}
    own = module(x)[0]
    output, _ = torch.func.functional_call(module, weights, (x,))
    wanted, _ = other(x)
    torch.testing.assert_close(output, wanted, rtol=0, atol=1e-12)
    output.sum().backward()
    wanted.sum().backward()
    for k, v in other.named_parameters():
        torch.testing.assert_close(weights[k].grad, v.grad, rtol=0, atol=1e-10)
    assert all(p.grad is None for p in module.parameters())
    assert torch.equal(module(x)[0], own)


@pytest.mark.parametrize("engine", ["auto", "loop", "torch"])
def test_casts(engine: str) -> None:
    module = elman.nn.GRU(3, 4, 2, engine=engine)
    assert call(module).dtype == torch.float32
    single = call(module)
    double = call(module.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=0, atol=1e-6)
    assert call(module.bfloat16()).dtype == torch.bfloat16
    module.float()
    meta = elman.nn.LSTM(3, 4, engine="loop", device="meta")
    assert meta.weight_ih_l0.is_meta


def test_float32_is_about_as_accurate_as_torchs() -> None:
    """Against the float64 truth: our error is at most a few times torch.nn's."""
    for name in NAMES:
        truth = getattr(nn, name)(16, 32, 2, dtype=torch.float64)
        x = torch.randn(64, 4, 16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        wanted = truth(x)[0]
        theirs, module = getattr(nn, name)(16, 32, 2), getattr(elman.nn, name)(16, 32, 2, engine="loop")
        theirs.load_state_dict(truth.state_dict())
        module.load_state_dict(truth.state_dict())
        errors = [(each(x.float())[0].double() - wanted).abs().max().item() for each in (module, theirs)]
        assert errors[0] <= 3 * errors[1], (name, errors)


def test_state_dict_refuses_what_does_not_fit() -> None:
    module = elman.nn.LSTM(3, 4)
    with pytest.raises(RuntimeError, match="size mismatch"):
        module.load_state_dict(nn.LSTM(3, 5).state_dict())
    with pytest.raises(RuntimeError, match="Missing key"):
        module.load_state_dict(nn.LSTM(3, 4, bias=False).state_dict())
    with pytest.raises(RuntimeError, match="Unexpected key"):
        elman.nn.LSTM(3, 4, bias=False).load_state_dict(nn.LSTM(3, 4).state_dict())


def test_modes_requires_grad_and_train() -> None:
    module = elman.nn.LSTM(3, 4, engine="loop")
    with torch.no_grad():
        assert not call(module).requires_grad
    with torch.inference_mode():
        call(module)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    assert not call(module).requires_grad
    module.weight_hh_l0.requires_grad_(True)
    call(module).sum().backward()
    assert module.weight_ih_l0.grad is None
    assert module.weight_hh_l0.grad is not None
    module.flatten_parameters()
    assert module.eval() is module


def test_packed_sequences_come_back_as_they_were() -> None:
    """Same batch sizes and indices, so that pad_packed_sequence restores the caller's order."""
    sequences = [torch.randn(n, 3, generator=torch.Generator().manual_seed(n)) for n in (2, 5, 3)]
    packed = pack_sequence(sequences, enforce_sorted=False)
    for engine in HERE:
        module = elman.nn.GRU(3, 4, bidirectional=True, engine=engine)
        output, h = module(packed)
        assert isinstance(output, PackedSequence)
        assert torch.equal(output.batch_sizes, packed.batch_sizes)
        assert torch.equal(output.sorted_indices, packed.sorted_indices)
        assert torch.equal(output.unsorted_indices, packed.unsorted_indices)
        padded, lengths = nn.utils.rnn.pad_packed_sequence(output)
        assert lengths.tolist() == [2, 5, 3]
        for b, length in enumerate(lengths):
            torch.testing.assert_close(h[0, b], padded[length - 1, b, :4])
            torch.testing.assert_close(h[1, b], padded[0, b, 4:])


def test_lstm_takes_a_list_of_states_as_torch_does() -> None:
    module, theirs = elman.nn.LSTM(3, 4), nn.LSTM(3, 4)
    theirs.load_state_dict(module.state_dict())
    x, hx = torch.ones(2, 1, 3), [torch.ones(1, 1, 4), -torch.ones(1, 1, 4)]
    torch.testing.assert_close(module(x, hx)[0], theirs(x, hx)[0])


def test_outputs_do_not_share_memory_with_the_caller() -> None:
    """Writing into what came back changes neither the input nor the initial state."""
    for cell in ("elman", "mingru", "lstm"):
        for engine in ("auto", "loop"):
            module = Recurrent(cell, 3, 3, engine=engine)
            x, h = torch.ones(1, 2, 3), torch.full((1, 2, 3), 0.5)
            hx = (h, h.clone()) if cell == "lstm" else h
            with torch.no_grad():
                output, final = module(x, hx)
                output.fill_(9.0)
                for part in final if isinstance(final, tuple) else (final,):
                    part.fill_(7.0)
            assert (x == 1).all()
            assert (h == 0.5).all()


def test_proj_size_names_who_has_it() -> None:
    with pytest.raises(NotImplementedError, match=r"torch\.nn\.LSTM"):
        elman.nn.LSTM(3, 4, proj_size=2)
    assert elman.nn.LSTM(3, 4, proj_size=0).proj_size == 0
    for name in ("RNN", "GRU"):
        for library in (nn, elman.nn):
            with pytest.raises(ValueError, match="proj_size"):
                getattr(library, name)(3, 4, proj_size=2)


def test_gradients_of_each_sequence_by_vmap() -> None:
    module = elman.nn.LSTM(3, 4, engine="loop", dtype=torch.float64)
    weights = {k: v.detach() for k, v in module.named_parameters()}
    x = torch.randn(6, 5, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def loss(weights: dict[str, torch.Tensor], sequence: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(module, weights, (sequence,))[0].square().sum()

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))(weights, x)
    for b in range(len(x)):
        one = torch.func.grad(loss)(weights, x[b])
        for k, gradient in one.items():
            torch.testing.assert_close(each[k][b], gradient, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", ["lstm", "gru", "gru-cho", "minlstm"])
def test_second_derivatives(cell: str) -> None:
    module = Recurrent(cell, 2, 3, engine="loop", dtype=torch.float64)
    x = torch.randn(3, 1, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda v: module(v)[0], (x,))


@pytest.mark.parametrize("engine", HERE)
def test_parametrised_weights(engine: str) -> None:
    """Weights that are computed from others, as torch.nn.utils.parametrize makes them."""

    class Halved(nn.Module):
        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return 0.5 * weight

    module, theirs = elman.nn.GRU(3, 4, engine=engine, dtype=torch.float64), nn.GRU(3, 4, dtype=torch.float64)
    theirs.load_state_dict(module.state_dict())
    with torch.no_grad():
        theirs.weight_hh_l0.mul_(0.5)
    nn.utils.parametrize.register_parametrization(module, "weight_hh_l0", Halved())
    torch.testing.assert_close(call(module), call(theirs), rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", ["auto", "loop", "torch"])
@pytest.mark.parametrize("name", NAMES)
def test_autocast(name: str, engine: str) -> None:
    module = getattr(elman.nn, name)(3, 4, 2, engine=engine)
    x = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output, _ = module(x)
    torch.testing.assert_close(output.float(), module(x)[0], rtol=0, atol=2e-2)
