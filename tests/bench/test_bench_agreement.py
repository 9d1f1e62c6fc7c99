"""Every side of the bench computes the same numbers, on cases that cross layers, directions and lengths; and a wrong one is caught."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import bench_cases
import pytest
import torch
from bench.case import Case, LeftOutError, Side, apart, gather
from bench.options import Options
from bench_cases import CASES, WORKLOADS
from rich.console import Console

from bench import custom_cell, jax_peer, modules, onnx_peer

EACH_CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def quiet_options() -> Options:
    return Options(threads=1, console=Console(file=io.StringIO()))


def wrong_side(case: Case) -> Side:
    """torch.nn with two blocks of its weights changed over, as somebody might who mixed up their order."""
    side = modules.padded(case)
    units = case.workload.units
    swapped = {name: torch.cat([w[units : 2 * units], w[:units], w[2 * units :]]) for name, w in case.weights.items()}
    broken = Case(case.cell, case.workload)
    broken.__dict__["weights"] = swapped
    other = modules.padded(broken)
    return Side("wrong", other.forward, other.step, other.output, other.gradients, side.tolerance)


@EACH_CASE
def test_torch_modules_agree(case: Case) -> None:
    sides = [side for build in modules.builders(case) if (side := build()) is not None]
    assert [s.name for s in sides] == ["torch padded", "elman"] + ["torch packed"] * case.workload.ragged
    for side in sides[1:]:
        assert apart(case, sides[0], side) <= side.tolerance


@pytest.fixture(scope="module")
def jax_distances() -> dict[str, Any]:
    if find_spec("jax") is None:
        pytest.skip("jax, a peer of the bench, is in the extra `bench`")
    program = [sys.executable, str(Path(bench_cases.__file__))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(program, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", CASES)
def test_jax_agrees(name: str, jax_distances: dict[str, Any]) -> None:
    found = jax_distances[name]
    assert found["gradients"] == found["wanted"]
    assert found["apart"] <= 1e-4


@EACH_CASE
def test_onnx_runtime_agrees(case: Case) -> None:
    pytest.importorskip("onnxruntime", reason="a peer of the bench, in the extra `bench`")
    side = onnx_peer.side(case, 1)
    assert side.step is None
    assert apart(case, modules.padded(case), side) <= side.tolerance


def test_bfloat16_of_torch_is_near_and_not_equal() -> None:
    case = Case("GRU", WORKLOADS["plain"]._replace(bf16=True))
    side = modules.torch_bf16(case)
    assert side is not None
    assert 1e-4 < apart(case, modules.padded(case), side) < side.tolerance


def test_a_cell_of_ones_own_and_the_plain_loop_agree_with_torch() -> None:
    case = Case("GRU", WORKLOADS["plain"])
    for side in (custom_cell.own(case), custom_cell.loop(case)):
        assert apart(case, modules.padded(case), side) <= side.tolerance


def test_a_side_with_other_numbers_is_not_timed_and_fails_the_run() -> None:
    case, options = Case("GRU", WORKLOADS["plain"]), quiet_options()
    sides = gather([lambda: modules.padded(case), lambda: wrong_side(case), lambda: modules.ours(case)], case, options)
    assert [s.name for s in sides] == ["torch padded", "elman"]
    assert options.failed
    assert "NOT TIMED: wrong on GRU" in options.notes[0]


def test_wrong_gradients_alone_are_caught() -> None:
    case, right = Case("LSTM", WORKLOADS["plain"]), modules.padded(Case("LSTM", WORKLOADS["plain"]))
    side = Side(
        "half", right.forward, right.step, right.output, lambda: {n: g * 0.9 for n, g in right.gradients().items()}
    )
    assert apart(case, right, side) == pytest.approx(0.1)


@pytest.mark.parametrize("peer", [jax_peer, onnx_peer])
def test_a_peer_that_is_not_installed_is_left_out_with_a_sentence(peer, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(peer, "import_module", missing)
    case, options = Case("RNN", WORKLOADS["plain"]), quiet_options()
    with pytest.raises(LeftOutError, match="not installed"):
        peer.side(case, 1)
    for _ in range(2):
        assert [s.name for s in gather([lambda: peer.side(case, 1)], case, options)] == []
    assert len(options.notes) == 1
    assert not options.failed
