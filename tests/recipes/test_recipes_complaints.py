"""A recipe that is wrong gets one sentence: what, where (the line), and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.errors import RecipeError
from elman.recipes.reading import read_recipe, recipe_to_toml


def complaint(folder: Path, content: str | bytes, **overrides: Any) -> str:
    """What is said about a recipe file with this content."""
    file = folder / "mine.toml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(RecipeError) as caught:
        read_recipe(file, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[model]\nhiden = 3\n", ["line 2", "model.hiden", "did you mean 'hidden'"]),
        ("title = 'x'\n\n# a remark\n[training]\n\nepohcs = 3\n", ["line 6", "did you mean 'epochs'"]),
        ("[trainning]\nepochs = 3\n", ["line 1", "trainning", "did you mean 'training'"]),
        ("[training]\nhidden = 3\n", ["line 2", "model.hidden"]),
        ("epochs = 3\n", ["line 1", "training.epochs"]),
        ("[sample]\ntopk = [1]\n", ["line 2", "did you mean 'top_k'"]),
        ("[data]\nqqqqqq = 1\n", ["line 2", "data.qqqqqq", "source"]),
    ],
)
def test_an_unknown_key_with_the_nearest_right_one(content: str, says: list[str], tmp_path: Path) -> None:
    message = complaint(tmp_path, content)
    for piece in [*says, "mine.toml"]:
        assert piece in message


@pytest.mark.parametrize(
    ("content", "line", "key"),
    [
        ("[training]\nepochs = 'many'\n", 2, "training.epochs"),
        ("[training]\nepochs = 2.5\n", 2, "training.epochs"),
        ("[training]\nepochs = [3]\n", 2, "training.epochs"),
        ("[training]\n\n# epochs = 3\nepochs = {}\n", 4, "training.epochs"),
        ("[training]\n'epochs' = 'x'\n", 2, "training.epochs"),
        ("[ training ]\n  epochs='x'\n", 2, "training.epochs"),
        ("title = 5\n", 1, "title"),
        ("\ntraining = 5\n", 2, "training"),
        ("[model]\nbias = 'maybe'\n", 2, "model.bias"),
        ("[model]\ncell = 7\n", 2, "model.cell"),
        ("[data]\npath = 5\n", 2, "data.path"),
        ("[sample]\ntop_k = 3\n", 2, "sample.top_k"),
        # Items of a list, and other spellings of the same key:
        ("[sample]\ncount = 3\ntop_k = [1, 'x']\n", 3, "sample.top_k"),
        ("title = 'x'\ntraining.epochs = 'x'\n", 2, "training.epochs"),
        ("title = 'x'\ntraining = {epochs = 'x'}\n", 2, "training.epochs"),
        # What only looks like the key:
        ("about = '''\n[training]\nepochs = 3\n'''\n[training]\nepochs = 'x'\n", 6, "training.epochs"),
    ],
)
def test_a_wrong_type_with_the_line(content: str, line: int, key: str, tmp_path: Path) -> None:
    message = complaint(tmp_path, content)
    assert f"line {line}:" in message, message
    assert key in message


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("[model]\nhidden = '64'\n", "model.hidden"),
        ("[training]\nepochs = true\n", "training.epochs"),
        ("[training]\nrate = '0.1'\n", "training.rate"),
        ("[model]\nbias = 'no'\n", "model.bias"),
        ("[model]\nbias = 0\n", "model.bias"),
        ("[data]\ncategories = 'yes'\n", "data.categories"),
    ],
)
def test_what_only_looks_like_the_type_is_wrong_too(content: str, key: str, tmp_path: Path) -> None:
    """TOML has numbers, truth values and text of its own: text in place of a number is a slip to be told of."""
    message = complaint(tmp_path, content)
    assert "line 2" in message
    assert key in message


KEYS = {
    "data": ("max_length", "validation", "categories"),
    "model": ("hidden", "layers", "dropout", "bias"),
    "training": ("epochs", "rate", "seed", "optimiser"),
    "sample": ("count", "temperature", "prompt"),
}
noise = st.lists(st.sampled_from(["", "# remark", "   ", "#[training]", "# epochs = 3"]), max_size=4)


@given(
    place=st.sampled_from([(section, key) for section, keys in KEYS.items() for key in keys]),
    before=noise,
    between=noise,
    order=st.permutations(list(KEYS)),
    blanks=st.sampled_from(["", " ", "\t"]),
)
def test_the_line_is_right_wherever_the_key_stands(
    place: tuple[str, str], before: list[str], between: list[str], order: list[str], blanks: str, tmp_path_factory: Any
) -> None:
    section, key = place
    lines = ["title = 'x'", *before]
    wrong = 0
    for name in order:
        lines += [f"[{name}]", *between]
        if name == section:
            lines.append(f"{blanks}{key}{blanks}= {{not-it = 1}}")
            wrong = len(lines)
    folder = tmp_path_factory.getbasetemp()
    message = complaint(folder, "\n".join(lines) + "\n")
    assert f"line {wrong}:" in message
    assert f"{section}.{key}" in message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[model]\nhidden = 0\n", ["line 2", "model.hidden", "1", "got 0"]),
        ("[model]\nhidden = -3\n", ["line 2", "got -3"]),
        ("[model]\nlayers = 0\n", ["line 2", "model.layers"]),
        ("[model]\ndropout = 1.5\n", ["line 2", "model.dropout"]),
        ("[training]\nrate = nan\n", ["line 2", "training.rate"]),
        ("[training]\nrate = -0.1\n", ["line 2", "training.rate"]),
        ("[training]\nminutes = 0\n", ["line 2", "training.minutes"]),
        ("[training]\nseed = -1\n", ["line 2", "training.seed"]),
        ("[training]\noptimiser = 'adm'\n", ["line 2", "adam"]),
        ("[training]\nmomentum = 0.9\n", ["line 1", "momentum", "sgd"]),
        ("[training]\nclip_norm = 1\nclip_value = 1\n", ["clip_norm", "clip_value"]),
        ("[training]\nrate = 0.1\nfinal_rate = 0.2\n", ["final_rate"]),
        ("[data]\nvalidation = 0.6\ntest = 0.6\n", ["validation", "test"]),
        ("[data]\nsource = 'nams'\n", ["line 2", "names"]),
        ("[data]\nmax_symbols = 5\n", ["words"]),
        ("[sample]\ntop_k = [0]\n", ["line 2", "top_k"]),
        ("[sample]\ntemperature = -1\n", ["line 2", "sample.temperature"]),
        ("[sample]\ncount = 0\n", ["line 2", "sample.count"]),
    ],
)
def test_an_impossible_value(content: str, says: list[str], tmp_path: Path) -> None:
    message = complaint(tmp_path, content)
    for piece in says:
        assert piece in message, message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a = = b\n", ["not valid TOML", "line 1"]),
        ("[training\nepochs = 3\n", ["not valid TOML", "line 1"]),
        ("[training]\nepochs = 3\nepochs = 4\n", ["not valid TOML", "line 3"]),
        ("title = 'x\n", ["not valid TOML"]),
        ("{'title': 1}", ["not valid TOML"]),
        (b"title = '\xff'\n", ["not UTF-8", "byte 9"]),
        (b"\xff\xfet\0i\0", ["not UTF-8", "byte 0"]),
        (b"#" * (1 << 21), ["bytes"]),
    ],
    ids=lambda v: repr(v)[:30],
)
def test_no_toml(content: str | bytes, says: list[str], tmp_path: Path) -> None:
    message = complaint(tmp_path, content)
    for piece in says:
        assert piece in message
    assert "mine.toml" in message


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nmaes", "did you mean 'names'"),
        ("shakespear", "did you mean 'shakespeare'"),
        ("qqqq", "names-quick, names, shakespeare, shakespeare-long, code"),
        ("nowhere/mine.toml", "nowhere/mine.toml"),
        ("", "recipe"),
        (".", "recipe"),
        ("x" * 300, "x"),
    ],
    ids=lambda v: v[:20] or "nothing",
)
def test_no_such_recipe(name: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError) as caught:
        read_recipe(name)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_editor_s_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Windows editors put one at the start of what they save as UTF-8."""
    file = tmp_path / "mine.toml"
    file.write_bytes(b"\xef\xbb\xbf" + recipe_to_toml(read_recipe("names")).encode())
    assert read_recipe(file) == read_recipe("names")


def test_windows_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(recipe_to_toml(read_recipe("names")).replace("\n", "\r\n").encode())
    assert read_recipe(file) == read_recipe("names")
    assert "line 2" in complaint(tmp_path, "[training]\r\nepochs = 'x'\r\n")
