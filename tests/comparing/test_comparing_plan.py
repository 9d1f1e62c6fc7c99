"""What a user's words mean: built-in comparisons, files, lists."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from elman.comparing.plan import BASELINES, read_plan
from elman.errors import InputError, RecipeError
from elman.recipes.builtin_names import COMPARISONS


@pytest.mark.parametrize("name", COMPARISONS)
def test_built_in_comparisons_can_be_read(name: str) -> None:
    plan = read_plan([name])
    assert plan.name == name
    assert plan.title
    assert plan.about
    assert len(plan.rows) >= 2
    assert plan.baselines == BASELINES
    assert all(str(row.recipe).startswith(f"{name.removesuffix('-stripped')}-") for row in plan.rows)


def test_every_file_in_the_folder_is_built_in() -> None:
    folder = resources.files("elman.recipes").joinpath("comparisons")
    assert {path.name for path in folder.iterdir()} == {f"{name}.toml" for name in COMPARISONS}


def test_a_list_of_recipes_is_a_plan() -> None:
    plan = read_plan(["newsgroups-gru", "newsgroups-lstm"])
    assert [row.title for row in plan.rows] == ["newsgroups-gru", "newsgroups-lstm"]
    assert (plan.name, plan.seeds) == ("newsgroups-gru-newsgroups-lstm", 1)


def test_a_file_of_a_comparison_names_files_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'title = "Mine"\nseeds = 2\nbaselines = ["majority"]\n[[rows]]\ntitle = "A: 1"\nrecipe = "a.toml"\n'
        '[[rows]]\ntitle = "B"\nrecipe = "names"\nsettings = {"training.epochs" = 3}\n'
    )
    plan = read_plan([path])
    assert (plan.name, plan.title, plan.seeds, plan.baselines) == ("mine", "Mine", 2, ("majority",))
    assert [(row.slug, row.recipe, row.settings) for row in plan.rows] == [
        ("a-1", tmp_path / "a.toml", {}),
        ("b", "names", {"training.epochs": 3}),
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("rows = 3", "title: field required"),
        ('title = "x"\nrows = []', "x alone can't be compared"),
        ('title = "x"\nrows = [{title = "a", recipe = "names"}]', "a alone can't be compared: name two"),
        ('title = "x"\nrows = [{title = "a", recipe = "b"}, {title = "A ", recipe = "c"}]', "'A ' is compared twice"),
        ('title = "x"\nseeds = 0\nrows = []', "seeds: input should be greater than or equal to 1"),
        ('title = "x"\nbaselines = ["luck"]\nrows = []', "baselines.0: input should be 'majority' or"),
        ('title = "x"\nrows = [{title = "a", recipe = "b", epochs = 3}]', "rows.0.epochs: extra inputs"),
        ("rows = [", "is not valid TOML"),
    ],
)
def test_a_file_that_is_no_comparison_gets_a_sentence(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(content)
    with pytest.raises((RecipeError, InputError), match=complaint) as caught:
        read_plan([path])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sources", "complaint"),
    [
        ([], "nothing to compare"),
        (["names"], "names alone can't be compared"),
        (["names", "names"], "'names' is compared twice"),
    ],
)
def test_too_few_rows_and_rows_twice(sources: list[str], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_plan(sources)


def test_a_long_list_has_a_name_that_a_disk_takes() -> None:
    assert len(read_plan([f"recipe-number-{k}" for k in range(40)]).name) <= 60
