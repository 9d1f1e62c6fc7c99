"""Which engine ran, and why: never in silence."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from random_layers import ALL_CELLS, cell_of

from elman.cells import GRU, LSTM, Cell, get, sigmoid, tanh
from elman.engines import ENGINES, choose, fused
from elman.engines.fused import instruction_sets
from elman.equations import cell_from_text, cell_to_text, trace
from elman.errors import EngineError, InputError
from elman.nn import Recurrent

KERNELS = {"elman": "rnn_tanh", "elman-relu": "rnn_relu", "lstm": "lstm", "gru": "gru"}


def call(cell: Cell | str, engine: str = "auto", shape: tuple[int, ...] = (3, 2, 3)) -> Recurrent:
    module = Recurrent(cell, 3, 4, engine=engine)
    assert module.engine_used is None
    assert module.engine_reason is None
    module(torch.zeros(shape))
    return module


@pytest.mark.parametrize("name", ALL_CELLS)
def test_auto(name: str) -> None:
    module = call(cell_of(name))
    t = trace(cell_of(name))
    if instruction_sets() and t.obstacle is None:
        assert module.engine_used == "fused"
        return
    assert module.engine_used == ("torch" if name in KERNELS else "loop")
    assert (KERNELS.get(name) or t.name) in module.engine_reason
    assert (t.obstacle or "compiler") in module.engine_reason


@pytest.mark.parametrize("name", ALL_CELLS)
def test_without_the_compiled_kernels(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an installation without a C++ compiler: everything works, and one line says what is missing."""
    monkeypatch.setattr(fused, "_kernels", None)
    assert fused.instruction_sets() == ()
    module = call(cell_of(name))
    assert module.engine_used == ("torch" if name in KERNELS else "loop")
    assert "compiler" in module.engine_reason or trace(cell_of(name)).obstacle in module.engine_reason
    with pytest.raises(EngineError, match=r"compiler|mid-step"):
        call(cell_of(name), "fused")


@pytest.mark.parametrize("name", ALL_CELLS)
def test_loop_runs_every_cell(name: str) -> None:
    module = call(cell_of(name), "loop")
    assert (module.engine_used, module.engine_reason) == ("loop", "asked for")


@pytest.mark.parametrize("name", ALL_CELLS)
def test_torch_runs_the_standard_cells_and_refuses_the_others(name: str) -> None:
    if name in KERNELS:
        module = call(cell_of(name), "torch")
        assert (module.engine_used, module.engine_reason) == ("torch", "asked for")
    else:
        with pytest.raises(EngineError, match=trace(cell_of(name)).name):
            call(cell_of(name), "torch")


def test_fused_is_refused_with_a_reason() -> None:
    assert "fused" in ENGINES
    with pytest.raises(EngineError, match="mid-step" if instruction_sets() else "compiler"):
        call("mgu", "fused")
    with pytest.raises(EngineError, match="float16" if instruction_sets() else "compiler"):
        Recurrent("lstm", 3, 4, engine="fused", dtype=torch.float16)(torch.zeros(3, 2, 3, dtype=torch.float16))


@pytest.mark.parametrize("engine", ["Loop", "", "cudnn", "fused "])
def test_unknown_engine(engine: str) -> None:
    with pytest.raises(InputError, match="auto, fused, loop, torch"):
        Recurrent("lstm", 3, 4, engine=engine)
    with pytest.raises(InputError, match="auto, fused, loop, torch"):
        choose(engine, trace(get("lstm")))


def test_the_kernel_is_recognised_by_equations_not_by_name() -> None:
    class MyLSTM(LSTM):
        name = "mine"

    class Reset(GRU):
        """Not torch's GRU, although it says so."""

        name = "gru"

        def step(self, x, h, s):
            r, z = sigmoid(x.r + h.r), sigmoid(x.z + h.z)
            n = tanh(x.n + r * h.n)
            return {"r": r, "z": z, "n": n, "h": z * n + (1 - z) * s.h}

    class OtherOrder(LSTM):
        gates = ("f", "i", "g", "o")

    assert call(MyLSTM(), "torch").engine_used == "torch"
    assert call(cell_from_text(cell_to_text(get("lstm"))), "torch").engine_used == "torch"
    for other in (Reset(), OtherOrder()):
        with pytest.raises(EngineError, match="no kernel"):
            call(other, "torch")


@pytest.mark.parametrize(
    ("name", "engine"),
    [*product(("lstm", "gru", "elman"), ("auto", "loop", "torch")), ("mgu", "auto"), ("mgu", "loop")],
)
def test_a_batch_of_no_sequences(name: str, engine: str) -> None:
    """torch.nn gives empty outputs; so do we, on every engine, and say which ran."""
    module = Recurrent(name, 3, 4, num_layers=2, bidirectional=True, engine=engine)
    output, hx = module(torch.zeros(5, 0, 3))
    assert output.shape == (5, 0, 8)
    assert all(s.shape == (4, 0, 4) for s in (hx if isinstance(hx, tuple) else (hx,)))
    assert module.engine_used in ("loop", "torch")
    if name == "gru":
        theirs, final = torch.nn.GRU(3, 4, num_layers=2, bidirectional=True)(torch.zeros(5, 0, 3))
        assert (theirs.shape, final.shape) == (output.shape, hx.shape)


@pytest.mark.parametrize("engine", ["auto", "loop", "torch"])
def test_a_sequence_of_no_steps(engine: str) -> None:
    """Either nothing happens to the state, or the error (torch.nn's type, RuntimeError) names the steps."""
    module = Recurrent("lstm", 3, 4, engine=engine)
    hx = (torch.randn(1, 2, 4, generator=torch.Generator().manual_seed(0)), torch.ones(1, 2, 4))
    try:
        output, final = module(torch.zeros(0, 2, 3), hx)
    except RuntimeError as error:
        assert "step" in str(error)  # noqa: PT017 - both answers are right
        return
    assert output.shape == (0, 2, 4)
    assert all(torch.equal(a, b) for a, b in zip(final, hx, strict=True))
