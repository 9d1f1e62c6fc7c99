"""Runs of a comparison: trained once, used again, gone on with, never mixed up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from made_up_classifiers import Bench, every, write_recipe, write_run, write_texts

from elman.errors import FolderError, InputError, Interrupted, RunInUseError
from elman.recipes.reading import read_recipe
from elman.storage import RunLock


def test_each_row_is_trained_with_each_seed_the_first_seed_first(bench: Bench) -> None:
    found = bench.compare(seeds=2)
    assert bench.trainer.asked == [("gru", 1, False), ("bag", 1, False), ("gru", 2, False), ("bag", 2, False)]
    assert sorted(path.name for path in (bench.folder / "out" / "runs").iterdir()) == [
        "bag-seed1", "bag-seed2", "gru-seed1", "gru-seed2",
    ]  # fmt: skip
    assert found.seeds == (1, 2)
    assert [attempt.seed for row in found.rows for attempt in row.attempts] == [1, 2] * 4


def test_all_runs_watch_the_test_part_for_the_demonstration(bench: Bench) -> None:
    bench.compare()
    for run in (bench.folder / "out" / "runs").iterdir():
        assert read_recipe(run / "recipe.toml").training.watch_test


def test_the_same_again_trains_nothing_and_ends_the_same(bench: Bench) -> None:
    first = bench.compare(seeds=2).to_json()
    bench.trainer.asked.clear()
    assert bench.compare(seeds=2).to_json() == first
    assert bench.trainer.asked == []


def test_more_seeds_train_only_what_is_new(bench: Bench) -> None:
    bench.compare()
    bench.trainer.asked.clear()
    bench.compare(seeds=2)
    assert bench.trainer.asked == [("gru", 2, False), ("bag", 2, False)]


@pytest.mark.parametrize("runs", range(4))
def test_a_comparison_that_was_stopped_goes_on_where_it_was(bench: Bench, runs: int) -> None:
    bench.trainer.stop_after = runs
    with pytest.raises(Interrupted):
        bench.compare(seeds=2)
    asked = list(bench.trainer.asked)
    assert not (bench.folder / "out" / "comparison.json").exists()
    bench.trainer.stop_after = None
    bench.trainer.asked.clear()
    bench.compare(seeds=2)
    title, seed, _ = asked[-1]
    assert bench.trainer.asked[0] == (title, seed, True), "the one in whose middle it stopped"
    assert len(bench.trainer.asked) == 4 - runs


@pytest.mark.parametrize("missing", ["results.json", "predictions.json"])
def test_a_run_that_lacks_an_end_goes_on(bench: Bench, missing: str) -> None:
    bench.compare()
    (bench.folder / "out" / "runs" / "gru-seed1" / missing).unlink()
    bench.trainer.asked.clear()
    bench.compare()
    assert bench.trainer.asked == [("gru", 1, True)]


def test_a_run_that_was_killed_before_its_recipe_was_whole_starts_anew(bench: Bench) -> None:
    run = bench.folder / "out" / "runs" / "gru-seed1"
    bench.compare()
    for path in run.iterdir():
        path.unlink()
    (run / ".recipe.toml.new").write_text("[da")
    (run / "lock").write_text("1")
    bench.trainer.asked.clear()
    bench.compare()
    assert bench.trainer.asked == [("gru", 1, False)]
    assert not (run / ".recipe.toml.new").exists()


def test_a_run_of_another_recipe_is_not_mixed_in(bench: Bench) -> None:
    bench.compare()
    with pytest.raises(
        InputError, match=r"gru-seed1 is a run with training\.epochs = 4, and 9 is asked for: choose another"
    ):
        bench.compare(settings={"training.epochs": 9})


def test_a_recipe_with_another_title_is_the_same_run(bench: Bench) -> None:
    bench.compare()
    write_recipe(bench.gru, bench.texts, "classifier")
    bench.gru.write_text(bench.gru.read_text().replace('title = "gru"', 'title = "A GRU"'))
    bench.trainer.asked.clear()
    bench.compare()
    assert bench.trainer.asked == []


def test_settings_and_data_reach_every_run(bench: Bench) -> None:
    other = write_texts(bench.folder / "other.csv", 60)
    found = bench.compare(settings={"training.rate": 0.5}, data=other)
    assert found.data.title == "other.csv"
    for run in (bench.folder / "out" / "runs").iterdir():
        recipe = read_recipe(run / "recipe.toml")
        assert (recipe.training.rate, recipe.data.path) == (0.5, str(other))


def test_texts_that_changed_since_are_told(bench: Bench) -> None:
    bench.compare()
    write_texts(bench.texts, more=" again")
    with pytest.raises(FolderError, match="was trained on other texts than are found now"):
        bench.compare()


def test_only_one_process_works_in_a_folder(bench: Bench) -> None:
    (bench.folder / "out").mkdir()
    with RunLock(bench.folder / "out"), pytest.raises(RunInUseError, match="another process"):
        bench.compare()


# Run folders as rows


def runs(bench: Bench, *seeds: int) -> list[Path]:
    made = []
    for name, k in (("gru", 6), ("bag", 3)):
        for seed in seeds:
            recipe = read_recipe(bench.folder / f"{name}.toml", {"training.seed": seed})
            made.append(write_run(bench.folder / "runs" / f"{name}-{seed}", recipe, every(k)))
    return made


def test_runs_that_exist_are_rows_and_nothing_is_trained(bench: Bench) -> None:
    found = bench.compare(runs(bench, 1))
    assert bench.trainer.asked == []
    assert [row.title for row in found.rows if row.kind == "model"] == ["gru-1", "bag-1"]
    assert [row.claimed for row in found.rows] == [None] * 4, "nobody watched the test part"


def test_runs_of_one_recipe_with_other_seeds_are_one_row(bench: Bench) -> None:
    found = bench.compare(runs(bench, 5, 7))
    models = [row for row in found.rows if row.kind == "model"]
    assert [[attempt.seed for attempt in row.attempts] for row in models] == [[5, 7], [5, 7]]
    assert found.seeds == (5, 7)


def test_a_run_and_a_recipe_with_its_seed_can_be_compared(bench: Bench) -> None:
    gru, _ = runs(bench, 1)
    found = bench.compare([gru, bench.bag])
    assert bench.trainer.asked == [("bag", 1, False)]
    assert json.loads((bench.folder / "out" / "comparison.json").read_text())["rows"][2]["attempts"][0]["run"] == str(
        gru
    )
    assert len(found.rows) == 4


def test_a_run_whose_answers_are_not_as_many_as_the_texts_is_told(bench: Bench) -> None:
    gru, bag = runs(bench, 1)
    answers = json.loads((gru / "predictions.json").read_text())
    (gru / "predictions.json").write_text(json.dumps(answers | {"predicted": answers["predicted"][1:]}))
    with pytest.raises(FolderError, match="does not have one answer for each of the test texts"):
        bench.compare([gru, bag])


@pytest.mark.parametrize("name", ["results.json", "predictions.json"])
@pytest.mark.parametrize("content", ["{", "[]", '{"classes": 3}', '{"labels": "x", "classes": []}'])
def test_a_damaged_run_is_told(bench: Bench, name: str, content: str) -> None:
    gru, bag = runs(bench, 1)
    (gru / name).write_text(content)
    with pytest.raises(FolderError, match=name) as caught:
        bench.compare([gru, bag])
    assert "\n" not in str(caught.value).replace("Expecting", "")
