"""Resume is exact for whole runs: stop after any step, go on with everything new, and no byte differs."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import tiny_run
from tiny_run import Counting, StopAt, digest, read_all, weights

import elman
from elman.errors import ElmanError, FolderError, InputError, Interrupted
from elman.recipes.reading import recipe_to_toml
from elman.recipes.recipe import Recipe
from elman.storage import LineLog


def made(folder: Path, kind: str) -> Recipe:
    """With all that has a state: dropout, momentum, a schedule, two layers."""
    return tiny_run.recipe(
        folder, kind, model__layers=2, training__schedule="cosine", training__warmup=2, training__optimiser="adamw",
        training__weight_decay=0.01,
    )  # fmt: skip


def without_seconds(results: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in results.items() if key != "seconds"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Runs without a stop, by kind."""
    done = {}
    for kind in ("categories", "text"):
        folder = tmp_path_factory.mktemp(kind)
        listener = Counting()
        run = tiny_run.train(made(folder / "data", kind), run=folder / "run", listener=listener)
        done[kind] = run, listener.steps, made(folder / "data", kind)
    return done


@pytest.mark.parametrize("kind", ["categories", "text"])
@pytest.mark.parametrize("at", [0.0, 0.2, 0.5, 0.5001, 0.8, 1.0], ids=str)
def test_stopped_after_any_step(kind: str, at: float, whole: dict[str, Any], tmp_path: Path) -> None:
    run, steps, recipe = whole[kind]
    step = max(1, min(len(steps), round(at * len(steps)) + (at == 0.5001)))
    number = signal.SIGINT if step % 2 else signal.SIGTERM
    with pytest.raises(Interrupted) as caught:
        tiny_run.train(recipe, run=tmp_path / "run", listener=StopAt(step, number))
    assert caught.value.exit_code == 128 + number
    assert not (tmp_path / "run" / "results.json").exists()
    rest = Counting()
    finished = tiny_run.train(recipe, run=tmp_path / "run", resume=True, listener=rest)
    assert rest.steps == steps[step:]
    assert digest(tmp_path / "run") == digest(run.path)
    assert without_seconds(finished.results) == without_seconds(run.results)
    assert finished.report.is_file()
    assert finished.outcome.epochs == run.outcome.epochs


def test_stopped_after_every_step(whole: dict[str, Any], tmp_path: Path) -> None:
    run, steps, recipe = whole["categories"]
    for step in steps:
        with pytest.raises(Interrupted):
            tiny_run.train(recipe, run=tmp_path / "run", resume=step > 1, listener=StopAt(step))
    tiny_run.train(recipe, run=tmp_path / "run", resume=True)
    assert digest(tmp_path / "run") == digest(run.path)


@pytest.mark.parametrize("kind", ["categories", "text"])
def test_out_of_time_and_on_again(kind: str, whole: dict[str, Any], tmp_path: Path) -> None:
    """`minutes` stops in the middle, with results; the resumed run knows nothing of it afterwards."""
    run, _, recipe = whole[kind]
    first = tiny_run.train(recipe, run=tmp_path / "run", minutes=1e-4)
    assert first.outcome.reason == "minutes"
    assert first.results["test"]["count"] == run.results["test"]["count"]
    assert first.report.is_file()
    assert first.model().sample(seed=1) is not None
    finished = tiny_run.train(recipe, run=tmp_path / "run", resume=True, minutes=60)
    assert finished.outcome.reason == "epochs"
    assert weights(tmp_path / "run") == weights(run.path)
    there, other = digest(tmp_path / "run"), digest(run.path)
    there.pop("recipe.toml")
    other.pop("recipe.toml")
    assert there == other


def test_a_finished_run_stays_as_it_is(whole: dict[str, Any], tmp_path: Path) -> None:
    recipe = whole["categories"][2]
    run = tiny_run.train(recipe, run=tmp_path / "run")
    before, results = digest(run.path), without_seconds(run.results)
    again = tiny_run.train(recipe, run=run.path, resume=True)
    assert digest(run.path) == before
    assert without_seconds(again.results) == results


def test_more_epochs_than_at_first(tmp_path: Path) -> None:
    """With a constant rate, two epochs and one more are three."""
    recipe = tiny_run.recipe(tmp_path / "data")
    tiny_run.train(recipe, run=tmp_path / "run")
    tiny_run.train(recipe, run=tmp_path / "run", resume=True, epochs=3)
    tiny_run.train(recipe, run=tmp_path / "whole", epochs=3)
    assert digest(tmp_path / "run") == digest(tmp_path / "whole")


def test_the_run_in_the_folder_counts_not_the_recipe_that_is_named(tmp_path: Path) -> None:
    """`elman train shakespeare --resume --run FOLDER` goes on with what the folder says."""
    recipe = tiny_run.recipe(tmp_path / "data")
    whole = tiny_run.train(recipe, run=tmp_path / "whole")
    with pytest.raises(Interrupted):
        tiny_run.train(recipe, run=tmp_path / "run", listener=StopAt(2))
    tiny_run.train("shakespeare", run=tmp_path / "run", resume=True)
    assert digest(tmp_path / "run") == digest(whole.path)


def test_without_a_folder_the_newest_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text(recipe_to_toml(tiny_run.recipe(tmp_path / "data")), "utf-8")
    first = tiny_run.train("mine.toml")
    with pytest.raises(Interrupted):
        tiny_run.train("mine.toml", listener=StopAt(2))
    assert sorted(p.name for p in Path("runs").iterdir()) == ["mine", "mine-2"]
    resumed = tiny_run.train("mine.toml", resume=True)
    assert resumed.path == Path("runs/mine-2")
    assert digest(Path("runs/mine-2")) == digest(Path("runs/mine"))
    assert first.path == Path("runs/mine")


def test_data_that_has_moved_is_named_again(tmp_path: Path) -> None:
    """What counts is what is in the file; where it lies may change between two days, or two working folders."""
    whole = tiny_run.train(tiny_run.recipe(tmp_path / "data"), run=tmp_path / "whole")
    with pytest.raises(Interrupted):
        tiny_run.train(tiny_run.recipe(tmp_path / "data"), run=tmp_path / "run", listener=StopAt(2))
    moved = (tmp_path / "data" / "data.txt").rename(tmp_path / "data.txt")
    tiny_run.train("names", run=tmp_path / "run", resume=True, data=moved)
    assert weights(tmp_path / "run") == weights(whole.path)


def refused(folder: Path, **arguments: Any) -> str:
    """A resume that can't be: one sentence, and every file as it was."""
    before = read_all(folder)
    with pytest.raises(ElmanError) as caught:
        tiny_run.train("names", run=folder, resume=True, **arguments)
    assert "\n" not in str(caught.value)
    assert read_all(folder) == before
    return str(caught.value)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """A run that was stopped after its second step."""
    with pytest.raises(Interrupted):
        tiny_run.train(tiny_run.recipe(tmp_path / "data"), run=tmp_path / "run", listener=StopAt(2))
    return tmp_path / "run"


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 5},
        {"rate": 0.5},
        {"batch_size": 8},
        {"optimiser": "sgd"},
        {"hidden": 9},
        {"cell": "lstm"},
        {"cell": "mgu"},
        {"layers": 2},
        {"dropout": 0.7},
        {"units": "bytes"},
        {"validation": 0.2},
        {"max_length": 7},
    ],
    ids=str,
)
def test_other_settings_are_refused_and_nothing_is_lost(change: dict[str, Any], stopped: Path, tmp_path: Path) -> None:
    """A resumed run is the run: what its weights depend on can't be changed on the way, and asking for it does no harm."""
    refused(stopped, **change)
    tiny_run.train("names", run=stopped, resume=True)
    tiny_run.train(tiny_run.recipe(tmp_path / "data"), run=tmp_path / "whole")
    assert digest(stopped) == digest(tmp_path / "whole")


def test_another_cell_of_the_same_shapes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        tiny_run.train(
            tiny_run.recipe(tmp_path / "data", model__cell="elman"), run=tmp_path / "run", listener=StopAt(2)
        )
    refused(tmp_path / "run", cell="elman-relu")


@pytest.mark.parametrize("change", ["other order", "other letters", "a line more", "gone"])
def test_data_that_has_changed_since_is_refused(change: str, stopped: Path, tmp_path: Path) -> None:
    file = tmp_path / "data" / "data.txt"
    lines = file.read_text("utf-8").splitlines()
    if change == "other order":
        lines.reverse()
    elif change == "other letters":  # as many lines, of the same lengths and the same letters
        lines = [line[0] + line[1:][::-1] for line in lines]
    else:
        lines.append("Amato")
    file.write_text("\n".join(lines) + "\n", "utf-8")
    if change == "gone":
        file.unlink()
    assert "data" in refused(stopped)


@pytest.mark.parametrize(
    "damage", ["flipped", "cut", "no weights", "no last", "recipe gone", "recipe spoilt", "log cut"]
)
def test_a_damaged_run_is_refused_or_begun_again(damage: str, stopped: Path) -> None:
    last = stopped / "last"
    if damage == "flipped":
        data = bytearray((last / "resume.safetensors").read_bytes())
        data[len(data) // 2] ^= 1
        (last / "resume.safetensors").write_bytes(data)
    elif damage == "cut":
        (last / "resume.json").write_bytes((last / "resume.json").read_bytes()[:-5])
    elif damage == "no weights":
        (last / "model.safetensors").unlink()
    elif damage == "recipe gone":
        (stopped / "recipe.toml").unlink()
    elif damage == "recipe spoilt":
        (stopped / "recipe.toml").write_text("[training]\nepochs = 'x'\n")
    elif damage == "log cut":
        tiny_run.train("names", run=stopped, resume=True)
        (stopped / "metrics.jsonl").write_text("")
    elif damage == "no last":
        for file in last.iterdir():
            file.unlink()
        last.rmdir()
        finished = tiny_run.train("names", run=stopped, resume=True)
        assert [row["epoch"] for row in finished.metrics] == [1, 2]
        return
    refused(stopped)


def test_a_folder_without_a_run_is_not_resumed(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="nowhere"):
        tiny_run.train("names", run=tmp_path / "nowhere", resume=True)
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(FolderError):
        tiny_run.train("names", run=tmp_path, resume=True)
    assert not list(tmp_path.iterdir())


def test_a_run_is_not_written_over(stopped: Path) -> None:
    before = read_all(stopped)
    with pytest.raises(InputError, match="--resume"):
        tiny_run.train(tiny_run.recipe(stopped.parent / "data"), run=stopped)
    assert read_all(stopped) == before


def test_a_torn_line_at_the_end_of_the_log_does_no_harm(stopped: Path, tmp_path: Path) -> None:
    """What a power cut leaves."""
    with (stopped / "metrics.jsonl").open("ab") as file:
        file.write(b'{"kind":"epo')
    tiny_run.train("names", run=stopped, resume=True)
    whole = tiny_run.train(tiny_run.recipe(tmp_path / "data"), run=tmp_path / "whole")
    assert digest(stopped) == digest(whole.path)
    assert LineLog(stopped / "metrics.jsonl").offset == (stopped / "metrics.jsonl").stat().st_size


def test_the_best_model_survives_the_moment_it_is_replaced(tmp_path: Path) -> None:
    """Killed between the two renames of best/, the old one is at `.best.old`: it is loaded, and not the last model in its place."""
    recipe = tiny_run.recipe(tmp_path / "data", training__epochs=1)
    run = tiny_run.train(recipe, run=tmp_path / "run")
    expected = elman.load(run.path).sample(seed=1, count=20)
    tiny_run.train(recipe, run=tmp_path / "other", seed=2)
    shutil.rmtree(run.path / "last")
    (tmp_path / "other" / "last").rename(run.path / "last")  # so that best and last differ
    (run.path / "best").rename(run.path / ".best.old")
    assert elman.load(run.path).sample(seed=1, count=20) == expected


def test_a_run_goes_on_from_the_moment_last_is_replaced(stopped: Path, tmp_path: Path) -> None:
    """Killed between the two renames of last/: what was there before is at `.last.old`, loads, and is gone on from."""
    expected = elman.load(stopped / "last").sample(seed=1, count=20)
    (stopped / "last").rename(stopped / ".last.old")
    assert elman.load(stopped).sample(seed=1, count=20) == expected
    assert elman.load(stopped / "last").sample(seed=1, count=20) == expected
    tiny_run.train("names", run=stopped, resume=True)
    whole = tiny_run.train(tiny_run.recipe(tmp_path / "data"), run=tmp_path / "whole")
    assert digest(stopped) == digest(whole.path)
