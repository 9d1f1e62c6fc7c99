"""One clear sentence each, before anything is trained or written."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_classifiers import Bench, every, write_recipe, write_run, write_texts

from elman.errors import DataError, ElmanError, FolderError, InputError
from elman.recipes.reading import read_recipe


def refused(bench: Bench, sources: list[str | Path], kind: type[ElmanError], match: str, **more: object) -> None:
    with pytest.raises(kind, match=match) as caught:
        bench.compare(sources, **more)
    assert "\n" not in str(caught.value)
    assert bench.trainer.asked == []
    assert not (bench.folder / "out" / "plan.json").exists()


def test_one_row_only(bench: Bench) -> None:
    refused(bench, [bench.gru], InputError, "gru alone can't be compared")


def test_a_recipe_twice(bench: Bench) -> None:
    refused(bench, [bench.gru, bench.gru], InputError, "'gru' is compared twice")


def test_a_recipe_twice_under_two_names(bench: Bench) -> None:
    copy = bench.folder / "copy.toml"
    copy.write_text(bench.gru.read_text().replace('title = "gru"', 'title = "other"'))
    refused(bench, [bench.gru, copy], InputError, "gru and copy are the same recipe")


def test_a_run_twice_under_two_names(bench: Bench) -> None:
    recipe = read_recipe(bench.gru)
    one, two = (write_run(bench.folder / name, recipe, every(5)) for name in ("one", "two"))
    refused(bench, [one, two], InputError, "one and two are the same recipe")


def test_runs_of_one_recipe_only(bench: Bench) -> None:
    made = [
        write_run(bench.folder / f"run{seed}", read_recipe(bench.gru, {"training.seed": seed}), every(5))
        for seed in (1, 2)
    ]
    refused(bench, made, InputError, "all runs are of one recipe, run1: there is nothing to compare it with")


def test_different_texts(bench: Bench) -> None:
    texts = write_texts(bench.folder / "others.csv", 90)
    other = write_recipe(bench.folder / "other.toml", texts, "bag-of-words")
    refused(
        bench, [bench.gru, other], DataError,
        "gru and other read texts.csv and others.csv: models are compared on the same texts only",
    )  # fmt: skip


def test_the_same_texts_in_another_place_are_the_same(bench: Bench) -> None:
    moved = write_texts(bench.folder / "moved.csv")
    other = write_recipe(bench.folder / "other.toml", moved, "bag-of-words")
    assert len(bench.compare([bench.gru, other]).rows) == 4


def test_the_same_texts_in_different_parts(bench: Bench) -> None:
    other = write_recipe(bench.folder / "other.toml", bench.texts, "bag-of-words", data__validation=0.2)
    refused(bench, [bench.gru, other], DataError, r"divide the texts differently \(data\.validation is 0\.1 and 0\.2\)")


def test_runs_with_different_seeds_have_different_parts(bench: Bench) -> None:
    one = write_run(bench.folder / "one", read_recipe(bench.gru), every(5))
    two = write_run(bench.folder / "two", read_recipe(bench.bag, {"training.seed": 2}), every(5))
    refused(bench, [one, two], DataError, "one has seed 1, two seed 2, and the seed draws the parts")


def test_published_parts_are_the_same_for_all_seeds(bench: Bench) -> None:
    folder = bench.folder / "published"
    folder.mkdir()
    for name, count in (("train", 60), ("validation", 20), ("test", 24)):
        write_texts(folder / f"{name}.csv", count, f" of {name}")
    one, two = (
        write_run(
            bench.folder / name,
            read_recipe(bench.folder / f"{recipe}.toml", {"training.seed": seed, "data.path": str(folder)}), every(5),
        )
        for name, recipe, seed in (("one", "gru", 1), ("two", "bag", 2))
    )  # fmt: skip
    found = bench.compare([one, two])
    assert found.data.one_test_part
    assert [len(row.attempts) for row in found.rows] == [1, 1, 1, 1], (
        "a baseline has nothing that a second seed would change"
    )


def test_a_run_that_has_not_ended(bench: Bench) -> None:
    one = write_run(bench.folder / "one", read_recipe(bench.gru), every(5), parts=())
    refused(bench, [one, bench.bag], FolderError, "the run in .*one has not ended: go on with elman train .* --resume")


def test_a_folder_that_is_no_run(bench: Bench) -> None:
    (bench.folder / "empty").mkdir()
    refused(bench, [bench.folder / "empty", bench.bag], FolderError, r"empty is no run folder: it has no recipe\.toml")


@pytest.mark.parametrize("more", [{"seeds": 2}, {"settings": {"training.rate": 0.1}}, {"data": "texts.csv"}])
def test_a_run_is_not_trained_again(bench: Bench, more: dict[str, object]) -> None:
    one = write_run(bench.folder / "one", read_recipe(bench.gru), every(5))
    refused(bench, [one, bench.bag], InputError, "changes what is trained, and .*one was trained already", **more)


def test_language_models(bench: Bench) -> None:
    refused(bench, ["names", "shakespeare"], InputError, "names is a language model: compare is for models that tell")


def test_a_recipe_that_is_not_there(bench: Bench) -> None:
    refused(bench, [bench.gru, "nonsense"], ElmanError, "there is no recipe 'nonsense'")


@pytest.mark.parametrize("seeds", [0, -1, 101])
def test_how_many_seeds(bench: Bench, seeds: int) -> None:
    refused(
        bench,
        [bench.gru, bench.bag],
        InputError,
        f"--seeds is how many runs each recipe gets.*got {seeds}",
        seeds=seeds,
    )


@pytest.mark.parametrize("key", ["training.seed", "seed"])
def test_which_seed(bench: Bench, key: str) -> None:
    refused(bench, [bench.gru, bench.bag], InputError, "say how many with --seeds", settings={key: 3})


def test_a_folder_that_is_something_else(bench: Bench) -> None:
    out = bench.folder / "out"
    out.mkdir()
    (out / "thesis.docx").write_text("all of it")
    refused(
        bench, [bench.gru, bench.bag], InputError, r"out holds thesis\.docx and is no comparison: choose another folder"
    )
    assert [path.name for path in out.iterdir()] == ["thesis.docx"]


def test_a_file_instead_of_a_folder(bench: Bench) -> None:
    (bench.folder / "out").write_text("a file")
    with pytest.raises(InputError, match="out is a file: choose a folder with --out"):
        bench.compare()


def test_a_part_that_is_empty(bench: Bench) -> None:
    refused(
        bench, [bench.gru, bench.bag], DataError, r"data\.validation is 0: a comparison needs a validation part",
        settings={"data.validation": 0.0},
    )  # fmt: skip


def test_rows_may_not_take_the_name_of_a_baseline(bench: Bench) -> None:
    path = bench.folder / "mine.toml"
    path.write_text(
        'title = "Mine"\n[[rows]]\ntitle = "majority class"\nrecipe = "gru.toml"\n[[rows]]\ntitle = "b"\nrecipe = "bag.toml"\n'
    )
    refused(bench, [path], InputError, "'majority class' is compared twice")
