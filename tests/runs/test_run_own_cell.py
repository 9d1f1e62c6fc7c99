"""A cell of one's own, ten lines: trained, stored as equations, and used where nobody has its Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny_run
from own_cells import LoopCell, MyCell
from tiny_run import StopAt, digest, weights

import elman
from elman.cells import Cell, tanh
from elman.errors import CellError, Interrupted

ELSEWHERE = """
import hashlib, json, sys
from pathlib import Path
import elman
from elman.runs import train
from elman.training import Silent

said = []
for folder in sys.argv[1:-1]:
    model = elman.load(folder)
    said.append({
        "samples": model.sample(seed=4, count=5),
        "nats": model.score("Amato").nats.hex(),
        "cell": type(model.network.recurrent.cell).__name__,
    })
stopped = train("names", run=sys.argv[-1], resume=True, listener=Silent())
best = hashlib.sha256((stopped.path / "best" / "model.safetensors").read_bytes()).hexdigest()
print(json.dumps({"models": said, "resumed": best, "own": "own_cells" in sys.modules, "plotly": "plotly" in sys.modules}))
"""


def test_another_process_without_the_class(tmp_path: Path) -> None:
    """The same samples, the same loss to the last bit; and a stopped run of it goes on there to the same weights."""
    made = tiny_run.recipe(tmp_path / "data")
    runs = [tiny_run.train(made, run=tmp_path / name, cell=cell) for name, cell in (("a", MyCell), ("b", LoopCell()))]
    with pytest.raises(Interrupted):
        tiny_run.train(made, run=tmp_path / "stopped", cell=MyCell, listener=StopAt(2))
    environment = {**os.environ, "PYTHONPATH": str(Path(elman.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", ELSEWHERE, *(str(run.path) for run in runs), str(tmp_path / "stopped")],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    for run, said in zip(runs, told["models"], strict=True):
        model = run.model()
        assert said["samples"] == model.sample(seed=4, count=5)
        assert said["nats"] == model.score("Amato").nats.hex()
        assert said["cell"] == "TextCell"
    assert told["resumed"] == weights(runs[0].path)
    assert digest(tmp_path / "stopped") == digest(runs[0].path)
    assert not told["own"]


def test_it_learns_and_its_equations_are_everywhere(tmp_path: Path) -> None:
    run = tiny_run.train(tiny_run.recipe(tmp_path / "data", training__epochs=4), run=tmp_path / "run", cell=MyCell)
    losses = [row["train_nats"] for row in run.metrics]
    assert losses == sorted(losses, reverse=True)
    assert "m = keep * s.m + (1 - keep) * new" in run.model().config["cell"]
    assert "cell MyCell" in (run.path / "recipe.toml").read_text()
    assert "<math" in run.report.read_text("utf-8")
    assert "MyCell" in (run.path / "best" / "README.md").read_text("utf-8")


def test_its_recipe_trains_it_again(tmp_path: Path) -> None:
    """recipe.toml holds the equations: it needs no class, and the weights are the same."""
    first = tiny_run.train(tiny_run.recipe(tmp_path / "data"), run=tmp_path / "run", cell=MyCell)
    second = tiny_run.train(first.path / "recipe.toml", run=tmp_path / "again")
    assert digest(first.path) == digest(second.path)


def test_another_cell_in_its_recipe_takes_its_place(tmp_path: Path) -> None:
    """Asked for by name, as an object or as another class: never the old equations under a new name."""
    first = tiny_run.train(tiny_run.recipe(tmp_path / "data"), run=tmp_path / "run", cell=MyCell)
    for k, cell in enumerate(("gru", LoopCell, elman.cells.get("mgu"))):
        run = tiny_run.train(first.path / "recipe.toml", run=tmp_path / str(k), cell=cell)
        expected = elman.cells.get(cell).title
        assert run.model().network.recurrent.cell.title == expected
        assert run.model().config["cell"].startswith(f"cell {expected}\n")


def test_class_object_and_name_are_the_same(tmp_path: Path) -> None:
    made = tiny_run.recipe(tmp_path / "data")
    shas = {
        weights(tiny_run.train(made, run=tmp_path / str(k), cell=cell).path)
        for k, cell in enumerate(("lstm", elman.cells.get("lstm"), type(elman.cells.get("lstm"))))
    }
    assert len(shas) == 1


class Branching(Cell):
    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        return {"h": tanh(x.h) if x.h > 0 else s.h}


class Stateless(Cell):
    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        return {"y": tanh(x.h + h.h)}


class Nothing(Cell):
    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        return {"h": s.h * 0.5}


class Undeclared(Cell):
    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        return {"h": tanh(x.gate)}


@pytest.mark.parametrize("cell", [Branching, Stateless, Nothing, Undeclared, Cell])
def test_cells_that_do_not_work_leave_nothing_behind(cell: type[Cell], tmp_path: Path) -> None:
    made = tiny_run.recipe(tmp_path / "data")
    with pytest.raises((CellError, NotImplementedError) if cell is Cell else CellError) as caught:
        tiny_run.train(made, run=tmp_path / "run", cell=cell)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
