"""Dropout between layers: where, how much, and from which generator."""

from __future__ import annotations

import pytest
import torch
from nn_grid import HERE
from torch import Tensor, nn

import elman.nn
from elman.nn import Recurrent, dropout

ENGINES = HERE


def lstm(p: float, engine: str = "loop", layers: int = 3, **options: bool) -> Recurrent:
    module = elman.nn.LSTM(4, 5, layers, dropout=p, engine=engine, dtype=torch.float64, **options)
    module.reset_parameters(torch.Generator().manual_seed(3))
    return module


def x_of(seed: int = 0) -> Tensor:
    return torch.randn(6, 3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("engine", ENGINES)
def test_p_one_silences_what_goes_between_the_layers(engine: str) -> None:
    """Every layer but the first then sees zeros: the output is that of the last layer alone on zeros."""
    module = lstm(1.0, engine, layers=2)
    output, (h, c) = module(x_of())
    last = nn.LSTM(5, 5, dtype=torch.float64)
    last.load_state_dict({k.replace("_l1", "_l0"): v for k, v in module.state_dict().items() if k.endswith("_l1")})
    wanted, (last_h, _) = last(torch.zeros(6, 3, 5, dtype=torch.float64))
    torch.testing.assert_close(output, wanted, rtol=0, atol=1e-13)
    torch.testing.assert_close(h[1:], last_h, rtol=0, atol=1e-13)
    module.eval()
    assert not torch.allclose(module(x_of())[0], output)
    torch.testing.assert_close(module(x_of())[1][1][0], c[0], rtol=0, atol=1e-13)


@pytest.mark.parametrize("engine", ENGINES)
def test_p_zero_and_evaluation_change_nothing(engine: str) -> None:
    plain = lstm(0.0, engine)
    half = lstm(0.5, engine)
    assert torch.equal(plain(x_of())[0], half.eval()(x_of())[0])
    assert not torch.equal(plain(x_of())[0], half.train()(x_of())[0])


@pytest.mark.parametrize("engine", ENGINES)
def test_the_last_layer_is_not_dropped(engine: str) -> None:
    """An output of exactly zero would be a dropped one."""
    output, _ = lstm(0.5, engine)(x_of())
    assert (output != 0).all()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_generator_of_its_own_repeats_and_leaves_the_global_one_alone(engine: str) -> None:
    module = lstm(0.5, engine)
    before = torch.get_rng_state()
    outputs = []
    for seed in (1, 1, 2):
        module.dropout_generator = torch.Generator().manual_seed(seed)
        outputs.append([module(x_of())[0], module(x_of())[0]])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(outputs[0][0], outputs[1][0])
    assert torch.equal(outputs[0][1], outputs[1][1])
    assert not torch.equal(outputs[0][0], outputs[0][1])
    assert not torch.equal(outputs[0][0], outputs[2][0])


def test_without_a_generator_it_is_torchs() -> None:
    """As in torch.nn: the same global seed gives the same masks, so a drop-in trains the same model."""
    module = lstm(0.5)
    theirs = nn.LSTM(4, 5, 3, dropout=0.5, dtype=torch.float64)
    theirs.load_state_dict(module.state_dict())
    outputs = []
    state = torch.get_rng_state()
    try:
        for each in (module, theirs):
            torch.manual_seed(5)
            outputs.append(each(x_of())[0])
    finally:
        torch.set_rng_state(state)
    torch.testing.assert_close(outputs[0], outputs[1], rtol=0, atol=1e-12)


def test_the_mean_stays_and_the_share_is_p() -> None:
    values = torch.ones(400, 500, dtype=torch.float64)
    for p in (0.1, 0.5, 0.9):
        dropped = dropout(values, p, torch.Generator().manual_seed(1))
        share = (dropped == 0).double().mean().item()
        assert share == pytest.approx(p, abs=5e-3)
        assert dropped.mean().item() == pytest.approx(1.0, abs=2e-2)
        torch.testing.assert_close(
            dropped[dropped != 0],
            torch.tensor(1 / (1 - p), dtype=torch.float64).expand(int((dropped != 0).sum())),
            rtol=1e-6,
            atol=0,
        )


def test_scaling_is_exact_in_float64() -> None:
    """The kept values are multiplied by 1 / (1 - p), in the precision of the values."""
    dropped = dropout(torch.ones(100, dtype=torch.float64), 0.3, torch.Generator().manual_seed(1))
    assert set(dropped.tolist()) == {0.0, 1 / 0.7}


def test_gradient_goes_through_what_was_kept() -> None:
    values = torch.randn(50, generator=torch.Generator().manual_seed(0)).requires_grad_()
    dropped = dropout(values, 0.5, torch.Generator().manual_seed(1))
    dropped.sum().backward()
    assert torch.equal(values.grad, torch.where(dropped == 0, 0.0, 2.0))
    assert dropout(values, 0.0, None) is values
    assert not dropout(values, 1.0, torch.Generator()).any()
    assert not dropout(values, 1.0, None).any()


def test_both_directions_and_lengths() -> None:
    module = lstm(0.5, bidirectional=True)
    packed = nn.utils.rnn.pack_padded_sequence(x_of(), torch.tensor([6, 2, 4]), enforce_sorted=False)
    results = []
    for _ in range(2):
        module.dropout_generator = torch.Generator().manual_seed(1)
        results.append(module(packed)[0].data)
    assert torch.equal(*results)
    assert results[0].shape == (12, 10)


def test_one_layer_with_dropout_warns_as_torch_does() -> None:
    for library in (nn, elman.nn):
        with pytest.warns(UserWarning, match="dropout option adds dropout after all but last recurrent layer"):
            library.GRU(2, 3, dropout=0.5)
