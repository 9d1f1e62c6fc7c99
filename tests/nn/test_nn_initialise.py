"""Starting weights by name: shapes, statistics, generators, and what is refused."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import elman.nn
from elman.cells import Cell, names, sigmoid, tanh
from elman.errors import InputError
from elman.nn import SCHEMES, Recurrent, initialise

H, I = 64, 32


def started(
    cell: str | Cell,
    scheme: str = "torch",
    *,
    seed: int = 1,
    layers: int = 2,
    dtype: torch.dtype = torch.float64,
    bias: bool = True,
    **options: object,
) -> Recurrent:
    module = Recurrent(cell, I, H, layers, bias=bias, bidirectional=True, dtype=dtype)
    initialise(module, scheme, generator=torch.Generator().manual_seed(seed), **options)
    return module


def uniform_within(values: Tensor, bound: float) -> None:
    """All within the bound, spread as a uniform distribution is: deviation bound / √3, mean 0."""
    assert values.abs().max() <= bound
    assert values.abs().max() > 0.9 * bound
    n = values.numel()
    assert values.mean().item() == pytest.approx(0, abs=5 * bound / math.sqrt(3 * n))
    assert values.std().item() == pytest.approx(bound / math.sqrt(3), rel=5 / math.sqrt(n))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("cell", names())
def test_every_scheme_on_every_cell(cell: str, scheme: str) -> None:
    """Every parameter gets a value, the same one from the same seed, and the global generator is not touched."""
    module = started(cell, scheme)
    for name, parameter in module.named_parameters():
        assert parameter.isfinite().all()
        assert parameter.requires_grad
        assert parameter.is_leaf
        assert bool(parameter.detach().any()) or name.startswith("bias")
    before = torch.get_rng_state()
    twice = Recurrent(cell, I, H, 2, bidirectional=True, dtype=torch.float64)
    torch.set_rng_state(before)  # the constructor starts as torch.nn does
    initialise(twice, scheme, generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.get_rng_state(), before)
    for a, b in zip(module.parameters(), twice.parameters(), strict=True):
        assert torch.equal(a, b)
    other = started(cell, scheme, seed=2)
    assert not torch.equal(other.weight_ih_l0, module.weight_ih_l0)


def test_torch_is_torchs() -> None:
    module = started("lstm")
    for parameter in module.parameters():
        uniform_within(parameter.detach(), 1 / math.sqrt(H))
    weights = torch.cat([p.detach().ravel() for p in module.parameters()])
    assert weights.unique().numel() > 0.999 * weights.numel()


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman"])
def test_xavier_is_by_block(cell: str) -> None:
    """The bound is that of one gate's H x I block, not of the four stacked."""
    module = started(cell, "xavier")
    for name, parameter in module.named_parameters():
        if name.startswith("bias"):
            assert not parameter.any()
            continue
        for block in parameter.detach().split(H):
            uniform_within(block, math.sqrt(6 / (H + block.shape[1])))


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("cell", ["lstm", "gru", "mgu", "elman-relu"])
def test_orthogonal_blocks_keep_lengths(cell: str, scale: float) -> None:
    module = started(cell, "orthogonal", scale=scale)
    blocks = []
    for name, parameter in module.named_parameters():
        if name.startswith("weight_hh"):
            for block in parameter.detach().split(H):
                torch.testing.assert_close(
                    block @ block.T, scale**2 * torch.eye(H, dtype=torch.float64), rtol=0, atol=1e-12
                )
                blocks.append(block)
        elif name.startswith("weight_ih"):
            uniform_within(parameter.detach().split(H)[0], math.sqrt(6 / (H + parameter.shape[1])))
        elif name.startswith("bias"):
            assert not parameter.any()
    assert all(not torch.allclose(a, b) for k, a in enumerate(blocks) for b in blocks[:k])


@pytest.mark.parametrize("scale", [1.0, 0.3])
@pytest.mark.parametrize("cell", ["elman-relu", "lstm"])
def test_identity_is_exact(cell: str, scale: float) -> None:
    """IRNN: W_hh the identity times a scale, in the module's own precision, W_ih small and normal, no bias."""
    module = started(cell, "identity", scale=scale)
    for name, parameter in module.named_parameters():
        values = parameter.detach()
        if name.startswith("weight_hh"):
            for block in values.split(H):
                assert torch.equal(block, scale * torch.eye(H, dtype=torch.float64))
        elif name.startswith("weight_ih"):
            assert values.std().item() == pytest.approx(0.001, rel=5 / math.sqrt(values.numel()))
            assert values.mean().item() == pytest.approx(0, abs=5e-3 / math.sqrt(values.numel()))
        else:
            assert not values.any()


def test_an_irnn_adds_up_what_it_reads() -> None:
    """The reason for the identity: without input the state stays; with input it is summed."""
    module = elman.nn.RNN(2, 8, nonlinearity="relu", dtype=torch.float64)
    initialise(module, "identity", generator=torch.Generator().manual_seed(0))
    h0 = torch.rand(1, 1, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    _, h = module(torch.zeros(50, 1, 2, dtype=torch.float64), h0)
    assert torch.equal(h, h0)


def test_per_unit_weights() -> None:
    for scheme in ("torch", "xavier", "orthogonal"):
        module = started("indrnn", scheme)
        assert module.weight_p_l0.abs().max() <= 1 / math.sqrt(H)
        assert module.weight_p_l0.unique().numel() == H
    assert (started("indrnn", "identity", scale=0.75).weight_p_l1 == 0.75).all()


FORGET = {"lstm": 1, "lstm-peephole": 1, "gru": 1, "gru-cho": 1, "minlstm": 1}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("cell", FORGET)
def test_forget_bias_is_the_total_of_the_forget_gate_alone(cell: str, scheme: str) -> None:
    plain, module = started(cell, scheme), started(cell, scheme, forget_bias=1.5)
    t = module.trace
    for layer in range(2):
        for end in ("", "_reverse"):
            total = torch.zeros(H, dtype=torch.float64)
            for kind, gates in (("ih", t.x_gates), ("hh", t.h_gates)):
                name = f"bias_{kind}_l{layer}{end}"
                if not gates:
                    continue
                for gate, block, before in zip(
                    gates, getattr(module, name).split(H), getattr(plain, name).split(H), strict=True
                ):
                    if gate == t.forget_gate:
                        total = total + block
                    else:
                        assert torch.equal(block, before)
            assert (total == 1.5).all()
    for name, parameter in module.named_parameters():
        if name.startswith("weight"):
            assert torch.equal(parameter, getattr(plain, name))


def test_forget_bias_of_a_gate_that_reads_the_state_alone() -> None:
    class Blind(Cell):
        """Its forget gate does not see the input: the whole bias is in bias_hh."""

        gates = ("f", "g")
        forget_gate = "f"

        def step(self, x, h, s):
            f, g = sigmoid(h.f), tanh(x.g + h.g)
            return {"f": f, "h": f * s.h + (1 - f) * g}

    module = started(Blind(), "xavier", forget_bias=2.0)
    assert module.bias_ih_l0.shape == (H,)
    assert not module.bias_ih_l0.any()
    assert (module.bias_hh_l0[:H] == 2.0).all()
    assert not module.bias_hh_l0[H:].any()


def test_the_open_forget_gate_keeps_the_memory() -> None:
    """What the bias is for, measured: with 5 rather than 0, most of c survives 20 steps of silence."""
    kept = []
    for bias in (0.0, 5.0):
        module = elman.nn.LSTM(2, 16, dtype=torch.float64)
        initialise(module, "identity", generator=torch.Generator().manual_seed(0), scale=0.01, forget_bias=bias)
        c0 = torch.ones(1, 1, 16, dtype=torch.float64)
        _, (_, c) = module(torch.zeros(20, 1, 2, dtype=torch.float64), (0 * c0, c0))
        kept.append(c.mean().item())
    assert kept[0] < 1e-4
    assert kept[1] > 0.8


def test_what_is_refused() -> None:
    for scheme in ("he", "", "Xavier", None):
        with pytest.raises(InputError, match="torch, xavier, orthogonal, identity"):
            initialise(Recurrent("lstm", 2, 3), scheme)
    for cell in ("elman", "mgu", "indrnn", "mingru"):
        with pytest.raises(InputError, match=f"{cell} has no forget gate"):
            initialise(Recurrent(cell, 2, 3), forget_bias=1.0)
    with pytest.raises(InputError, match="no biases"):
        initialise(Recurrent("lstm", 2, 3, bias=False), forget_bias=1.0)


def test_refused_before_anything_is_changed() -> None:
    module = started("elman")
    before = {k: v.clone() for k, v in module.state_dict().items()}
    with pytest.raises(InputError):
        initialise(module, "xavier", forget_bias=1.0)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_float32_and_without_bias(scheme: str) -> None:
    module = started("lstm", scheme, dtype=torch.float32, bias=False)
    assert all(p.dtype == torch.float32 for p in module.parameters())
    assert not any("bias" in n for n, _ in module.named_parameters())


def test_gradients_are_not_recorded() -> None:
    module = started("lstm", "orthogonal", forget_bias=1.0)
    assert all(p.grad_fn is None for p in module.parameters())
    module(torch.zeros(3, 1, I, dtype=torch.float64))[0].sum().backward()
