"""Wrong arguments are one sentence of `elman.errors`, and what was right before still is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from streamed import HAVE_KERNELS, V, generator, layers_of, model_of, random

from elman.errors import ElmanError, EngineError, InputError, ShapeError

ENGINES = ["auto", "loop"]
D = torch.float64


def complaint(action: Callable[[], Any], kind: type = ElmanError) -> str:
    with pytest.raises(kind) as caught:
        action()
    assert isinstance(caught.value, ElmanError)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


WRONG_INPUTS: list[Any] = [
    torch.zeros(2, 5, dtype=D), torch.zeros(3, 4, dtype=D), torch.zeros(4, dtype=D),
    torch.zeros(1, 2, 4, dtype=D), torch.zeros(0, 4, dtype=D),
    torch.zeros(2, 4), torch.zeros(2, 4, dtype=torch.int64),
    torch.zeros(2, 4, dtype=torch.complex128), torch.zeros(2, 4, dtype=torch.bfloat16),
    torch.zeros(2, 4, dtype=D, device="meta"), torch.zeros(2, 4, dtype=D).to_sparse(), None, [[0.0] * 4] * 2, 3, "x",
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("x", WRONG_INPUTS, ids=str)
def test_a_step_refuses_what_does_not_fit(engine: str, x: Any) -> None:
    module = layers_of("gru", 4, 6)
    module.engine = engine
    stream, other = module.stream(2), module.stream(2)
    complaint(lambda: stream.step(x))
    right = random(2, 4)
    assert torch.equal(stream.step(right), other.step(right))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "out", [torch.zeros(2, 5, dtype=D), torch.zeros(2, 6), torch.zeros(2, 6, dtype=D, device="meta"), 5], ids=str
)
def test_a_step_refuses_an_out_that_does_not_fit(engine: str, out: Any) -> None:
    module = layers_of("gru", 4, 6)
    module.engine = engine
    complaint(lambda: module.stream(2).step(random(2, 4), out), ShapeError)


STATES: list[Any] = [
    torch.zeros(1, 2, 6, dtype=D), (torch.zeros(1, 2, 6, dtype=D),), (torch.zeros(1, 2, 6, dtype=D), torch.zeros(1, 2, 5, dtype=D)),
    (torch.zeros(2, 6, dtype=D), torch.zeros(2, 6, dtype=D)), (torch.zeros(1, 2, 6), torch.zeros(1, 2, 6)), 5, "state", (1, 2),
    (torch.zeros(1, 2, 6, dtype=D), torch.zeros(1, 2, 6, dtype=D, device="meta")), (None, None),
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_state_that_does_not_fit(engine: str, state: Any) -> None:
    module = layers_of("lstm", 4, 6)
    module.engine = engine
    assert "[1, 2, 6]" in complaint(lambda: module.stream(2, state=state), ShapeError)
    stream = module.stream(2)
    with pytest.raises(ShapeError):
        stream.state = state


def test_what_can_not_be_streamed() -> None:
    assert "bidirectional" in complaint(lambda: layers_of("gru", bidirectional=True).stream(), InputError)
    for batch in (0, -1, 2.5, "2", None, True):
        assert "batch" in complaint(lambda batch=batch: layers_of("gru").stream(batch), InputError)  # type: ignore[misc]
    assert "float32, bf16" in complaint(lambda: layers_of("gru").stream(precision="int8"), InputError)
    assert "float64" in complaint(lambda: layers_of("gru").stream(precision="bf16"), InputError)
    refused = layers_of("gru-cho")
    refused.engine = "fused"
    complaint(refused.stream, EngineError)


@pytest.mark.skipif(not HAVE_KERNELS, reason="Elman was installed without a C++ compiler")
def test_too_many_for_any_memory() -> None:
    assert "memory" in complaint(lambda: layers_of("lstm").stream(2**31 - 1), InputError)
    assert "memory" in complaint(lambda: layers_of("lstm").stream(2**70), InputError)


@pytest.mark.skipif(not HAVE_KERNELS, reason="Elman was installed without a C++ compiler")
@pytest.mark.parametrize("change", [lambda w: w[:-1], lambda w: w.float(), lambda w: w.to("meta")])
@pytest.mark.parametrize("name", ["weight_ih", "weight_hh", "bias_ih", "bias_hh"])
def test_weights_that_do_not_fit_are_refused_before_the_kernels_see_them(name: str, change: Any) -> None:
    module = layers_of("gru", 4, 6, 2)
    setattr(module, f"{name}_l1", torch.nn.Parameter(change(getattr(module, f"{name}_l1").detach())))
    assert f"{name}_l1" in complaint(module.stream, ShapeError)


TOKENS: list[Any] = [
    torch.zeros(2, dtype=torch.int64), torch.zeros(3), torch.zeros(3, 1, dtype=torch.int64), torch.tensor(1), torch.tensor([0, 1, V]),
    torch.tensor([0, -1, 1]), torch.tensor([0, 2**62, 1]), torch.zeros(3, dtype=torch.int32), [1, 2, 3], None, 0,
    torch.zeros(3, dtype=torch.int64).to_sparse(),
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("tokens", TOKENS, ids=str)
def test_symbols_that_do_not_fit(engine: str, tokens: Any) -> None:
    model = model_of("gru", engine=engine)
    stream, other = model.stream(3), model.stream(3)
    complaint(lambda: stream.step(tokens))
    if not isinstance(tokens, torch.Tensor) or tokens.dim() < 2:
        complaint(lambda: stream.read(tokens))
    if isinstance(tokens, torch.Tensor) and tokens.dim() == 1 and not tokens.is_sparse:
        complaint(lambda: stream.read(tokens[:, None]))
    complaint(lambda: stream.read(torch.zeros(3, 0, dtype=torch.int64)))
    right = torch.tensor([3, 1, 2])
    assert torch.equal(stream.step(right), other.step(right))


@pytest.mark.parametrize("engine", ENGINES)
def test_generation_refuses_what_makes_no_sense(engine: str) -> None:
    stream = model_of("gru", engine=engine).stream(2)
    assert "read" in complaint(lambda: stream.generate(3, generator=generator()), InputError)
    stream.step(torch.tensor([1, 2]))
    for wrong in (
        {"length": 0}, {"length": -1},
        {"length": 2.5}, {"temperature": -1.0}, {"temperature": float("nan")}, {"top_k": 0}, {"top_k": V + 1},
        {"top_k": 2.5}, {"top_p": 0.0}, {"top_p": 1.1}, {"generator": None}, {"generator": 5}, {"stop": "x"}, {"never": 1.5},
    ):  # fmt: skip
        complaint(lambda wrong=wrong: stream.generate(**{"length": 3, "generator": generator(), **wrong}), InputError)  # type: ignore[misc]
    stream.reset()
    assert "read" in complaint(lambda: stream.generate(3, generator=generator()), InputError)
    stream.step(torch.tensor([1, 2]))
    stream.state = None
    assert "read" in complaint(lambda: stream.generate(3, generator=generator()), InputError)


def test_streams_of_a_model_that_do_not_fit() -> None:
    plain, told = model_of("gru"), model_of("gru", categories=3)
    for count in (0, -1, 2.5, None, "3", True):
        assert "count" in complaint(lambda count=count: plain.stream(count), InputError)  # type: ignore[misc]
    assert "categories" in complaint(lambda: plain.stream(1, [0]), InputError)
    for categories in (None, [0], [0, 3], [0, -1], [0.5, 1.0], [[0, 1]], []):
        assert "categories" in complaint(lambda categories=categories: told.stream(2, categories), InputError)  # type: ignore[misc]
    assert "float64" in complaint(lambda: plain.stream(precision="bf16"), InputError)
    assert "bf16" in complaint(lambda: plain.stream(precision="half"), InputError)
