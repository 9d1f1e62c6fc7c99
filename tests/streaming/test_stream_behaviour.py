"""What a stream promises beside its numbers: snapshots, fresh results, copies of states, threads, forks, NaN, autograd."""

from __future__ import annotations

import copy
import os
import threading
from typing import Any

import pytest
import torch
from streamed import hx, layers_of, model_of, parts, random, worst

ENGINES = ["auto", "loop"]


def layers(engine: str, **more: Any) -> Any:
    module = layers_of("lstm", 4, 6, 2, **more)
    module.engine = engine
    return module


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_stream_is_a_snapshot_of_the_weights(engine: str, precision: str) -> None:
    module = layers(engine, dtype=torch.float32)
    before, stream = (copy.deepcopy(module).stream(2, precision=precision), module.stream(2, precision=precision))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(float("nan"))
    del module
    for x in random(4, 2, 4, dtype=torch.float32):
        assert torch.equal(stream.step(x), before.step(x))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_language_stream_is_a_snapshot_too(engine: str) -> None:
    model = model_of("gru", embedding=3, categories=2, engine=engine)
    stream = model.stream(2, [0, 1])
    expected = copy.deepcopy(model).stream(2, [0, 1]).step(torch.tensor([1, 2]))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
    del model
    assert torch.equal(stream.step(torch.tensor([1, 2])), expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_results_are_not_overwritten(engine: str) -> None:
    stream = layers(engine).stream(2)
    found = [stream.step(x) for x in random(5, 2, 4)]
    copies = [y.clone() for y in found]
    states = [s.clone() for s in parts(stream.state)]
    kept = stream.state
    found[-1].zero_()  # nor does writing to one reach the stream
    kept[0].zero_()
    assert worst(stream.state, tuple(states)) == 0
    stream.step(random(2, 4))
    assert all(torch.equal(a, b) for a, b in zip(found[:-1], copies, strict=False))
    assert len({y.data_ptr() for y in found}) == 5


@pytest.mark.parametrize("engine", ENGINES)
def test_out_saves_making_a_tensor(engine: str) -> None:
    module = layers(engine)
    stream, other = module.stream(2), module.stream(2)
    out = torch.empty(2, 6, dtype=torch.float64)
    spread = torch.empty(6, 2, dtype=torch.float64).t()
    for k, x in enumerate(random(6, 2, 4)):
        mine = out if k % 2 else spread
        assert stream.step(x, mine) is mine
        assert torch.equal(mine, other.step(x))
    model = model_of("gru", engine=engine)
    first, second, logits = model.stream(2), model.stream(2), torch.empty(2, model.symbols, dtype=torch.float64)
    for _ in range(3):
        assert first.step(torch.tensor([1, 4]), out=logits) is logits
        assert torch.equal(logits, second.step(torch.tensor([1, 4])))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_can_be_kept_and_given_back(engine: str) -> None:
    stream = layers(engine).stream(3)
    xs = random(6, 3, 4)
    for x in xs[:3]:
        stream.step(x)
    kept = stream.state
    first = [stream.step(x) for x in xs[3:]]
    stream.state = kept
    again = [stream.step(x) for x in xs[3:]]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    kept[0].fill_(9.0)  # what was given was copied
    assert stream.state[0].max() < 9
    stream.reset()
    fresh = layers(engine).stream(3)
    assert torch.equal(stream.step(xs[0]), fresh.step(xs[0]))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_state_can_be_given_at_the_start(engine: str) -> None:
    module = layers(engine)
    start = hx(module.stream(2))
    given, set_later = module.stream(2, state=start), module.stream(2)
    set_later.state = list(start)
    x = random(2, 4)
    assert torch.equal(given.step(x), set_later.step(x))


@pytest.mark.parametrize("engine", ENGINES)
def test_inputs_of_any_layout(engine: str) -> None:
    module = layers(engine)
    x = random(2, 4)
    expected = module.stream(2).step(x)
    wide = torch.empty(4, 6, dtype=torch.float64)
    wide[:, ::3] = x.t()
    for same in (
        x.t().contiguous().t(),
        wide[:, ::3].t(),
        x.clone().requires_grad_(),
        torch.nn.Parameter(x),
        x[None][0],
    ):
        assert torch.equal(module.stream(2).step(same), expected)
    assert torch.equal(module.stream(2).step(torch.complex(x, -x).conj().imag), expected)
    with torch.inference_mode():
        assert torch.equal(module.stream(2).step(x.clone()), expected)


@pytest.mark.parametrize("engine", ENGINES)
def test_no_graph_is_kept(engine: str) -> None:
    stream = layers(engine).stream(2)
    y = stream.step(random(2, 4).requires_grad_())
    assert not y.requires_grad
    assert not any(s.requires_grad for s in stream.state)


@pytest.mark.parametrize("engine", ENGINES)
def test_nan_passes_and_stays_in_its_sequence(engine: str) -> None:
    stream = layers(engine).stream(3)
    x = random(3, 4)
    x[1, 2] = float("nan")
    y = stream.step(x)
    assert y[1].isnan().all()
    assert not y[[0, 2]].isnan().any()
    y = stream.step(random(3, 4))
    assert y[1].isnan().all()
    assert not y[[0, 2]].isnan().any()
    stream.reset()
    assert not stream.step(random(3, 4)).isnan().any()


@pytest.mark.parametrize("units", [20, 300])
def test_four_threads_with_a_stream_each(units: int) -> None:
    module = layers_of("gru", 8, units, 2, torch.float32)
    xs = random(60, 2, 8, dtype=torch.float32)
    alone = module.stream(2)
    expected = torch.stack([alone.step(x) for x in xs])
    found: dict[int, Any] = {}

    def work(number: int) -> None:
        stream = module.stream(2)
        found[number] = torch.stack([stream.step(x) for x in xs])

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join(60)
    assert all(torch.equal(found[k], expected) for k in range(4))


def test_a_forked_process_can_step(threads: int) -> None:
    """With streams that were made before, at work or not, and with new ones."""
    module = layers_of("gru", 8, 300, 2, torch.float32)
    x = random(1, 8, dtype=torch.float32)
    stream = module.stream()
    stream.step(x)
    expected = copy.copy(stream.state)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        stream.reset()
        stream.step(x)
        fresh = module.stream()
        fresh.step(x)
        good = torch.equal(stream.state, expected) and torch.equal(fresh.state, expected)
        os.write(writer, b"1" if good else b"0")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read(1) == b"1"
    os.waitpid(child, 0)
    stream.reset()
    stream.step(x)
    assert torch.equal(stream.state, expected)
