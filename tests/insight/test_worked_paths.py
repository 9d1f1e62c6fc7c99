"""A gradient split into its paths: the summands of each state's δ, and what the path along a state keeps."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import elman
from elman.cells import get, names
from elman.engines.layer import ParameterShapes
from elman.equations.tracing import trace
from elman.insight.worked import Worked

T, H, I = 4, 3, 2


def worked(cell: str, seed: int = 0, *, every_step: bool = False, batch: int | None = None) -> Worked:
    random = np.random.default_rng(seed)
    shapes = ParameterShapes(trace(get(cell)), H).of(I, bias=True)
    weights = {f"{name}_l0": random.normal(size=shape) for name, shape in shapes.items()}
    xs = random.normal(size=(T, I) if batch is None else (T, batch, I))
    goal: Any = 1 if batch is None else [1] * batch
    targets = [goal] * T if every_step else [*[None] * (T - 1), goal]
    return elman.worked(cell, weights, xs, head=(random.normal(size=(2, H)), None), targets=targets)


@pytest.mark.parametrize("batch", [None, 2])
@pytest.mark.parametrize("cell", names())
def test_the_paths_add_up(cell: str, batch: int | None) -> None:
    found = worked(cell, every_step=True, batch=batch)
    for step in found.steps:
        assert set(step.paths) == set(get(cell).state)
        for state, paths in step.paths.items():
            np.testing.assert_allclose(sum(paths.values()), step.deltas[state], rtol=0, atol=1e-13)


def test_an_lstms_memory_has_two_paths() -> None:
    """Through the output of its own step, and along itself times the next forget gate."""
    steps = worked("lstm").steps
    for now, later in pairwise(steps):
        assert [at for at, share in now.paths["c"].items() if share.any()] == [("step", "h"), ("next", "c")]
        slope = now["o"] * (1 - np.tanh(now["c"]) ** 2)
        np.testing.assert_allclose(now.paths["c"]["step", "h"], now.deltas["h"] * slope, rtol=0, atol=1e-14)
        np.testing.assert_allclose(now.paths["c"]["next", "c"], later.deltas["c"] * later["f"], rtol=0, atol=1e-14)
    assert {at[0] for at, share in steps[-1].paths["h"].items() if share.any()} == {"loss"}
    assert {at for at, share in steps[0].paths["h"].items() if share.any()} == {("matrix", k) for k in "ifgo"}


def test_what_is_kept_is_the_product_of_the_forget_gates() -> None:
    steps = worked("lstm").steps
    for t, step in enumerate(steps):
        wanted = np.prod([later["f"] for later in steps[t + 1 :]], axis=0)
        np.testing.assert_allclose(step.kept["c"], np.broadcast_to(wanted, H), rtol=0, atol=1e-15)
    assert set(steps[0].kept) == {"c"}
    assert set(worked("gru").steps[0].kept) == {"h"}
    assert not worked("elman").steps[0].kept  # every path passes its matrix


def test_both_are_told() -> None:
    found = worked("lstm")
    text = found.text()
    assert "along c, through c_3: no matrix: " in text
    assert "along c alone f_t of steps 2 to 4, multiplied, leaves of 1: " in text
    assert "through W_hf of step 2: " in text
    assert "along c, through c_3: no matrix" in found.html()
    assert "leaves of 1" not in worked("elman").text()
