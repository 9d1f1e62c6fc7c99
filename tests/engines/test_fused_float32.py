"""Float32: the fused engine's error against float64 is at most 1.5 times that of torch's own float32 kernels.

The error of a configuration is the root mean square over all its outputs and gradients, relative to their size, over several draws of
numbers: of a layer of one unit, a single draw tells more about luck than about the engine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from nn_grid import KINDS, Case, Config, Results, build, draw, make_case, reference, run, varied

import elman.nn
from elman.engines import fused

pytestmark = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")
DRAWS = 8


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small layers take longer on several."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def cast(case: Case, dtype: torch.dtype) -> Case:
    def to(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        return [t.detach().to(dtype) for t in tensors]

    return replace(case, leaf=case.leaf.detach().to(dtype), states=to(case.states), weights=to(case.weights))


def squared_error(found: Results, truth: Results) -> float:
    off = sum(float((found[k].double() - truth[k]).square().sum()) for k in truth)
    return off / (sum(float(truth[k].square().sum()) for k in truth) or 1.0)


def ratio(config: Config, draws: int = DRAWS) -> float:
    ours = theirs = 0.0
    for at in range(draws):
        c = varied(config, seed=config.seed + 7919 * at)
        native, case = reference(c).float(), cast(make_case(c), torch.float32)
        module = build(elman.nn, c, engine="fused", dtype=torch.float32)
        module.load_state_dict(native.state_dict())
        results = run(module, case), run(native, case)
        truth = run(native.double(), cast(case, torch.float64))
        ours += squared_error(results[0], truth)
        theirs += squared_error(results[1], truth)
    return math.sqrt(ours / theirs) if theirs else 1.0 + ours


def within(config: Config, draws: int = DRAWS) -> bool:
    """Where a few draws are above the bound, a hundred tell whether it is the engine; the few are among them."""
    return ratio(config, draws) <= 1.5 or ratio(config, draws=100) <= 1.5


@pytest.mark.parametrize("kind", KINDS)
def test_small_layers(kind: str) -> None:
    for config in draw(kind, 9, seed=1)[1:]:
        assert within(config), config


@pytest.mark.parametrize("kind", KINDS)
def test_layers_of_several_panels(kind: str) -> None:
    for config in draw(kind, 2, seed=2)[1:]:
        larger = varied(
            config,
            units=10 * config.units,
            inputs=5 * config.inputs,
            batch=1 if config.form == "unbatched" else 6,
            steps=min(config.steps, 17),
        )
        assert within(larger, draws=4), larger


@pytest.mark.slow
@pytest.mark.parametrize("name", fused.instruction_sets())
@pytest.mark.parametrize("kind", KINDS)
def test_the_whole_grid(kind: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "INSTRUCTION_SET", name)
    assert not [config for config in draw(kind, 200, seed=1) if not within(config)]
