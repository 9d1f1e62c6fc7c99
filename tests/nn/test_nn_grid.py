"""`elman.nn.RNN`, `LSTM`, `GRU` against torch.nn in float64 on random crossed configurations."""

from __future__ import annotations

from itertools import combinations

import pytest
from nn_grid import HERE, KINDS, build, differences, draw, make_case, ours, reference, run, too_far
from torch import nn

import elman.nn

PER_CELL = 200
GRID = {kind: draw(kind, PER_CELL, seed=1) for kind in KINDS}


@pytest.mark.parametrize("engine", HERE)
@pytest.mark.parametrize("kind", KINDS)
def test_against_torch(kind: str, engine: str) -> None:
    """Outputs and final states within 1e-12, gradients to inputs, states and every parameter within 1e-11."""
    wrong = []
    for config in GRID[kind]:
        theirs, case = reference(config), make_case(config)
        module = ours(config, theirs.state_dict(), engine)
        far = too_far(differences(run(module, case), run(theirs, case)))
        assert module.engine_used == engine
        if far:
            wrong.append((config, far))
    assert not wrong, f"{len(wrong)} of {len(GRID[kind])}, first: {wrong[0]}"


def test_the_grid_crosses_what_matters() -> None:
    """Every pair of these traits meets in several configurations of each cell."""
    traits = {
        "layers": lambda c: c.layers >= 2,
        "directions": lambda c: c.bidirectional,
        "I != H": lambda c: c.inputs != c.units,
        "batch": lambda c: c.batch > 1,
        "ragged": lambda c: c.form.startswith("packed") and c.batch > 1 and c.steps > 1,
        "unsorted": lambda c: c.form == "packed unsorted" and c.batch > 1 and c.steps > 1,
        "state": lambda c: c.with_state,
        "strided": lambda c: c.strided,
        "batch first": lambda c: c.batch_first,
        "no bias": lambda c: not c.bias,
        "many steps": lambda c: c.steps >= 17,
    }
    for kind, configs in GRID.items():
        assert {c.steps for c in configs} == {1, 2, 3, 17, 128}
        assert {c.layers for c in configs} == {1, 2, 3}
        assert {c.form for c in configs} == {"padded", "packed sorted", "packed unsorted", "unbatched"}
        for (a, first), (b, second) in combinations(traits.items(), 2):
            assert sum(first(c) and second(c) for c in configs) >= 4, (kind, a, b)
    assert sum(map(len, GRID.values())) >= 300


@pytest.mark.parametrize("kind", KINDS)
def test_state_dict_both_ways(kind: str) -> None:
    for config in GRID[kind][1:13]:
        theirs = reference(config)
        module = build(elman.nn, config)
        assert list(module.state_dict()) == list(theirs.state_dict())
        assert [p.shape for p in module.parameters()] == [p.shape for p in theirs.parameters()]
        module.load_state_dict(theirs.state_dict(), strict=True)
        back = build(nn, config)
        back.load_state_dict(module.state_dict(), strict=True)
        for a, b, c in zip(module.parameters(), theirs.parameters(), back.parameters(), strict=True):
            assert (a == b).all()
            assert (c == b).all()
        assert [[p.shape for p in weights] for weights in module.all_weights] == [
            [p.shape for p in weights] for weights in theirs.all_weights
        ]
