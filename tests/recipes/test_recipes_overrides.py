"""Overrides: `--set section.key=value`, keywords of `train`, and keys without their section."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import RecipeError
from elman.recipes.reading import parse_override, read_recipe
from elman.recipes.recipe import Recipe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("training.epochs=3", ("training.epochs", 3)),
        (" training.rate = 1e-3 ", ("training.rate", 1e-3)),
        ("model.bias=false", ("model.bias", False)),
        ("sample.top_k=[1, 2]", ("sample.top_k", [1, 2])),
        ("model.cell=lstm", ("model.cell", "lstm")),
        ("model.cell='lstm'", ("model.cell", "lstm")),
        ('sample.prompt="a=b"', ("sample.prompt", "a=b")),
        ("sample.prompt=a=b", ("sample.prompt", "a=b")),
        ("sample.prompt=", ("sample.prompt", "")),
        ("data.path=/tmp/x y.txt", ("data.path", "/tmp/x y.txt")),
        ("data.path=C:\\names.txt", ("data.path", "C:\\names.txt")),
        ("title=Élan", ("title", "Élan")),
    ],
)
def test_the_value_is_toml_or_text(text: str, expected: tuple[str, Any]) -> None:
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["", "=", "=3", "training.epochs", "  = 3"])
def test_no_override(text: str) -> None:
    with pytest.raises(RecipeError, match=r"section\.key=value"):
        parse_override(text)


def test_they_win_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[training]\nepochs = 5\nrate = 0.1\n[model]\nhidden = 'wrong, but replaced'\n")
    recipe = read_recipe(file, {"training.epochs": 7, "model.hidden": 9, "sample.prompt": "x"})
    assert (recipe.training.epochs, recipe.training.rate, recipe.model.hidden, recipe.sample.prompt) == (7, 0.1, 9, "x")


def bare_keys() -> list[tuple[str, str]]:
    """Each key that only one section has, with that section."""
    owners: dict[str, list[str]] = {}
    for section in ("data", "model", "training", "sample"):
        for key in type(getattr(Recipe(), section)).model_fields:
            owners.setdefault(key, []).append(section)
    return [(key, found[0]) for key, found in owners.items() if len(found) == 1 and key not in Recipe.model_fields]


@pytest.mark.parametrize(("key", "section"), bare_keys())
def test_a_bare_key_finds_its_section(key: str, section: str) -> None:
    recipe = Recipe()
    value = getattr(getattr(recipe, section), key)
    changed = read_recipe("names", {key: value} if value is not None else {key: None})
    assert getattr(getattr(changed, section), key) == value


def test_bare_keys_that_matter() -> None:
    recipe = read_recipe("names", {"epochs": 3, "hidden": 8, "seed": 4, "rate": 0.1, "prompt": "A", "units": "bytes"})
    assert (recipe.training.epochs, recipe.model.hidden, recipe.training.seed) == (3, 8, 4)
    assert (recipe.training.rate, recipe.sample.prompt, recipe.data.units) == (0.1, "A", "bytes")


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"epohcs": 3}, ["epohcs", "did you mean 'epochs'"]),
        ({"training.epohcs": 3}, ["training.epohcs", "did you mean 'epochs'"]),
        ({"trainin.epochs": 3}, ["trainin", "did you mean 'training'"]),
        ({"training.hidden": 3}, ["training.hidden", "model.hidden"]),
        ({"epochs": "many"}, ["option", "training.epochs", "many"]),
        ({"training.epochs": 0}, ["option", "training.epochs", "got 0"]),
        ({"hidden": 0}, ["option", "model.hidden", "got 0"]),
        ({"training": 5}, ["training"]),
        ({"training.epochs.x": 5}, ["epochs", "section"]),
        ({"data": 5}, ["data"]),
        ({"title": 5}, ["title"]),
        ({"": 5}, [""]),
        ({".": 5}, [""]),
        ({"training.": 5}, ["training"]),
        ({".epochs": 5}, [""]),
        ({"final_rate": 10.0}, ["final_rate"]),
    ],
    ids=str,
)
def test_a_wrong_override_is_named(overrides: dict[str, Any], says: list[str]) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe("names", overrides)
    for piece in says:
        assert piece in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_line_is_of_the_file_and_the_option_of_the_option(tmp_path: Path) -> None:
    """Both are wrong in the same key of different sections: the blame goes to the right one."""
    file = tmp_path / "mine.toml"
    file.write_text("[training]\nepochs = 'x'\n")
    with pytest.raises(RecipeError, match="line 2"):
        read_recipe(file, {"model.hidden": 8})
    with pytest.raises(RecipeError, match=r"option training\.epochs"):
        read_recipe(file, {"training.epochs": "y"})
    with pytest.raises(RecipeError, match=r"option training\.epochs"):
        read_recipe(file, {"epochs": "y"})


printable = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=12)


@given(
    st.dictionaries(
        printable, st.none() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2), max_size=3
    )
)
def test_any_overrides_are_a_recipe_or_a_sentence(overrides: dict[str, Any]) -> None:
    try:
        said = type(read_recipe("names", overrides)).__name__
    except RecipeError as error:
        said = str(error)
    assert said
    assert "\n" not in said


def test_the_built_in_recipe_is_not_changed_by_an_override() -> None:
    before = read_recipe("names")
    read_recipe("names", {"epochs": 3, "sample.top_k": [9]})
    assert read_recipe("names") == before
