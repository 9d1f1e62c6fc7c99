"""The recipes that ship: valid, complete when written out, and what the course and the issue say they are."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from elman.data.sources import SOURCES
from elman.recipes.builtin_names import builtin_names, builtin_summaries
from elman.recipes.reading import read_recipe, recipe_to_toml
from elman.recipes.recipe import Recipe

SECTIONS = ("data", "model", "training", "sample")


def fields_that_are_set(recipe: Recipe) -> set[str]:
    """Dotted keys of everything that is not None."""
    found = {"title", "about"}
    for section in SECTIONS:
        part: BaseModel = getattr(recipe, section)
        found |= {f"{section}.{key}" for key in type(part).model_fields if getattr(part, key) is not None}
    return found


def keys_of(text: str) -> set[str]:
    values = tomllib.loads(text)
    found = {key for key in values if key not in SECTIONS}
    for section in SECTIONS:
        found |= {f"{section}.{key}" for key in values.get(section, {})}
    return found


def test_there_are_these() -> None:
    language = {"names", "names-quick", "shakespeare", "shakespeare-long", "code"}
    newsgroups = {f"newsgroups-{model}" for model in ("bow", "mlp", "average", "rnn", "gru", "lstm", "bilstm", "best")}
    imdb = {f"imdb-{model}" for model in ("bow", "rnn", "bilstm", "best")}
    assert set(builtin_names()) == {*language, "docstrings-bow", "docstrings-gru", "sentiment", *newsgroups, *imdb}
    assert [row["name"] for row in builtin_summaries()] == list(builtin_names())
    assert all(row["title"] and row["about"] for row in builtin_summaries())


@pytest.mark.parametrize("name", builtin_names())
def test_valid_complete_and_the_same_when_read_again(name: str, tmp_path: Path) -> None:
    recipe = read_recipe(name)
    text = recipe_to_toml(recipe)
    assert keys_of(text) == fields_that_are_set(recipe)
    file = tmp_path / "again.toml"
    file.write_text(text, "utf-8")
    again = read_recipe(file)
    assert again == recipe
    assert recipe_to_toml(again) == text


@pytest.mark.parametrize("name", builtin_names())
def test_a_printed_recipe_is_the_recipe(name: str, tmp_path: Path) -> None:
    """What `elman recipes NAME > mine.toml` starts a recipe of one's own from."""
    source = Path(__file__).parents[2] / "src" / "elman" / "recipes" / "builtin" / f"{name}.toml"
    copy = tmp_path / "mine.toml"
    copy.write_bytes(source.read_bytes())
    assert read_recipe(copy) == read_recipe(name)


def test_the_course_s_setting() -> None:
    recipe = read_recipe("names")
    assert recipe.model.hidden == 128
    assert recipe.model.cell == "elman"
    assert recipe.training.rate == 0.0005
    assert recipe.training.epochs == 1000
    assert recipe.data.source == "names"
    assert {1, 3, 5} <= set(recipe.sample.top_k)


def test_what_the_others_are() -> None:
    quick, code, shakespeare = (read_recipe(name) for name in ("names-quick", "code", "shakespeare"))
    assert quick.data.source == "names-embedded"  # no network, no ELMAN_DATA
    assert quick.sample.top_k == [1, 3, 5]
    assert code.data.source == "python"
    assert shakespeare.data.source == "shakespeare"
    assert code.data.kind == shakespeare.data.kind == "continuous"


def test_the_practical_s_two_settings() -> None:
    """Embedding 128, hidden 256, Adam, 5 epochs, the first 256 words, 25,000 of them known."""
    for name, cell, both in (("imdb-rnn", "elman", False), ("imdb-bilstm", "lstm", True)):
        recipe = read_recipe(name)
        model, training, data = recipe.model, recipe.training, recipe.data
        assert (model.shape, model.cell, model.bidirectional) == ("classifier", cell, both)
        assert (model.embedding, model.hidden, training.optimiser, training.epochs) == (128, 256, "adam", 5)
        assert (data.source, data.cut_at, data.max_symbols) == ("imdb", 256, 25_000)


def test_the_assignment_s_first_model() -> None:
    recipe = read_recipe("newsgroups-bow")
    assert (recipe.model.shape, recipe.model.features, recipe.model.hidden_layers) == ("bag-of-words", "binary", [])
    assert (recipe.data.source, recipe.training.epochs) == ("newsgroups", 100)
    mlp = read_recipe("newsgroups-mlp")
    assert mlp.model.hidden_layers
    assert mlp.model.dropout > 0
    assert mlp.training.weight_decay > 0


def test_recipes_that_classify_are_of_sources_with_labels() -> None:
    for name in builtin_names():
        recipe = read_recipe(name)
        assert (SOURCES[recipe.data.source].kind == "labelled") == (recipe.model.shape != "language-model")


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=30)
recipes = st.builds(
    lambda title, prompt, text, k, rate, clip, hidden, categories: Recipe.model_validate(
        {
            "title": title,
            "sample": {"prompt": prompt, "top_k": k},
            "model": {"cell_text": text, "hidden": hidden},
            "training": {"rate": rate, "clip_norm": clip},
            "data": {"path": prompt or None, "categories": categories},
        }
    ),
    texts,
    texts,
    texts | st.none(),
    st.lists(st.integers(1, 100), max_size=4),
    st.floats(1e-300, 1e300),
    st.floats(1e-9, 1e9) | st.none(),
    st.integers(1, 16384),
    st.booleans(),
)


@given(recipes)
def test_any_recipe_survives_being_written(recipe: Recipe) -> None:
    values = tomllib.loads(recipe_to_toml(recipe))
    assert Recipe.model_validate(values) == recipe
