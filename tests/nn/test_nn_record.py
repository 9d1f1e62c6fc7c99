"""`Recurrent.record`: every named quantity, against the derived formulas in NumPy, the loop engine, and itself on parts of an input."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from random_layers import ALL_CELLS, as_module, cell_of, hx_of, random_layer
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

import elman
import elman.nn
from elman.engines import Paper, fused
from elman.equations import compile_named, trace
from elman.errors import CellError, EngineError, ShapeError
from elman.nn import Recording, Recurrent

KERNELS = fused.instruction_sets() or ("",)
FUSED = "fused" if fused.instruction_sets() else "loop"


def random(*shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=dtype)


def equal(a: Recording, b: Recording, atol: float = 0.0) -> None:
    """The same names in the same order, and the same numbers."""
    assert len(a.layers) == len(b.layers)
    for here, there in zip(a.layers, b.layers, strict=True):
        for ours, theirs in zip(here, there, strict=True):
            assert list(ours) == list(theirs)
            for name, value in ours.items():
                torch.testing.assert_close(value, theirs[name], rtol=0, atol=atol, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("engine", ["auto", "loop"])
@pytest.mark.parametrize("name", ALL_CELLS)
def test_the_numbers_of_the_paper_engine(name: str, engine: str) -> None:
    layer = random_layer(name, units=37)
    module = as_module(layer, engine)
    found = module.record(torch.from_numpy(layer.xs), hx_of(tuple(map(torch.from_numpy, layer.state))))
    t = trace(layer.cell)
    assert found.engine == module.engine_used == (FUSED if engine == "auto" and t.obstacle is None else "loop")
    quantities = found.layers[0][0]
    assert list(quantities) == [k for k, _ in t.assignments]
    steps = Paper(layer.cell, layer.weights).forward(layer.xs, dict(zip(t.state, layer.state, strict=True)))
    for k, values in quantities.items():
        assert not values.requires_grad
        assert np.allclose(np.stack([s.quantities[k] for s in steps]), values.numpy(), rtol=1e-11, atol=1e-11), k
    final = found.state if isinstance(found.state, tuple) else (found.state,)
    assert all(torch.equal(quantities[k][-1], s[0]) for k, s in zip(t.state, final, strict=True))


def test_the_numbers_of_a_worked_example() -> None:
    module = elman.nn.LSTM(3, 4, dtype=torch.float64)
    xs = random(5, 3)
    worked = elman.worked("lstm", module.state_dict(), xs)
    for k, values in module.record(xs).layers[0][0].items():
        assert np.allclose(worked[k], values.numpy(), atol=1e-14), k


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 5e-6)])
def test_all_widths_of_panels(kernels: str, dtype: torch.dtype, atol: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "INSTRUCTION_SET", kernels)
    lengths = [pack_sequence([random(n, 6, dtype=dtype) for n in (5, 2, 1)])]
    for cell in ("lstm", "mingru", "elman"):
        for units in (1, 16, 33, 64, 65, 130):
            module = Recurrent(cell, 6, units, 2, bidirectional=True, dtype=dtype)
            for x in (random(4, 3, 6, dtype=dtype), *lengths):
                ours = module.record(x)
                module.engine = "loop"
                equal(ours, module.record(x), atol)
                module.engine = "auto"


@pytest.mark.parametrize("name", ["lstm", "gru", "ThreeStates", "mgu"])
def test_forms_of_the_input(name: str) -> None:
    module = Recurrent(cell_of(name), 3, 4, 2, bidirectional=True, dtype=torch.float64)
    x, units = random(5, 2, 3), 4
    padded = module.record(x)
    output, state = module(x)
    torch.testing.assert_close((padded.output, padded.state), (output, state), rtol=0, atol=1e-14)
    first = module.trace.state[0]
    for d in range(2):
        assert torch.equal(padded.layers[1][d][first], padded.output[..., d * units : (d + 1) * units])
    module.batch_first = True
    for here, there in zip(module.record(x.transpose(0, 1)).layers, padded.layers, strict=True):
        for ours, theirs in zip(here, there, strict=True):
            assert all(torch.equal(v.transpose(0, 1), theirs[k]) for k, v in ours.items())
    module.batch_first = False
    for here, there in zip(module.record(x[:, 0]).layers, padded.layers, strict=True):
        for ours, theirs in zip(here, there, strict=True):
            for k, v in ours.items():
                torch.testing.assert_close(v, theirs[k][:, 0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["lstm", "gru-cho", "OutOfOrder"])
def test_ragged_sequences_are_recorded_as_if_each_were_alone(name: str) -> None:
    module = Recurrent(cell_of(name), 3, 4, bidirectional=True, dtype=torch.float64)
    sequences = [random(n, 3) for n in (4, 7, 1, 4)]
    found = module.record(pack_sequence(sequences, enforce_sorted=False))
    for d in range(2):
        for k, values in found.layers[0][d].items():
            assert isinstance(values, PackedSequence)
            padded, lengths = pad_packed_sequence(values)
            for b, sequence in enumerate(sequences):
                alone = module.record(sequence).layers[0][d][k]
                torch.testing.assert_close(padded[: lengths[b], b], alone, rtol=0, atol=1e-14)


def test_the_second_direction_reads_from_the_end() -> None:
    module = elman.nn.GRU(3, 4, bidirectional=True, dtype=torch.float64)
    alone = elman.nn.GRU(3, 4, dtype=torch.float64)
    own = {k.removesuffix("_reverse"): v for k, v in module.state_dict().items() if k.endswith("_reverse")}
    alone.load_state_dict(own)
    x = random(5, 2, 3)
    expected = alone.record(x.flip(0)).layers[0][0]
    for k, values in module.record(x).layers[0][1].items():
        torch.testing.assert_close(values, expected[k].flip(0), rtol=0, atol=1e-14)


def test_engines_and_reasons() -> None:
    x = random(3, 2, 3, dtype=torch.float32)
    module = elman.nn.LSTM(3, 4, engine="torch")
    assert module.record(x).engine == FUSED
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = module.record(x)
    assert (found.engine, module.engine_used) == ("loop", "loop")
    assert "gates" in found.reason
    assert "autocast" in found.reason
    with pytest.raises(EngineError, match="mid-step" if fused.instruction_sets() else "compiler"):
        Recurrent("mgu", 3, 4, engine="fused").record(x)
    with pytest.raises(ShapeError, match="input_size"):
        module.record(x[..., :2])
    with pytest.raises(CellError, match="mid-step"):
        compile_named(trace(cell_of("mgu")))


def test_no_sequences_and_a_rounded_product() -> None:
    module = elman.nn.LSTM(3, 4, 2, bidirectional=True)
    found = module.record(torch.zeros(5, 0, 3))
    assert {v.shape for layer in found.layers for d in layer for v in d.values()} == {(5, 0, 4)}
    if fused.instruction_sets():
        rounded: Any = elman.nn.LSTM(3, 4, precision="bf16")
        rounded.load_state_dict(elman.nn.LSTM(3, 4).state_dict())
        x = random(6, 2, 3, dtype=torch.float32)
        recorded = rounded.record(x)
        assert torch.equal(recorded.layers[0][0]["h"], rounded(x)[0])
        assert recorded.layers[0][0]["f"].dtype is torch.float32


def test_recording_in_training_draws_masks_and_changes_no_gradients() -> None:
    module = elman.nn.GRU(3, 8, 2, dropout=0.5)
    module.dropout_generator = torch.Generator()
    x, outputs = random(4, 2, 3, dtype=torch.float32), []
    for run in (lambda: module(x)[0], lambda: module.record(x).output):
        module.dropout_generator.manual_seed(1)
        outputs.append(run())
    torch.testing.assert_close(outputs[0], outputs[1])
    assert all(p.grad is None for p in module.parameters())
    assert torch.is_grad_enabled()


def test_recording_stays_outside_of_a_graph() -> None:
    module, x = elman.nn.GRU(3, 4), random(4, 2, 3, dtype=torch.float32)

    def last_gate(x: torch.Tensor) -> Any:
        return module.record(x * 1.0).layers[0][0]["z"][-1] + 1

    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert torch.equal(torch.compile(last_gate, backend="eager")(x), last_gate(x))
