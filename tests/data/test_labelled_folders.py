"""A folder with a sub-folder for each class."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled_examples import load, write

from elman.errors import DataError


def test_classes_are_sub_folders(tmp_path: Path) -> None:
    for name in ("good/2.txt", "good/10.txt", "bad/1.md", "bad/b"):
        write(tmp_path / name, name)
    write(tmp_path / "good" / ".hidden", "x")
    write(tmp_path / "README.md", "not a text")
    corpus = load(tmp_path)
    assert corpus.texts == ("bad/1.md", "bad/b", "good/2.txt", "good/10.txt")
    assert (corpus.classes, corpus.labels, corpus.places[3]) == (("bad", "good"), (0, 0, 1, 1), "good/10.txt")
    assert corpus.parts is None


def test_parts_above_classes(tmp_path: Path) -> None:
    for name in ("train/x/1", "train/y/1", "test/x/1", "my-dev/y/1", "extra/z/1"):
        write(tmp_path / name, name)
    corpus = load(tmp_path)
    assert corpus.classes == ("x", "y")
    assert set(zip(corpus.parts or (), corpus.texts, strict=True)) == {
        ("train", "train/x/1"),
        ("train", "train/y/1"),
        ("test", "test/x/1"),
        ("validation", "my-dev/y/1"),
    }
    assert "Left out: extra, beside the folders my-dev, test, train." in corpus.notes


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.md": "x"}, "has no sub-folders for classes"),
        ({"x/1": "a", "y/.hidden": "b"}, "the class y has no files: put texts into"),
        ({"x/1": "a", "x/2": "b"}, r"has 1 class \('x'\) with texts"),
        ({"x/1": "a", "y/1": b"\x89PNG\xff"}, r"1 is not UTF-8: byte 0"),
    ],
)
def test_bad_folders(files: dict[str, str | bytes], said: str, tmp_path: Path) -> None:
    for name, content in files.items():
        write(tmp_path / name, content)
    with pytest.raises(DataError, match=said):
        load(tmp_path)


def test_nothing_there(tmp_path: Path) -> None:
    write(tmp_path / "reviews.csv", "x")
    with pytest.raises(DataError, match=r"no file or folder .*review\.csv; did you mean reviews\.csv"):
        load(tmp_path / "review.csv")
