"""What can't be trained: one sentence, and not a file more on the disk than before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tiny_run
from tiny_run import read_all

import elman
from elman.errors import (
    DataError,
    ElmanError,
    EngineError,
    InputError,
    NonFiniteError,
    RecipeError,
    RunInUseError,
    StorageError,
)
from elman.storage import RunLock, read_lines


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"epochs": 0}, RecipeError, "epochs"),
        ({"epohcs": 3}, RecipeError, "did you mean"),
        ({"nonsense": 3}, RecipeError, "nonsense"),
        ({"hidden": 0}, RecipeError, "hidden"),
        ({"size": "huge"}, InputError, "tiny, small, medium, large"),
        ({"cell": "lsmt"}, InputError, "did you mean 'lstm'"),
        ({"cell": 5}, (InputError, RecipeError), "cell"),
        ({"init": "best"}, RecipeError, "init"),
        ({"cell": "elman", "forget_bias": 1.0}, InputError, "forget"),
        ({"data": "nowhere.txt"}, DataError, "nowhere.txt"),
        ({"validation": 0}, DataError, "validation"),
        ({"test": 0}, DataError, "test"),
        ({"validation": 0.99}, (RecipeError, DataError), "validation"),
        ({"max_length": 1}, DataError, "max_length"),
        ({"categories": True}, DataError, "categories"),
        ({"model.engine": "fused", "cell": "gru-cho"}, EngineError, "fused"),
        ({"cell": "mgu", "engine": "torch"}, EngineError, "mgu"),
        ({"prompt": "漢"}, InputError, "漢"),
    ],
    ids=str,
)
def test_nothing_is_left_behind(changes: dict[str, Any], error: Any, says: str, tmp_path: Path) -> None:
    made = tiny_run.recipe(tmp_path / "data")
    before = read_all(tmp_path)
    with pytest.raises(error) as caught:
        tiny_run.train(made, run=tmp_path / "runs" / "run", **changes)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert read_all(tmp_path) == before
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n \n\t\n", "empty"),
        (b"Maria\n", "few"),
        (b"a\n" * 60, "1 symbol"),
        (b"a", "1 symbol"),
        (b"aaaa aaaa" * 100, ""),
        (b"Maria\nJos\xe9\n" * 50, "UTF-8"),
        (b"\xff\xfeM\0a\0", "UTF-8"),
        (b"".join(b"%d%s\n" % (k, b"x" * 50) for k in range(60)), "max_length"),
    ],
    ids=lambda v: repr(v)[:20],
)
@pytest.mark.parametrize("kind", [None, "lines", "continuous"])
def test_data_that_can_not_be_learnt_from(content: bytes, says: str, kind: str | None, tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_bytes(content)
    made = tiny_run.recipe(tmp_path / "data")
    section = made.data.model_copy(update={"path": str(file), "kind": kind})
    possible = (kind != "lines" and (b"xxx" in content or b" aaaa" in content)) or (
        kind == "continuous" and content == b"a\n" * 60
    )
    if possible:
        tiny_run.train(made.model_copy(update={"data": section}), run=tmp_path / "run", epochs=1)
        return
    with pytest.raises(DataError) as caught:
        tiny_run.train(made.model_copy(update={"data": section}), run=tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert "data.txt" in str(caught.value)
    if kind is None or b"xxx" in content:
        assert says in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_one_symbol_is_too_few(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_text("".join("a" * k + "\n" for k in range(1, 30)))
    made = tiny_run.recipe(tmp_path / "data")
    section = made.data.model_copy(update={"path": str(file)})
    with pytest.raises(DataError, match="only 1 symbol"):
        tiny_run.train(made.model_copy(update={"data": section}), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("words", [12, 16])
def test_a_part_with_a_single_word_is_too_small(words: int, tmp_path: Path) -> None:
    """Known before the training, whichever part it is: not after it, when the test part is looked at."""
    file = tmp_path / "data.txt"
    file.write_text(" ".join("abcdefghij"[k % 7 :] + "klmnopqrst"[: k % 7 + 1] for k in range(words)))
    made = tiny_run.recipe(tmp_path / "data", "text words")
    section = made.data.model_copy(update={"path": str(file)})
    with pytest.raises(DataError, match="data"):
        tiny_run.train(made.model_copy(update={"data": section}), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_longer_names_are_left_out_and_told(tmp_path: Path) -> None:
    file = tmp_path / "data.txt"
    file.write_text("\n".join([*tiny_run.names_of("Italian"), "x" * 41, "y" * 300]) + "\n")
    made = tiny_run.recipe(tmp_path / "data")
    section = made.data.model_copy(update={"path": str(file), "max_length": 40})
    run = tiny_run.train(made.model_copy(update={"data": section}), run=tmp_path / "run")
    corpus = run.results["corpus"]
    assert corpus["train"] + corpus["validation"] + corpus["test"] == 60
    assert any("2 of 62" in note and "300" in note for note in corpus["notes"])


def test_a_run_that_another_writes_to(tmp_path: Path) -> None:
    made = tiny_run.recipe(tmp_path / "data")
    run = tiny_run.train(made, run=tmp_path / "run")
    before = read_all(run.path)
    with RunLock(run.path):
        for arguments in ({"resume": True}, {"resume": True, "epochs": 5}):
            with pytest.raises(RunInUseError, match="run"):
                tiny_run.train(made, run=run.path, **arguments)
        with pytest.raises((RunInUseError, InputError), match="run"):
            tiny_run.train(made, run=run.path)
        elman.load(run.path).sample(seed=1)  # whoever only reads is not kept waiting
    assert read_all(run.path) == before


def test_places_where_no_folder_can_be(tmp_path: Path) -> None:
    made = tiny_run.recipe(tmp_path / "data")
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "run", tmp_path / ("x" * 300), Path("/proc/nowhere/run")):
        with pytest.raises(StorageError) as caught:
            tiny_run.train(made, run=place)
        assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_of_somebody_else_s_is_not_touched(tmp_path: Path) -> None:
    """`--run .` in a folder with a recipe.toml of the user's own."""
    made = tiny_run.recipe(tmp_path / "data")
    home = tmp_path / "home"
    home.mkdir()
    (home / "recipe.toml").write_text("# my own, with remarks\n")
    (home / "results.json").write_text("mine")
    before = read_all(home)
    with pytest.raises(ElmanError):
        tiny_run.train(made, run=home)
    assert read_all(home) == before


def test_what_is_not_finite_is_shown_and_not_applied(tmp_path: Path) -> None:
    made = tiny_run.recipe(tmp_path / "data", training__optimiser="sgd", training__rate=1e38, training__clip_norm=None)
    with pytest.raises(NonFiniteError, match="step") as caught:
        tiny_run.train(made, run=tmp_path / "run")
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    rows = [row for row in read_lines(tmp_path / "run" / "metrics.jsonl") if row["kind"] == "nonfinite"]
    assert len(rows) == 1
    assert {"step", "batch", "tensor"} <= set(rows[0])
    elman.load(tmp_path / "run")  # the last weights that were finite


def test_not_finite_batches_can_be_left_out(tmp_path: Path) -> None:
    changes = {"on_nonfinite": "skip", "optimiser": "sgd", "rate": 1e38, "clip_norm": None, "epochs": 10}
    made = tiny_run.recipe(tmp_path / "data", **{f"training__{key}": value for key, value in changes.items()})
    with pytest.raises(NonFiniteError):
        tiny_run.train(made, run=tmp_path / "run")
    rows = read_lines(tmp_path / "run" / "metrics.jsonl")
    assert sum(row["kind"] == "nonfinite" for row in rows) == 11  # max_skips and the one too many
