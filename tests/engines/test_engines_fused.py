"""The fused engine against the loop engine: every pointwise cell, both precisions, every build of the kernels, odd sizes."""

from __future__ import annotations

import random
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from random_layers import ALL_CELLS, cell_of

from elman.engines import LayerCall, fused, loop
from elman.equations import trace
from elman.errors import EngineError, ShapeError
from elman.nn import Recurrent

needs_kernels = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")
pytestmark = needs_kernels
POINTWISE = [name for name in ALL_CELLS if trace(cell_of(name)).obstacle is None]
# Steps with their batch sizes, inputs, units: below, at and above the width of a vector and of a panel.
SHAPES = [
    ([1], 1, 1),
    ([2, 2, 2], 3, 4),
    ([3, 3, 1], 5, 7),
    ([5, 4, 4, 2, 1, 1], 70, 33),
    ([9, 9, 5, 2], 16, 64),
    ([13] * 7, 65, 65),
    ([4, 4, 3], 130, 128),
    ([1] * 17, 8, 20),
]


def problem(
    name: str, sizes: list[int], inputs: int, units: int, directions: int, dtype: torch.dtype
) -> tuple[Any, ...]:
    g = torch.Generator().manual_seed(zlib.crc32(f"{name} {inputs} {units}".encode()))
    module = Recurrent(cell_of(name), inputs, units, bidirectional=directions == 2, dtype=torch.float64)
    module.reset_parameters(g)
    module = module.to(dtype)
    rows = torch.randn(sum(sizes), inputs, generator=g, dtype=torch.float64).to(dtype).requires_grad_()
    state = tuple(
        torch.randn(directions, sizes[0], units, generator=g, dtype=torch.float64).to(dtype).requires_grad_()
        for _ in module.trace.state
    )
    sent = torch.randn(sum(sizes), directions * units, generator=g, dtype=torch.float64).to(dtype)
    sent_state = [torch.randn(s.shape, generator=g, dtype=torch.float64).to(dtype) for s in state]
    return module, rows, state, sent, sent_state


def answers(
    engine: str, module: Recurrent, sizes: list[int], rows: Any, state: Any, sent: Any, sent_state: Any
) -> list[Any]:
    call = LayerCall(rows, sizes, [module.weights_of(0, d) for d in range(module.directions)], state, {})
    result = loop.run(module.cell, module.trace, call) if engine == "loop" else fused.run(module.trace, call)
    value = (result.rows * sent).sum() + sum((a * b).sum() for a, b in zip(result.state, sent_state, strict=True))
    wanted = [rows, *state, *module.parameters()]
    gradients = torch.autograd.grad(value, wanted, allow_unused=True)
    return [
        result.rows,
        *result.state,
        *(torch.zeros_like(w) if g is None else g for w, g in zip(wanted, gradients, strict=True)),
    ]


def worst(a: list[Any], b: list[Any]) -> float:
    return max(
        ((x.double() - y.double()).abs().max() / (1 + x.double().abs().max())).item() for x, y in zip(a, b, strict=True)
    )


@pytest.fixture(params=fused.instruction_sets() or ["none"])
def kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(fused, "INSTRUCTION_SET", request.param)
    return str(request.param)


@pytest.mark.parametrize("directions", [1, 2])
@pytest.mark.parametrize("name", POINTWISE)
def test_against_the_loop_engine_in_float64(name: str, directions: int, kernels: str) -> None:
    for sizes, inputs, units in SHAPES:
        case = problem(name, sizes, inputs, units, directions, torch.float64)
        module, rows, state, sent, sent_state = case
        a = answers("loop", module, sizes, rows, state, sent, sent_state)
        b = answers("fused", module, sizes, rows, state, sent, sent_state)
        assert worst(a, b) < 1e-11, (sizes, inputs, units)


def _as(case: tuple[Any, ...], sizes: list[int]) -> tuple[Any, ...]:
    module, rows, state, sent, sent_state = case
    return module, sizes, rows, state, sent, sent_state


def test_two_runs_are_bitwise_equal_and_so_are_one_and_two_threads_going_forward() -> None:
    case = _as(problem("lstm", [8] * 9, 33, 70, 2, torch.float32), [8] * 9)
    first, again = answers("fused", *case), answers("fused", *case)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            found.append(answers("fused", *case)[0])
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(found[0], other) for other in found[1:])


def test_nan_stays_in_its_sequence() -> None:
    for name in POINTWISE:
        module, rows, state, *_ = problem(name, [4] * 5, 6, 20, 1, torch.float32)
        with torch.no_grad():
            rows[2 * 4 + 1] = float("nan")  # sequence 1, step 3
            result = fused.run(module.trace, LayerCall(rows, [4] * 5, [module.weights_of(0, 0)], state, {}))
        bad = result.rows.reshape(5, 4, -1).isnan().any(-1)
        assert not bad[:, [0, 2, 3]].any(), name
        assert bad[2:, 1].all() or name in ("Delay", "Deaf", "Unused"), name


def test_memory_is_not_handed_on_while_a_graph_still_needs_it() -> None:
    case = _as(problem("gru", [5] * 6, 8, 16, 1, torch.float64), [5] * 6)
    expected = answers("fused", *case)
    module, sizes, rows, state, sent, _ = case
    call = LayerCall(rows, sizes, [module.weights_of(0, 0)], state, {})
    kept = fused.run(module.trace, call)
    for _ in range(5):
        answers("fused", *_as(problem("gru", [5] * 6, 8, 16, 1, torch.float64), [5] * 6))
        fused.run(module.trace, call)
    once = torch.autograd.grad(kept.rows, rows, sent, retain_graph=True)[0]
    answers("fused", *case)
    twice = torch.autograd.grad(kept.rows, rows, sent)[0]
    assert torch.equal(once, twice)
    assert expected


def test_weights_changed_in_place_before_going_back_are_noticed() -> None:
    module, rows, state, *_ = problem("elman", [3, 3], 4, 5, 1, torch.float64)
    output = fused.run(module.trace, LayerCall(rows, [3, 3], [module.weights_of(0, 0)], state, {})).rows
    with torch.no_grad():
        module.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="inplace"):
        output.sum().backward()


def test_second_derivatives_are_refused_with_the_name_of_the_engine_that_has_them() -> None:
    module, rows, state, *_ = problem("gru", [3, 3], 4, 5, 1, torch.float64)
    output = fused.run(module.trace, LayerCall(rows, [3, 3], [module.weights_of(0, 0)], state, {})).rows
    with pytest.raises(EngineError, match="engine='loop'"):
        torch.autograd.grad(output.sum(), rows, create_graph=True)


def test_random_shapes() -> None:
    rng = random.Random(7)
    for _ in range(40):
        name = rng.choice(POINTWISE)
        longest = rng.choice([1, 2, 3, 9])
        sizes = sorted((rng.randint(1, 11) for _ in range(longest)), reverse=True)
        case = _as(
            problem(name, sizes, rng.randint(1, 90), rng.randint(1, 140), rng.choice([1, 2]), torch.float64), sizes
        )
        assert worst(answers("loop", *case), answers("fused", *case)) < 1e-11, (name, sizes)


def test_numbers_of_the_course() -> None:
    module = Recurrent("elman", 4, 3, engine="fused", dtype=torch.float64)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(0.1)
        module.bias_hh_l0.zero_()
    output, _ = module(torch.tensor([[4.0, 0, 0, 0], [0, 8, 2, 0]], dtype=torch.float64))
    assert np.round(output.detach().numpy(), 6).tolist() == [[0.462117] * 3, [0.845066] * 3]


@pytest.mark.parametrize("change", [lambda w: w[:-1], lambda w: w.double(), lambda w: w.to("meta")])
def test_weights_that_do_not_fit_are_refused_before_the_kernels_see_them(change: Any) -> None:
    module, rows, state, *_ = problem("gru", [3, 3], 4, 5, 1, torch.float32)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        weights = dict(module.weights_of(0, 0))
        weights[name] = change(weights[name].detach())
        with pytest.raises(ShapeError, match=name):
            fused.run(module.trace, LayerCall(rows, [3, 3], [weights], state, {}))
