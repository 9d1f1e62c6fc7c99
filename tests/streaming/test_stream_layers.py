"""Recurrent layers step by step: against the module over the whole sequence, on every cell, precision, size and build of the kernels."""

from __future__ import annotations

import random as dice

import pytest
import torch
from streamed import HAVE_KERNELS, POINTWISE, hx, layers_of, on_the_loop, parts, random, worst

from elman.cells import names
from elman.nn import GRU, LSTM, RNN, Recurrent

# Inputs, units, layers, batch: below, at and above the width of a vector and of a panel.
SHAPES = [
    (1, 1, 1, 1),
    (3, 4, 2, 3),
    (5, 7, 3, 2),
    (70, 33, 1, 7),
    (16, 64, 2, 1),
    (65, 65, 1, 4),
    (130, 128, 1, 5),
    (9, 20, 3, 1),
]


@pytest.mark.parametrize("name", POINTWISE)
def test_every_cell_in_float64(name: str, kernels: str) -> None:
    for inputs, units, layers, batch in SHAPES:
        module = layers_of(name, inputs, units, layers)
        stream = module.stream(batch)
        assert stream.engine_used == "fused"
        stream.state = start = hx(stream)
        xs = random(6, batch, inputs)
        expected, final = on_the_loop(module)(xs, start)
        for x, y in zip(xs, expected, strict=True):
            assert worst(stream.step(x), y) < 1e-12, (inputs, units, layers, batch)
        assert worst(stream.state, final) < 1e-12
        assert [s.shape for s in parts(stream.state)] == [s.shape for s in parts(final)]


@pytest.mark.parametrize(
    "name", ["elman", "gru", "lstm", "lstm-peephole", "indrnn", "mingru", "minlstm", "Delay", "ThreeStates"]
)
def test_float32_is_as_near_to_float64_as_the_loop_engine(name: str, kernels: str) -> None:
    for inputs, units, layers, batch in ((40, 48, 2, 3), (65, 100, 1, 1)):
        exact = layers_of(name, inputs, units, layers)
        module = layers_of(name, inputs, units, layers, torch.float32)
        xs = random(20, batch, inputs, dtype=torch.float32)
        wanted = exact(xs.double())[0]
        theirs = on_the_loop(module)(xs)[0]
        stream = module.stream(batch)
        ours = torch.stack([stream.step(x) for x in xs])
        assert ours.dtype == torch.float32
        assert worst(ours, wanted) < 1.5 * worst(theirs, wanted) + 5e-7


@pytest.mark.parametrize("name", POINTWISE)
def test_bf16_is_float32_with_rounded_matrices(name: str, kernels: str) -> None:
    for inputs, units, layers, batch in ((5, 7, 2, 3), (33, 70, 1, 1), (64, 64, 1, 5), (3, 130, 1, 2)):
        module = layers_of(name, inputs, units, layers, torch.float32)
        stream = module.stream(batch, precision="bf16")
        rounded = layers_of(name, inputs, units, layers, torch.float32)
        with torch.no_grad():
            for parameter in rounded.parameters():
                if parameter.dim() == 2:
                    parameter.copy_(parameter.bfloat16())
        reference = rounded.stream(batch)
        for x in random(8, batch, inputs, dtype=torch.float32):
            assert worst(stream.step(x), reference.step(x)) < 3e-6, (inputs, units, batch)


def test_bf16_rounds_as_torch_does(kernels: str) -> None:
    """Ties to even, the largest numbers, zeros, infinities; at an even and at an odd place."""
    for value in (1.00390625, 1.01171875, 1.0, 3.4e38, 3.38e38, 0.0, 1e-30, float("inf"), 1 / 3, 65280.5, float("nan")):
        module = Recurrent("elman-relu", 2, 2, bias=False)
        with torch.no_grad():
            module.weight_ih_l0.copy_(torch.tensor([[value, -value], [-value, value]]))
            module.weight_hh_l0.zero_()
        stream = module.stream(precision="bf16")
        rounded = torch.tensor([[value, -value], [-value, value]]).bfloat16().float()
        for place in (0, 1):
            x = torch.zeros(1, 2)
            x[0, place] = 1.0
            expected = torch.relu(x @ rounded.t())
            assert torch.equal(stream.step(x).nan_to_num(-1), expected.nan_to_num(-1)), value


@pytest.mark.parametrize("name", names())
def test_error_of_bf16(name: str) -> None:
    module = layers_of(name, 20, 50, 2, torch.float32)
    stream, exact = module.stream(2, precision="bf16"), on_the_loop(module).stream(2)
    for x in random(30, 2, 20, dtype=torch.float32):
        assert worst(stream.step(x), exact.step(x)) < 0.03


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 5, 6, 7, 13, 50])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_any_number_of_sequences_side_by_side_is_each_alone(batch: int, precision: str, threads: int) -> None:
    module = layers_of("gru", 6, 70, 2, torch.float32)
    together = module.stream(batch, precision=precision)
    alone = [module.stream(precision=precision) for _ in range(batch)]
    for x in random(5, batch, 6, dtype=torch.float32):
        y = together.step(x)
        each = torch.cat([one.step(x[k : k + 1]) for k, one in enumerate(alone)])
        assert worst(y, each) < 2e-6


def test_several_threads_give_what_one_gives(threads: int, kernels: str) -> None:
    """Wide enough that the kernels share the work."""
    module = layers_of("lstm", 30, 300, 2, torch.float32)
    stream = module.stream(1)
    if HAVE_KERNELS and threads > 1:
        assert stream._kernel.threads == threads  # type: ignore[attr-defined]
    xs = random(10, 1, 30, dtype=torch.float32)
    expected = on_the_loop(module)(xs)[0]
    assert worst(torch.stack([stream.step(x) for x in xs]), expected) < 3e-6


def test_random_shapes() -> None:
    rng = dice.Random(5)
    for _ in range(60):
        inputs, units, layers, batch = rng.randint(1, 90), rng.randint(1, 140), rng.randint(1, 3), rng.randint(1, 9)
        module = layers_of(rng.choice(POINTWISE), inputs, units, layers)
        stream, reference = module.stream(batch), on_the_loop(module).stream(batch)
        for x in random(3, batch, inputs, seed=rng.randint(0, 9)):
            assert worst(stream.step(x), reference.step(x)) < 1e-12


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_torch_nn_agrees(kind: type, bias: bool) -> None:
    module = kind(5, 9, 2, bias=bias)
    theirs = getattr(torch.nn, kind.__name__)(5, 9, 2, bias=bias)
    theirs.load_state_dict(module.state_dict())
    stream = module.stream(3)
    xs = random(4, 3, 5, dtype=torch.float32)
    with torch.no_grad():
        expected, final = theirs(xs)
    assert worst(torch.stack([stream.step(x) for x in xs]), expected) < 1e-6
    assert worst(stream.state, final) < 1e-6


@pytest.mark.parametrize("engine", ["auto", "loop", "torch", "fused"])
@pytest.mark.parametrize("batch_first", [True, False])
def test_every_engine_has_the_same_object(engine: str, batch_first: bool) -> None:
    if engine == "fused" and not HAVE_KERNELS:
        pytest.skip("Elman was installed without a C++ compiler")
    module = layers_of("lstm", 4, 6, 2, batch_first=batch_first, dropout=0.5)
    module.engine = engine
    stream = module.stream(3)
    assert stream.engine_used == {"auto": "fused" if HAVE_KERNELS else "torch"}.get(engine, engine)
    assert stream.engine_reason
    assert stream.batch == 3
    start = stream.state = hx(stream)
    xs = random(5, 3, 4)
    expected, final = on_the_loop(module).eval()(xs.transpose(0, 1) if batch_first else xs, start)
    ours = torch.stack([stream.step(x) for x in xs], 1 if batch_first else 0)
    assert worst(ours, expected) < 1e-12
    assert worst(stream.state, final) < 1e-12
    stream.reset()
    assert all(not s.any() for s in parts(stream.state))


@pytest.mark.parametrize("name", ["gru-cho", "mgu", "LayerNorm", "MidStep"])
def test_cells_that_are_not_pointwise_stream_on_the_loop_and_say_so(name: str) -> None:
    module = layers_of(name, 4, 6, 2)
    stream = module.stream(2)
    assert stream.engine_used == "loop"
    assert "mid-step" in stream.engine_reason
    xs = random(5, 2, 4)
    assert worst(torch.stack([stream.step(x) for x in xs]), module(xs)[0]) < 1e-12


def test_a_machine_without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    from elman.engines import fused

    module = layers_of("mingru", 4, 6)
    xs = random(5, 2, 4)
    expected = module(xs)[0]
    monkeypatch.setattr(fused, "_kernels", None)
    stream = module.stream(2)
    assert stream.engine_used == "loop"
    assert "compiler" in stream.engine_reason
    assert worst(torch.stack([stream.step(x) for x in xs]), expected) < 1e-12
