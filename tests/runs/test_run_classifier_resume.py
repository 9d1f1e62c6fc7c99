"""Resume is exact for classifiers too: stopped after any step, killed, out of time; weights and log are the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_run
import tiny_texts
from test_run_classifier import glove
from tiny_run import Counting, StopAt, digest, weights

import elman
from elman.errors import ElmanError, Interrupted
from elman.recipes.reading import recipe_to_toml
from elman.recipes.recipe import Recipe
from elman.runs.training import Run

SHAPES = ("both directions", "average", "deep bag")


def made(folder: Path, shape: str) -> Recipe:
    """With all that has a state: dropout of every kind, a schedule, momentum, the test part watched, classes balanced."""
    return tiny_texts.recipe(
        folder, shape, training__schedule="cosine", training__warmup=2, training__optimiser="adamw",
        training__weight_decay=0.01, training__watch_test=True, training__balance_classes=True, training__epochs=2,
    )  # fmt: skip


def without_times(run: Run) -> dict[str, object]:
    return {key: value for key, value in run.results.items() if key not in ("seconds", "tokens_per_second")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Run, list[int], Recipe]]:
    """Runs without a stop, by shape."""
    done: dict[str, tuple[Run, list[int], Recipe]] = {}

    def get(shape: str) -> tuple[Run, list[int], Recipe]:
        if shape not in done:
            folder = tmp_path_factory.mktemp(shape.replace(" ", "-"))
            recipe, listener = made(folder / "data", shape), Counting()
            done[shape] = tiny_run.train(recipe, run=folder / "run", listener=listener), listener.steps, recipe
        return done[shape]

    return get


Whole = Callable[[str], tuple[Run, list[int], Recipe]]


@pytest.mark.parametrize("at", [0.0, 0.3, 0.5, 0.9], ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_stopped_after_any_step(shape: str, at: float, whole: Whole, tmp_path: Path) -> None:
    run, steps, recipe = whole(shape)
    step = max(1, round(at * len(steps)))
    with pytest.raises(Interrupted):
        tiny_run.train(recipe, run=tmp_path / "run", listener=StopAt(step))
    rest = Counting()
    finished = tiny_run.train(recipe, run=tmp_path / "run", resume=True, listener=rest)
    assert rest.steps == steps[step:]
    assert digest(tmp_path / "run") == digest(run.path)
    assert without_times(finished) == without_times(run)


KILLED = """
import os, signal, sys
import elman
from elman.training import Silent

class Kill(Silent):
    def stepped(self, step, loss, rate, symbols):
        if step == int(sys.argv[3]):
            os.kill(os.getpid(), signal.SIGKILL)

elman.train(sys.argv[1], run=sys.argv[2], listener=Kill(), checkpoint_seconds=float(sys.argv[4]))
"""


@pytest.mark.parametrize(("shape", "seconds"), [("both directions", 0), ("deep bag", 30)])
def test_killed(shape: str, seconds: float, whole: Whole, tmp_path: Path) -> None:
    """By SIGKILL in the second epoch, with a checkpoint after each step or at the epoch's end alone."""
    run, steps, recipe = whole(shape)
    (tmp_path / "mine.toml").write_text(recipe_to_toml(recipe), "utf-8")
    step = round(0.7 * len(steps))
    words = [sys.executable, "-c", KILLED, str(tmp_path / "mine.toml"), str(tmp_path / "run"), str(step), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(Path(elman.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    rest = Counting()
    finished = tiny_run.train(recipe, run=tmp_path / "run", resume=True, listener=rest)
    assert rest.steps[-1] == steps[-1]
    assert len(rest.steps) < len(steps), "it goes on, and does not begin again"
    there, here = digest(run.path), digest(tmp_path / "run")
    assert {name for name in there if there[name] != here[name]} <= {"recipe.toml"}  # how often to save is another
    assert without_times(finished) == without_times(run)


class Slow(Counting):
    """The third step takes longer than the run may."""

    def stepped(self, step: int, loss: float, rate: float, symbols: int) -> None:
        super().stepped(step, loss, rate, symbols)
        time.sleep(0.7 if step == 3 else 0)


@pytest.mark.parametrize("before", ["the first step", "the fourth step"])
@pytest.mark.parametrize("shape", SHAPES)
def test_out_of_time_and_on_again(shape: str, before: str, whole: Whole, tmp_path: Path) -> None:
    run, _, recipe = whole(shape)
    slow = before == "the fourth step"
    first = tiny_run.train(recipe, run=tmp_path / "run", minutes=0.6 / 60 if slow else 1e-9, listener=Slow())
    assert first.outcome.reason == "minutes"
    assert first.outcome.step in ((1, 2, 3) if slow else (0,))
    assert first.results["epochs"] == ({"trained": 1, "best": 1} if slow else {"trained": 0, "best": 0})
    assert first.results["test"]["count"] == run.results["test"]["count"]
    assert first.report.is_file()
    finished = tiny_run.train(recipe, run=tmp_path / "run", resume=True, minutes=60)
    assert finished.outcome.reason == "epochs"
    assert weights(tmp_path / "run") == weights(run.path)
    there, here = digest(run.path), digest(tmp_path / "run")
    assert {name for name in there if there[name] != here[name]} <= {"recipe.toml"}


def test_vectors_that_stay_as_they_are_are_resumed_too(tmp_path: Path) -> None:
    """The optimiser has no state for them."""
    vectors = str(glove(tmp_path / "vectors.txt", 6))
    recipe = tiny_texts.recipe(tmp_path / "data", "classifier", model__vectors=vectors, model__train_embedding=False)
    run = tiny_run.train(recipe, run=tmp_path / "whole")
    with pytest.raises(Interrupted):
        tiny_run.train(recipe, run=tmp_path / "run", listener=StopAt(4))
    tiny_run.train(recipe, run=tmp_path / "run", resume=True)
    assert digest(tmp_path / "run") == digest(run.path)


@pytest.mark.parametrize(
    "change", [{"watch_test": False}, {"balance_classes": False}, {"model.pooling": "mean"}, {"lower": True}], ids=str
)
def test_other_settings_are_refused(change: dict[str, object], tmp_path: Path) -> None:
    recipe = made(tmp_path / "data", "both directions")
    with pytest.raises(Interrupted):
        tiny_run.train(recipe, run=tmp_path / "run", listener=StopAt(2))
    before = digest(tmp_path / "run")
    with pytest.raises(ElmanError) as caught:
        tiny_run.train("names", run=tmp_path / "run", resume=True, settings=change)
    tiny_run.check_sentence(caught.value)
    assert digest(tmp_path / "run") == before
