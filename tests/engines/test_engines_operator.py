"""The operators `elman::layer` and `elman::layer_backward`, and modules inside graphs that torch compiles."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from random_layers import cell_of
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn.utils.rnn import pack_sequence

import elman.nn
from elman.cells import names
from elman.engines import LayerCall, fused, operator
from elman.equations import trace
from elman.errors import EngineError, ShapeError
from elman.nn import Recurrent

pytestmark = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")
POINTWISE = [name for name in names() if trace(cell_of(name)).obstacle is None]
RUNS = [2, 3, 1, 2, 1, 1]  # steps and sequences: [3, 3, 2, 1]


@pytest.fixture(autouse=True)
def graphs() -> Iterator[None]:
    """Each test compiles anew, and hears torch's own warnings about itself as warnings."""
    torch._dynamo.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        yield


def arguments(
    cell: str, *, directions: int = 2, grad: bool = True, runs: Any = RUNS, units: int = 4
) -> tuple[Any, ...]:
    g = torch.Generator().manual_seed(len(cell))
    module = Recurrent(cell, 3, units, bidirectional=directions == 2, dtype=torch.float64, generator=g)
    count, batch = sum(a * b for a, b in zip(runs[::2], runs[1::2], strict=True)), runs[1]
    known = operator.constants(module.trace, torch.float64, "float32", units, directions)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=g, dtype=torch.float64).requires_grad_(grad)

    states = [random(directions, batch, units) for _ in module.trace.state]
    weights = [p.detach().requires_grad_(grad) for p in module.parameters()]
    return (
        random(count, 3), states, weights, known.cell, "float32", list(runs),
        count * known.row_bytes + 64 if grad else 0,
    )  # fmt: skip


def sent_back(given: tuple[Any, ...]) -> list[torch.Tensor]:
    """Gradients of everything, of a loss that looks at everything."""
    y, last, _ = torch.ops.elman.layer(*given)
    return list(torch.autograd.grad(y.sin().sum() + sum((s * s).sum() for s in last), [given[0], *given[1], *given[2]]))


def both(module: Recurrent, compiled: Any, x: torch.Tensor, *more: Any) -> None:
    """Outputs, states and gradients of a module and of its compiled self, which draw the same dropout masks."""
    found = []
    for run in (module, compiled):
        module.zero_grad()
        here = x.clone().requires_grad_()
        torch.manual_seed(3)
        output, state = run(here, *more)
        states = state if isinstance(state, tuple) else (state,)
        ((output * output).sum() + sum(s.sin().sum() for s in states)).backward()
        found.append([output, *states, here.grad, *(p.grad for p in module.parameters())])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize("cell", ["gru", "lstm", "mingru"])
def test_opcheck(cell: str) -> None:
    given = arguments(cell)
    torch.library.opcheck(torch.ops.elman.layer.default, given)
    torch.library.opcheck(torch.ops.elman.layer.default, arguments(cell, directions=1, grad=False))
    y, last, records = torch.ops.elman.layer(*given)
    rows, states, weights = given[0].detach(), [s.detach() for s in given[1]], [w.detach() for w in given[2]]
    wanted = [True] * (1 + len(weights))
    for sent in ([None] * len(last), [torch.ones_like(s) for s in last]):
        back = (torch.ones_like(y), sent, rows, states, weights, y.detach(), records, *given[3:6], wanted)
        torch.library.opcheck(torch.ops.elman.layer_backward.default, back)


@pytest.mark.parametrize("cell", ["lstm-peephole", "gru", "minlstm"])
def test_gradients_of_ragged_rows(cell: str) -> None:
    rows, states, weights, *rest = arguments(cell)

    def run(rows: torch.Tensor, *tensors: torch.Tensor) -> tuple[torch.Tensor, ...]:
        y, last, _ = torch.ops.elman.layer(rows, list(tensors[: len(states)]), list(tensors[len(states) :]), *rest)
        return (y, *last)

    assert torch.autograd.gradcheck(run, (rows, *states, *weights))


def test_the_same_as_the_engine_called_eagerly() -> None:
    given = arguments("lstm")
    rows, states, weights = given[:3]
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    directions = [dict(zip(names, weights[:4], strict=True)), dict(zip(names, weights[4:], strict=True))]
    expected = fused.run(trace(cell_of("lstm")), LayerCall(rows, [3, 3, 2, 1], directions, tuple(states), {}))
    y, last, _ = torch.ops.elman.layer(*given)
    assert torch.equal(y, expected.rows)
    assert all(torch.equal(a, b) for a, b in zip(last, expected.state, strict=True))


def test_only_what_is_wanted_is_computed() -> None:
    rows, states, weights, *rest = arguments("gru")
    y, *_ = torch.ops.elman.layer(rows.detach(), states, [weights[0], *(w.detach() for w in weights[1:])], *rest)
    y.sum().backward()
    assert rows.grad is None
    assert weights[0].grad is not None
    assert all(w.grad is None for w in weights[1:])


def test_threads_may_change_between_forward_and_backward() -> None:
    given = arguments("gru", runs=[8, 16], units=40)
    expected, before = sent_back(given), torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        y, last, _ = torch.ops.elman.layer(*given)
        loss = y.sin().sum() + sum((s * s).sum() for s in last)
        torch.set_num_threads(1)
        found = torch.autograd.grad(loss, [given[0], *given[1], *given[2]])
    finally:
        torch.set_num_threads(before)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_four_threads_at_once() -> None:
    given = arguments("lstm", runs=[6, 5], units=20)
    expected = sent_back(given)
    different: list[int] = []

    def work() -> None:
        for _ in range(5):
            different.extend(k for k, found in enumerate(sent_back(given)) if not torch.equal(found, expected[k]))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    assert not different
    assert not any(w.is_alive() for w in workers)


def test_forward_before_a_fork_and_backward_after_it() -> None:
    code = """
import os, sys, torch
from elman.engines import operator
from elman.nn import GRU
torch.set_num_threads(2)
module, x, h = GRU(20, 40), torch.randn(8 * 16, 20), [torch.zeros(1, 16, 40)]
known = operator.constants(module.trace, torch.float32, "float32", 40, 1)
weights = [p.detach() for p in module.parameters()]
def forward():
    return torch.ops.elman.layer(x, h, weights, known.cell, "float32", [8, 16], 8 * 16 * known.row_bytes + 64)
def backward(y, last, records):
    wanted = [True] * 5
    return torch.ops.elman.layer_backward(y, [None], x, h, weights, y, records, known.cell, "float32", [8, 16], wanted)
before = forward()
expected = backward(*before)
child = os.fork()
if child == 0:
    right = [torch.allclose(a, b, atol=1e-4) for f in (before, forward()) for a, b in zip(backward(*f), expected)]
    os._exit(not all(right))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=120)


def test_second_derivatives_are_refused_with_the_name_of_the_engine_that_has_them() -> None:
    given = arguments("gru")
    y, *_ = torch.ops.elman.layer(*given)
    first = torch.autograd.grad(y.sin().sum(), given[0], create_graph=True)[0]
    with pytest.raises(EngineError, match="engine='loop'"):
        torch.autograd.grad(first.sum(), given[0])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, torch.zeros(5, 3, dtype=torch.float64)),
        (0, torch.zeros(9, 2, dtype=torch.float64)),
        (1, []),
        (1, [torch.zeros(2, 2, 4, dtype=torch.float64)]),
        (1, [torch.zeros(2, 3, 4)]),
        (1, [torch.zeros(0, 3, 4, dtype=torch.float64)]),
        (2, []),
        (2, [torch.zeros(12, 3, dtype=torch.float64)] * 8),
        (2, [torch.zeros(12, 3, dtype=torch.float64)] * 7),
        (5, [2, 3]),
    ],
)
def test_what_does_not_belong_together_is_refused(place: int, value: Any) -> None:
    given = list(arguments("gru", grad=False))
    given[place] = value
    with pytest.raises(ShapeError):
        torch.ops.elman.layer(*given)


def test_too_few_bytes_are_refused_and_so_is_going_back_without_records() -> None:
    *given, size = arguments("gru")
    with pytest.raises(EngineError, match="compile it again"):
        torch.ops.elman.layer(*given, size - 64)
    with pytest.raises(EngineError, match="record_bytes was 0"):
        torch.ops.elman.layer(*given, 0)[0].sum().backward()


def test_packed_weights_are_kept_as_long_as_the_weights_live() -> None:
    given = arguments("gru", grad=False)
    kept = operator._cell(given[3]).kept
    before = len(kept)
    first = torch.ops.elman.layer(*given)[0]
    assert len(kept) == before + 1
    assert torch.equal(torch.ops.elman.layer(*given)[0], first)
    given[2][0].mul_(2)
    assert not torch.equal(torch.ops.elman.layer(*given)[0], first)
    del given
    assert len(kept) == before


@pytest.mark.parametrize(
    ("cell", "engine", "more"),
    [*((cell, "auto", {}) for cell in POINTWISE), ("gru", "fused", {"dtype": torch.float64, "bias": False})],
)
def test_every_pointwise_cell_in_one_graph(cell: str, engine: str, more: dict[str, Any]) -> None:
    module = Recurrent(
        cell, 3, 5, 2, batch_first=True, dropout=0.4, bidirectional=True, engine=engine,
        generator=torch.Generator().manual_seed(1), **more,
    )  # fmt: skip
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    x = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(2), dtype=module.weight_ih_l0.dtype)
    both(module, compiled, x)
    assert module.engine_used == "fused"
    with torch.inference_mode():
        assert torch.equal(module.eval()(x)[0], compiled(x)[0])


def test_states_unbatched_bf16_and_parametrised_weights_in_one_graph() -> None:
    module = elman.nn.LSTM(3, 5, 2, precision="bf16")
    hx = (torch.randn(2, 5).requires_grad_(), torch.randn(2, 5))
    both(module, torch.compile(module, backend="aot_eager", fullgraph=True), torch.randn(4, 3), hx)
    assert module.engine_used == "fused"
    torch.nn.utils.parametrizations.weight_norm(module, "weight_hh_l1")
    with torch.no_grad():
        torch.testing.assert_close(
            torch.compile(module, backend="aot_eager", fullgraph=True)(torch.ones(4, 3))[0], module(torch.ones(4, 3))[0]
        )


def test_symbols_in_one_graph() -> None:
    module, table = elman.nn.GRU(3, 5), torch.randn(4, 3)
    symbols = torch.randint(0, 4, (6, 2))
    compiled = torch.compile(module.read, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(symbols, table)[0], module.read(symbols, table)[0])


def test_one_graph_for_all_sizes() -> None:
    module = elman.nn.GRU(3, 4, 2, bidirectional=True)
    counter = CompileCounterWithBackend("aot_eager")
    compiled = torch.compile(module, backend=counter, fullgraph=True)
    for steps, batch in ((5, 2), (6, 3), (9, 7), (12, 4), (30, 6)):
        both(module, compiled, torch.randn(steps, batch, 3))
    assert counter.frame_count == 2, "the first sizes, then any"


def test_an_engine_that_is_changed_is_noticed() -> None:
    module, x = elman.nn.GRU(3, 4), torch.randn(3, 2, 3)
    compiled = torch.compile(module, backend="eager")
    used = []
    for engine in ("auto", "loop", "fused"):
        module.engine = engine
        compiled(x)
        used.append(module.engine_used)
    assert used == ["fused", "loop", "fused"]


def test_what_stays_outside_of_a_graph_gives_the_same() -> None:
    """Ragged lengths and a generator of dropout's own: the graph breaks around the layer, which runs as ever."""
    module = elman.nn.GRU(3, 4, 2, dropout=0.5)
    compiled = torch.compile(module, backend="eager")
    packed = pack_sequence([torch.randn(n, 3) for n in (3, 5, 2)], enforce_sorted=False)
    module.eval()
    assert torch.equal(compiled(packed)[0].data, module(packed)[0].data)
    module.train()
    module.dropout_generator = torch.Generator()
    found = []
    for run in (module, compiled):
        module.dropout_generator.manual_seed(5)
        found.append(run(torch.ones(4, 2, 3))[0])
    assert torch.equal(*found)
    assert module.engine_used == "fused"


@pytest.mark.parametrize(("cell", "engine"), [("lstm", "torch"), ("indrnn", "loop"), ("mgu", "loop")])
def test_without_the_compiled_kernels(cell: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "_kernels", None)
    module, x = Recurrent(cell, 3, 4), torch.randn(3, 2, 3)
    both(module, torch.compile(module, backend="eager"), x)
    assert module.engine_used == engine


def test_autocast_and_function_transforms_take_another_engine() -> None:
    module, x = elman.nn.GRU(3, 4), torch.randn(6, 3, 2, 3)
    expected = torch.stack([module(v)[0] for v in x])
    mapped = torch.func.vmap(lambda v: module(v)[0])
    for run in (mapped, torch.compile(mapped, backend="eager")):
        torch.testing.assert_close(run(x), expected)
        assert module.engine_used == "loop"
        assert "transform" in str(module.engine_reason)
    compiled = torch.compile(module, backend="eager")
    for run in (module, compiled):
        run(x[0])
        assert module.engine_used == "fused"
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.testing.assert_close(run(x[0])[0].float(), expected[0], rtol=0, atol=2e-2)
        assert "autocast" in str(module.engine_reason)
        assert module.engine_used != "fused"

    def value(v: torch.Tensor) -> torch.Tensor:
        return module(v)[0].square().sum()

    here = x[0].clone().requires_grad_()
    value(here).backward()
    torch.testing.assert_close(torch.func.grad(value)(x[0]), here.grad)


def test_errors_in_a_graph_are_the_errors_of_a_call() -> None:
    half = elman.nn.GRU(3, 4, engine="fused", dtype=torch.float16)
    with pytest.raises(EngineError, match="float16"):
        torch.compile(half, backend="eager")(torch.zeros(3, 2, 3, dtype=torch.float16))
    with pytest.raises(ShapeError, match="input_size"):
        torch.compile(elman.nn.GRU(3, 4), backend="eager")(torch.zeros(3, 2, 5))


def test_an_exported_program_says_its_equations_and_runs_at_other_sizes() -> None:
    module = elman.nn.LSTM(3, 4, 2)
    sizes = {0: torch.export.Dim("T", min=2), 1: torch.export.Dim("B", min=2)}
    with torch.no_grad():
        program = torch.export.export(module, (torch.randn(5, 2, 3),), dynamic_shapes=(sizes,))
    assert str(program).count("torch.ops.elman.layer.default") == 2
    assert "c = f * s.c + i * g" in str(program)
    saved = io.BytesIO()
    torch.export.save(program, saved)
    saved.seek(0)
    x = torch.randn(7, 3, 3)
    assert torch.equal(torch.export.load(saved).module()(x)[0], module(x)[0])


def test_torch_s_compiler_is_not_imported_by_those_who_compile_nothing() -> None:
    code = (
        "import sys, torch, elman.nn; elman.nn.GRU(2, 3)(torch.zeros(1, 1, 2)); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch's compiler needs one for C++")
@pytest.mark.slow
@pytest.mark.parametrize("cell", POINTWISE)
def test_torch_compile_as_people_call_it(cell: str) -> None:
    module = Recurrent(cell, 3, 5, 2, batch_first=True, bidirectional=True)
    both(module, torch.compile(module, fullgraph=True), torch.randn(2, 4, 3))
    assert module.engine_used == "fused"


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch's compiler needs one for C++")
def test_torch_compile_as_people_call_it_with_one_layer() -> None:
    module = elman.nn.GRU(3, 5)
    both(module, torch.compile(module, fullgraph=True), torch.randn(4, 2, 3), torch.randn(1, 2, 5))
    assert module.engine_used == "fused"
