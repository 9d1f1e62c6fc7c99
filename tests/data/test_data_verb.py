"""`elman data` on texts with labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from labelled_examples import newsgroups, reviews, table, tar, write
from typer.testing import CliRunner

from elman.cli.app import app
from elman.errors import ElmanError


def said(*words: object) -> str:
    done = CliRunner().invoke(app, ["data", *map(str, words)])
    if done.exception is not None:
        raise done.exception
    assert done.exit_code == 0
    return done.stdout


def document(*words: object) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(*words, "--json"))
    return found


def test_tables_and_folders(tmp_path: Path) -> None:
    assert "40 texts of 2 classes" in said(table(tmp_path / "a.csv", 40))
    found = document(tmp_path / "a.csv", "--set", "validation=0.25", "--set", "test=0.25")
    assert [part["texts"] for part in found["parts"].values()] == [20, 10, 10]
    table(tmp_path / "folder" / "train.csv", 40)
    table(tmp_path / "folder" / "test.csv", 10)
    assert document(tmp_path / "folder", "--set", "validation=0")["duplicates"]["of_train"]["test"] == 10
    for name in ("x/1", "x/2", "x/3", "y/1", "y/2", "y/3"):
        write(tmp_path / "classes" / name, f"text {name}")
    assert document(tmp_path / "classes")["classes"] == ["x", "y"]


def test_columns_by_option(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "who;what;kind\n" + "".join(f"w{n};text number {n};{n % 2}\n" for n in range(20)))
    assert document(path, "--set", "text_column=what", "--set", "label_column=kind")["classes"] == ["0", "1"]
    with pytest.raises(ElmanError, match=r"has no column 'knd', which data\.label_column names; did you mean kind"):
        said(path, "--set", "label_column=knd")
    with pytest.raises(ElmanError, match="text_colum is not a key of a recipe; did you mean 'text_column'"):
        said(path, "--set", "text_colum=what")


def test_what_is_too_small_to_divide_is_described(tmp_path: Path) -> None:
    found = document(table(tmp_path / "a.csv", 2))
    assert list(found["parts"]) == ["train"]
    assert "This can't be divided for training" in found["notes"][-1]


def test_sources_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tar(tmp_path / "20newsgroups" / "20news-bydate.tar.gz", newsgroups())
    tar(tmp_path / "imdb" / "aclImdb_labelled.tar.gz", reviews())
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path))
    text = said("newsgroups")
    assert "without headers, quotes and footers" in text
    assert "the sender's address: 100.0% of the texts" in text
    assert "a rating out of ten that it states: 100.0%" in said("imdb")
    assert document("docstrings")["kind"] == "labelled"


def test_names_of_classes_do_not_steer_the_terminal(tmp_path: Path) -> None:
    rows = "".join(f"text {n},{'a' if n % 2 else chr(27) + '[31mb'}\n" for n in range(20))
    assert "\x1b" not in said(write(tmp_path / "a.csv", "text,label\n" + rows))
