"""Language models symbol by symbol and text by text: the same logits as the model, and the same texts on every engine."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
import torch
from streamed import HAVE_KERNELS, POINTWISE, V, generator, model_of, on_the_loop, parts, worst
from torch import Tensor

from elman.errors import EngineError, NonFiniteError
from elman.models import LanguageModel, fused_stream

ENGINES = ["auto", "loop"]
FILTERS: list[dict[str, Any]] = [
    {}, {"temperature": 0}, {"temperature": 0.4}, {"temperature": 2.5}, {"top_k": 1}, {"top_k": 3}, {"top_k": V}, {"top_p": 0.4},
    {"top_p": 1.0}, {"top_k": 6, "top_p": 0.8, "temperature": 1.3}, {"never": 4}, {"stop": 2}, {"stop": 0, "never": 1, "top_k": 5},
]  # fmt: skip


def symbols(*shape: int, seed: int = 0) -> Tensor:
    return torch.randint(V, shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=["table", "no table"])
def tabulated(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small vocabularies have a table of input maps; large ones are embedded at every step."""
    if request.param == "no table":
        monkeypatch.setattr(fused_stream, "LARGEST_TABLE", 0)
    return str(request.param)


def expected(model: LanguageModel, tokens: Tensor, categories: list[int] | None) -> tuple[Tensor, Any]:
    """Logits [T, B, V] of tokens [T, B], and the final state."""
    told = None if categories is None else torch.tensor(categories)
    with torch.no_grad():
        logits, state = on_the_loop(model)(tokens.t(), None, told)
    return logits.transpose(0, 1), state


@pytest.mark.parametrize("name", POINTWISE)
def test_logits_of_every_cell(name: str, kernels: str) -> None:
    for hidden, layers, batch in ((7, 2, 3), (64, 1, 1), (20, 1, 5)):
        model = model_of(name, hidden=hidden, layers=layers)
        tokens = symbols(6, batch)
        stream = model.stream(batch)
        assert stream.engine_used == "fused"
        logits, state = expected(model, tokens, None)
        for now, wanted in zip(tokens, logits, strict=True):
            assert worst(stream.step(now), wanted) < 1e-12
        assert worst(stream.state, state) < 1e-12


@pytest.mark.parametrize("categories", [0, 3])
@pytest.mark.parametrize("embedding", [0, 5])
@pytest.mark.parametrize("name", ["lstm", "gru", "minlstm", "lstm-peephole", "gru-cho"])
def test_embedded_or_not_told_or_not(name: str, embedding: int, categories: int, tabulated: str) -> None:
    model = model_of(name, hidden=9, layers=2, embedding=embedding, categories=categories, bias=embedding == 0)
    told = [2, 0, 1] if categories else None
    tokens = symbols(5, 3)
    logits, state = expected(model, tokens, told)
    stepped, read = model.stream(3, told), model.stream(3, None if told is None else torch.tensor(told))
    for now, wanted in zip(tokens, logits, strict=True):
        assert worst(stepped.step(now), wanted) < 1e-12
    assert worst(read.read(tokens.t()), logits[-1]) < 1e-12
    assert worst(read.state, state) < 1e-12
    assert [s.shape for s in parts(read.state)] == [s.shape for s in parts(state)]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("name", ["elman", "gru", "lstm"])
def test_the_same_seed_gives_the_same_text_on_every_engine(name: str, filters: dict[str, Any], kernels: str) -> None:
    """And leaves the generator in the same state, so that what is drawn later is the same too."""
    for seed in range(12):
        model = model_of(
            name, seed=seed, hidden=12, layers=1 + seed % 2, dtype=[torch.float64, torch.float32][seed % 3 == 0]
        )
        count = [1, 3, 20][seed % 3]
        found = []
        for each in (model, on_the_loop(model)):
            stream, drawn = each.stream(count), generator(seed)
            stream.step(symbols(count, seed=seed))
            found.append((stream.generate(25, generator=drawn, **filters), drawn.get_state()))
        (ours, our_state), (theirs, their_state) = found
        assert torch.equal(ours, theirs), seed
        assert torch.equal(our_state, their_state)
        assert ours.shape[0] == count
        assert ours.shape[1] == 25 or "stop" in filters


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_bf16_gives_the_same_text_on_every_engine_too(precision: str) -> None:
    model = model_of("gru", hidden=40, embedding=6, categories=2, dtype=torch.float32)
    found = []
    for each in (model, on_the_loop(model)):
        stream = each.stream(4, [0, 1, 1, 0], precision)
        stream.step(symbols(4))
        found.append(stream.generate(40, generator=generator()))
    assert torch.equal(*found)


@pytest.mark.parametrize("engine", ENGINES)
def test_pieces_make_the_whole(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However a text is cut: by calls, by the clock, by how many numbers are drawn at a time."""
    model = model_of("lstm", engine=engine)
    start = symbols(3, 2)

    def texts(*lengths: int) -> Tensor:
        stream, drawn = model.stream(3), generator(4)
        stream.read(start)
        return torch.cat([stream.generate(n, generator=drawn) for n in lengths], 1)

    whole = texts(60)
    assert torch.equal(texts(1, 19, 40), whole)
    monkeypatch.setattr(fused_stream, "SLICE", 0.0)
    assert torch.equal(texts(60), whole)
    monkeypatch.setattr(fused_stream, "UNIFORMS", 21)
    assert torch.equal(texts(60), whole)


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_generated_was_read(engine: str) -> None:
    """The state after a text is the one after reading it, and so are the next logits."""
    model = model_of("gru", engine=engine)
    stream, reader = model.stream(2), model.stream(2)
    first = symbols(2, 1)
    stream.read(first)
    text = stream.generate(9, generator=generator())
    reader.read(torch.cat([first, text], 1))
    assert worst(stream.state, reader.state) == 0
    assert torch.equal(stream.step(text[:, 0]), reader.step(text[:, 0]))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stream_can_branch(engine: str) -> None:
    """A kept state and the symbol after it give the same continuation again."""
    stream = model_of("lstm", engine=engine).stream(2)
    stream.read(symbols(2, 4))
    kept = stream.state
    found = []
    for _ in range(2):
        stream.state = kept
        stream.step(torch.tensor([3, 5]))
        found.append(stream.generate(12, generator=generator(3)))
    assert torch.equal(*found)


@pytest.mark.parametrize("engine", ENGINES)
def test_texts_side_by_side_end_each_on_its_own(engine: str) -> None:
    model = model_of("gru", engine=engine)
    stream = model.stream(30)
    stream.step(symbols(30))
    text = stream.generate(200, generator=generator(), stop=2)
    ends = [row.index(2) if 2 in row else None for row in text.tolist()]
    assert None not in ends
    assert text.shape[1] == max(ends) + 1  # type: ignore[type-var, operator]
    assert len(set(ends)) > 5


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_logits_that_nothing_can_be_drawn_from(engine: str, bad: float) -> None:
    model = model_of("gru", engine=engine)
    with torch.no_grad():
        model.output.bias[3] = bad
    stream = model.stream(2)
    assert not bool(torch.isfinite(stream.step(symbols(2))).all())
    drawn = generator()
    for _ in range(2):
        with pytest.raises(NonFiniteError, match="NaN or infinite"):
            stream.generate(5, generator=drawn)
    assert torch.equal(drawn.get_state(), generator().get_state())
    assert stream.step(symbols(2)).isnan().any() or bad > 0


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_drawn_before_the_logits_broke(engine: str) -> None:
    """The state grows until it overflows, in the middle of a text."""
    model = model_of("elman-relu", dtype=torch.float32, engine=engine)
    with torch.no_grad():
        model.recurrent.weight_hh_l0.copy_(100 * torch.eye(7))
        model.recurrent.bias_hh_l0.fill_(1.0)
        model.output.weight.fill_(1.0)
    stream, drawn, pieces = model.stream(2), generator(), []
    stream.step(symbols(2))
    with pytest.raises(NonFiniteError):
        pieces.extend(stream.generating(100, generator=drawn))
    text = torch.cat(pieces, 1)
    assert 5 < text.shape[1] < 30
    again = generator()
    torch.rand(2 * text.shape[1], generator=again, dtype=torch.float64)
    assert torch.equal(drawn.get_state(), again.get_state())


@pytest.mark.skipif(not HAVE_KERNELS, reason="Elman was installed without a C++ compiler")
def test_a_long_text_comes_in_pieces_and_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("lstm", dtype=torch.float32, hidden=100)
    stream, drawn = model.stream(), generator()
    stream.step(symbols(1))
    made, before, waits = 0, time.monotonic(), []
    for piece in stream.generating(10_000_000, generator=drawn):
        waits.append(time.monotonic() - before)
        before = time.monotonic()
        made += piece.shape[1]
        if len(waits) == 4:
            break
    assert sorted(waits)[1] < 0.5  # a neighbour may have had the processor now and then
    assert made < 10_000_000


@pytest.mark.skipif(not HAVE_KERNELS, reason="Elman was installed without a C++ compiler")
def test_other_threads_go_on_while_a_text_is_generated_and_can_not_disturb_it() -> None:
    model = model_of("gru", dtype=torch.float32, hidden=200)
    stream = model.stream()
    stream.step(symbols(1))
    enough = threading.Event()

    def generate() -> None:
        for _ in stream.generating(100_000_000, generator=generator()):
            if enough.is_set():
                return

    worker = threading.Thread(target=generate)
    worker.start()
    refused = None
    until = time.monotonic() + 30
    while refused is None and time.monotonic() < until:
        time.sleep(0.001)
        try:
            stream.step(symbols(1))
        except EngineError as error:
            refused = str(error)
    enough.set()
    worker.join(30)
    assert refused is not None
    assert "another thread" in refused
    assert not worker.is_alive()
    assert stream.step(symbols(1)).isfinite().all()


def test_wide_models_with_several_threads(threads: int) -> None:
    model = model_of("gru", dtype=torch.float32, hidden=300, layers=2)
    found = []
    for each in (model, on_the_loop(model)):
        stream = each.stream(2)
        stream.read(symbols(2, 3))
        found.append(stream.generate(50, generator=generator(), stop=1))
    assert torch.equal(*found)


def test_a_model_in_training_streams_without_dropout() -> None:
    model = model_of("gru", dropout=0.9, layers=2).train()
    logits, _ = expected(model.eval(), symbols(1, 2), None)
    model.train()
    for engine in ("auto", "loop"):
        model.recurrent.engine = engine
        assert worst(model.stream(2).step(symbols(1, 2)[0]), logits[0]) < 1e-12
    assert model.training


@pytest.mark.parametrize("engine", ENGINES)
def test_a_model_that_reads_nothing(engine: str) -> None:
    """A cell may be deaf to its input; then all symbols are one to it."""
    from written_cells import Deaf

    from elman.equations import cell_to_text
    from elman.models import ModelSettings

    model = LanguageModel(
        ModelSettings(cell="Deaf", cell_text=cell_to_text(Deaf()), hidden=5, engine=engine), V
    ).double()
    tokens = symbols(3, 2)
    stream = model.stream(2)
    for now, wanted in zip(tokens, expected(model, tokens, None)[0], strict=True):
        assert worst(stream.step(now), wanted) < 1e-12
        assert worst(wanted[0], wanted[1]) < 1e-15  # some BLAS sums the rows of one product in different ways


def test_a_model_of_many_symbols() -> None:
    """More than a panel of logits, more than a table may have."""
    from elman.models import ModelSettings

    model = LanguageModel(ModelSettings(cell="gru", hidden=50, embedding=8), 1000).double()
    tokens = torch.randint(1000, (4, 3), generator=generator())
    logits, _ = expected(model, tokens, None)
    assert worst(model.stream(3).read(tokens.t()), logits[-1]) < 1e-12
    found = []
    for each in (model, on_the_loop(model)):
        stream = each.stream(3)
        stream.read(tokens.t())
        found.append(stream.generate(60, generator=generator(), top_k=300, top_p=0.9))
    assert torch.equal(*found)
