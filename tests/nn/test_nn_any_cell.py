"""`Recurrent` of any cell: layers, directions and lengths, against one sequence at a time through loops written by hand."""

from __future__ import annotations

import pytest
import torch
from hand_loops import HAND, unroll
from random_layers import ALL_CELLS, cell_of
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from elman.cells import names
from elman.nn import Recurrent

LENGTHS = [3, 7, 1, 7, 4]
I, H, L = 3, 4, 3


def module_of(name: str, *, layers: int = L, bidirectional: bool = True, seed: int = 0, **options: object) -> Recurrent:
    module = Recurrent(
        cell_of(name), I, H, layers, bidirectional=bidirectional, engine="loop", dtype=torch.float64, **options
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.7, 0.7, generator=generator)
    return module


def randn(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def states_for(module: Recurrent, batch: int) -> tuple[Tensor, ...]:
    full = module.num_layers * module.directions
    return tuple(randn(full, batch, H, seed=50 + k) * 0.5 for k in range(len(module.trace.state)))


def as_hx(states: tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
    return states if len(states) > 1 else states[0]


def as_tuple(hx: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return hx if isinstance(hx, tuple) else (hx,)


def one_by_hand(name: str, module: Recurrent, x: Tensor, states: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """One sequence [T, 1, I] through all layers and directions; states [layers * directions, 1, H]."""
    finals: list[list[Tensor]] = [[] for _ in states]
    for layer in range(module.num_layers):
        sides = []
        for direction in range(module.directions):
            end = f"_l{layer}" + ("_reverse" if direction else "")
            W = {k.removesuffix(end): p for k, p in module.named_parameters() if k.endswith(end)}
            at = layer * module.directions + direction
            outputs, final = unroll(HAND[name], W, x.flip(0) if direction else x, tuple(s[at] for s in states))
            sides.append(outputs.flip(0) if direction else outputs)
            for found, part in zip(finals, final, strict=True):
                found.append(part)
        x = torch.cat(sides, -1)
    return x, [torch.stack(f) for f in finals]


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("name", names())
def test_layers_directions_and_lengths_by_hand(name: str, bidirectional: bool) -> None:
    module = module_of(name, bidirectional=bidirectional)
    x, states = randn(max(LENGTHS), len(LENGTHS), I).requires_grad_(), states_for(module, len(LENGTHS))
    packed, hx = module(pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False), as_hx(states))
    output, lengths = pad_packed_sequence(packed)
    assert lengths.tolist() == LENGTHS
    by_hand = []
    for b, length in enumerate(LENGTHS):
        wanted, finals = one_by_hand(name, module, x[:length, b : b + 1], [s[:, b : b + 1] for s in states])
        torch.testing.assert_close(output[:length, b], wanted[:, 0], rtol=0, atol=1e-12)
        for found, final in zip(as_tuple(hx), finals, strict=True):
            torch.testing.assert_close(found[:, b], final[:, 0], rtol=0, atol=1e-12)
        by_hand.append(wanted.sin().sum() + sum((f * f).sum() for f in finals))
    inputs = [x, *module.parameters()]
    ours = torch.autograd.grad(packed.data.sin().sum() + sum((s * s).sum() for s in as_tuple(hx)), inputs)
    for found, wanted in zip(ours, torch.autograd.grad(sum(by_hand), inputs), strict=True):
        scale = max(1.0, wanted.abs().max().item())
        torch.testing.assert_close(found / scale, wanted / scale, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ALL_CELLS)
def test_what_stands_behind_the_end_of_a_sequence_changes_nothing(name: str) -> None:
    """Bit for bit: padding is not read, and NaN in it is not seen."""
    module, x = module_of(name), randn(7, 5, I)
    hx = as_hx(states_for(module, 5))
    nan = x.clone()
    for b, length in enumerate(LENGTHS):
        nan[length:, b] = float("nan")
    results = [module(pack_padded_sequence(v, torch.tensor(LENGTHS), enforce_sorted=False), hx) for v in (x, nan)]
    assert torch.equal(results[0][0].data, results[1][0].data)
    for a, b in zip(as_tuple(results[0][1]), as_tuple(results[1][1]), strict=True):
        assert torch.equal(a, b)
        assert a.isfinite().all()


@pytest.mark.parametrize("name", ALL_CELLS)
def test_nan_in_one_sequence_stays_there(name: str) -> None:
    module, x = module_of(name), randn(5, 3, I)
    clean, _ = module(x)
    x[2, 1] = float("nan")
    dirty, hx = module(x)
    torch.testing.assert_close(dirty[:, [0, 2]], clean[:, [0, 2]], rtol=0, atol=1e-13)
    assert all(s[:, [0, 2]].isfinite().all() for s in as_tuple(hx))
    assert dirty[:, 1].isnan().any()


@pytest.mark.parametrize("name", ALL_CELLS)
def test_order_of_the_batch_does_not_matter(name: str) -> None:
    module, x = module_of(name), randn(4, 5, I)
    states, order = states_for(module, 5), [3, 0, 4, 1, 2]
    output, hx = module(x, as_hx(states))
    moved, moved_hx = module(x[:, order], as_hx(tuple(s[:, order] for s in states)))
    torch.testing.assert_close(moved, output[:, order], rtol=0, atol=1e-13)
    for a, b in zip(as_tuple(moved_hx), as_tuple(hx), strict=True):
        torch.testing.assert_close(a, b[:, order], rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ALL_CELLS)
def test_in_pieces_with_the_state_carried_is_the_same_as_whole(name: str) -> None:
    module, x = module_of(name, bidirectional=False), randn(9, 2, I)
    hx = as_hx(states_for(module, 2))
    whole, final = module(x, hx)
    pieces = []
    for part in x.split([1, 5, 3]):
        output, hx = module(part, hx)
        pieces.append(output)
    torch.testing.assert_close(torch.cat(pieces), whole, rtol=0, atol=1e-13)
    for a, b in zip(as_tuple(hx), as_tuple(final), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", ALL_CELLS)
def test_the_reverse_direction_is_the_forward_one_on_a_mirrored_sequence(name: str) -> None:
    module, x = module_of(name, layers=1), randn(6, 2, I)
    mirror = module_of(name, layers=1)
    state = module.state_dict()
    mirror.load_state_dict(
        {k.removesuffix("_reverse") if k.endswith("_reverse") else f"{k}_reverse": v for k, v in state.items()}
    )
    output, hx = module(x)
    mirrored, mirrored_hx = mirror(x.flip(0))
    torch.testing.assert_close(mirrored.flip(0), torch.cat([output[..., H:], output[..., :H]], -1), rtol=0, atol=1e-14)
    for a, b in zip(as_tuple(mirrored_hx), as_tuple(hx), strict=True):
        torch.testing.assert_close(a, b.flip(0), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ALL_CELLS)
def test_forms_of_the_input_agree(name: str) -> None:
    """batch_first, unbatched, strided and packed input are the same sequences."""
    module = module_of(name)
    x, states = randn(5, 3, I), states_for(module, 3)
    wanted, hx = module(x, as_hx(states))
    first = module_of(name, batch_first=True)
    output, _ = first(x.transpose(0, 1).contiguous(), as_hx(states))
    torch.testing.assert_close(output.transpose(0, 1), wanted, rtol=0, atol=1e-14)
    single, single_hx = module(x[:, 1], as_hx(tuple(s[:, 1] for s in states)))
    torch.testing.assert_close(single, wanted[:, 1], rtol=0, atol=1e-13)
    for a, b in zip(as_tuple(single_hx), as_tuple(hx), strict=True):
        torch.testing.assert_close(a, b[:, 1], rtol=0, atol=1e-13)
    packed, _ = module(pack_padded_sequence(x, torch.tensor([5, 5, 5])), as_hx(states))
    torch.testing.assert_close(pad_packed_sequence(packed)[0], wanted, rtol=0, atol=1e-14)
    strided = randn(5, 3, I, 2)
    torch.testing.assert_close(module(strided[..., 1])[0], module(strided[..., 1].contiguous())[0], rtol=0, atol=0)


def test_cells_by_name_by_class_and_by_object() -> None:
    for cell in ("gru", type(cell_of("gru")), cell_of("gru")):
        assert [n for n, _ in Recurrent(cell, 2, 3).named_parameters()] == [
            "weight_ih_l0",
            "weight_hh_l0",
            "bias_ih_l0",
            "bias_hh_l0",
        ]
    assert [n for n, _ in Recurrent("indrnn", 2, 3, 2).named_parameters()] == [
        *("weight_ih_l0", "bias_ih_l0", "weight_p_l0"),
        *("weight_ih_l1", "bias_ih_l1", "weight_p_l1"),
    ]
    assert "cell=mgu, 2, 3" in repr(Recurrent("mgu", 2, 3))


def test_a_cell_without_any_weight() -> None:
    """Nothing to learn, but nothing to fall over either: a leaky counter, or an error that says what is missing."""
    from elman.cells import Cell
    from elman.errors import ElmanError

    class Leak(Cell):
        gates = ()

        def step(self, x, h, s):
            return {"h": 0.5 * s.h + 1}

    try:
        output, _ = Recurrent(Leak(), 2, 3)(torch.zeros(3, 1, 2))
    except ElmanError as error:
        assert "weight" in str(error)  # noqa: PT017 - both answers are right
        return
    assert output[:, 0, 0].tolist() == [1.0, 1.5, 1.75]
