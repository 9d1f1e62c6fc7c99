"""Word vectors from files of all forms, good and broken."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch
from labelled_examples import settings, write

from elman.data import TextBatches, Vocabulary, find_vectors, load_vectors
from elman.data.labelled import LabelledTexts
from elman.data.vocabulary import UNKNOWN
from elman.errors import DataError, InputError

KNOWN = Vocabulary.of_texts(["the the the The film film zzz"], settings())
GLOVE = "the 1 2\nfilm 3e0 -4\nother 5 6\n"


def test_the_three_forms(tmp_path: Path) -> None:
    assert KNOWN.symbols == ("", UNKNOWN, "the", "film", "The", "zzz")
    text = write(tmp_path / "glove.2d.txt", GLOVE)
    small = write(tmp_path / "small.json", json.dumps({"the": [1, 2], "film": [3.0, -4], "other": [5, 6]}))
    with zipfile.ZipFile(tmp_path / "glove.zip", "w") as archive:
        archive.writestr("glove.2d.txt", GLOVE)
        archive.writestr("glove.3d.txt", "the 1 2 3\n")
    for found in (
        load_vectors(text, KNOWN),
        load_vectors(small, KNOWN),
        load_vectors(tmp_path / "glove.zip", KNOWN, 2),
    ):
        assert found.table.tolist() == [[0, 0], [0, 0], [1, 2], [3, -4], [1, 2], [0, 0]]
        assert found.found.tolist() == [False, False, True, True, True, False]
        assert (found.dimension, found.share) == (2, 0.75)
        assert "3 of 4 words (75.0%) have a vector" in found.notes[0]
        assert "1 of them by their form in small letters" in found.notes[1]
    assert load_vectors(tmp_path / "glove.zip", KNOWN, 3).dimension == 3
    with pytest.raises(DataError, match=r"holds glove.2d.txt, glove.3d.txt: say how many numbers"):
        load_vectors(tmp_path / "glove.zip", KNOWN)


def test_the_share_of_running_words(tmp_path: Path) -> None:
    found = load_vectors(write(tmp_path / "a.txt", GLOVE), KNOWN)
    batches = TextBatches(LabelledTexts(("the film zzz new", ""), (0, 1), ("", "")), KNOWN, 2)
    assert found.share_of(batches.counts(KNOWN.size)) == 0.5


def test_into_an_embedding(tmp_path: Path) -> None:
    found = load_vectors(write(tmp_path / "a.txt", GLOVE), KNOWN)
    embedding = torch.nn.Embedding(KNOWN.size, 2)
    before = embedding.weight.detach().clone()
    found.copy_into(embedding.weight)
    assert embedding.weight[3].tolist() == [3, -4]
    assert torch.equal(embedding.weight[[0, 1, 5]], before[[0, 1, 5]])
    with pytest.raises(InputError, match="the word vectors have 2 numbers each, the embedding 5: set its size to 2"):
        found.copy_into(torch.zeros(KNOWN.size, 5))
    with pytest.raises(InputError, match="are for 6 symbols, the embedding has 7"):
        found.copy_into(torch.zeros(7, 2))


def test_words_with_blanks_headers_and_windows_ends(tmp_path: Path) -> None:
    content = "3 2\r\nthe 1 2\r\n. . . 3 4\r\nat name@domain.com 5 6\r\nfilm 7 8\r\n"
    found = load_vectors(write(tmp_path / "a.txt", content), KNOWN)
    assert found.table[3].tolist() == [7, 8]


def test_twice(tmp_path: Path) -> None:
    found = load_vectors(write(tmp_path / "a.txt", "the 1 2\nthe 3 4\n"), KNOWN)
    assert found.table[2].tolist() == [1, 2]
    assert any("has 1 of the words more than once: the first vector counts" in note for note in found.notes)
    found = load_vectors(write(tmp_path / "a.json", '{"the": [1, 2], "the": [3, 4]}'), KNOWN)
    assert found.table[2].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "content", "dimension", "said"),
    [
        ("a.txt", "the 1 2\nfilm 3\n", None, "line 2: 'film' has 1 numbers, the first word 2: the file is broken"),
        ("a.txt", "the 1 2\nfilm 3 4 5\n", None, "line 2: 'film' has 3 numbers, the first word 2"),
        ("a.txt", "the 1 2\nfilm\n", None, "line 2: 'film' is no word with numbers behind it"),
        ("a.txt", "the 1 2\n\nfilm 3 4\n", None, "line 2: '' is no word"),
        ("a.txt", "the 1 x\n", None, "line 1: what follows 'the' is not all finite numbers"),
        ("a.txt", "the 1 nan\n", None, "line 1: what follows 'the' is not all finite numbers"),
        ("a.txt", b"the 1 2\nfi\xff 3 4\n", None, "line 2: is not UTF-8"),
        ("a.txt", "the " + "1 " * 40_000, None, "line 1: is longer than"),
        ("a.txt", "", None, "has no word vectors"),
        ("a.txt", "the 1 2\n", 50, "has vectors of 2 numbers, not 50: give the file with 50"),
        ("a.txt", "der 1 2\ndie 3 4\n", None, r"has none of the 4 words of the vocabulary, such as 'the', 'film'"),
        ("a.json", "[1, 2]", None, "is not of the form"),
        ("a.json", '{"the": 1}', None, "what stands for 'the' is no list"),
        ("a.json", '{"the": [1, null]}', None, "word 'the': what follows 'the' is not all finite"),
        ("a.json", '{"the": [1, 2], "film": [1]}', None, "word 'film': 'film' has 1 numbers"),
        ("a.json", '{"the": [1', None, "is not JSON"),
        ("a.json", "{}", None, "has no word vectors"),
        ("a.zip", b"PK no", None, "is damaged or not a zip archive"),
    ],
)
def test_broken_files(name: str, content: str | bytes, dimension: int | None, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said) as caught:
        load_vectors(write(tmp_path / name, content), KNOWN, dimension)
    assert "\n" not in str(caught.value)


def test_other_mistakes(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.md", "x")
    with pytest.raises(DataError, match=r"holds no \.txt file"):
        load_vectors(tmp_path / "a.zip", KNOWN)
    with pytest.raises(DataError, match="there is no file or folder"):
        load_vectors(tmp_path / "nothing.txt", KNOWN)
    letters = Vocabulary.of_texts(["ab"], settings(units="characters"))
    with pytest.raises(InputError, match="word vectors need words; this vocabulary is of characters"):
        load_vectors(write(tmp_path / "a.txt", GLOVE), letters)


def test_the_real_vectors(real_data: Path) -> None:
    known = Vocabulary.of_texts(["The film was n't good, it's bad zzzyx"], settings(lower=True))
    found = load_vectors(real_data / "glove" / "glove-50d-5k.json", known)
    assert found.dimension == 50
    assert found.share > 0.8


def test_of_several_glove_files_the_one_of_the_right_size_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path))
    folder = tmp_path / "glove"
    folder.mkdir()
    for size in (300, 50, 100):
        (folder / f"glove.6B.{size}d.txt").touch()
    assert find_vectors("glove", 100) == folder / "glove.6B.100d.txt"
    assert find_vectors("glove", 50) == folder / "glove.6B.50d.txt"
    (folder / "glove.6B.zip").touch()  # has all sizes
    assert find_vectors("glove", 200) == folder / "glove.6B.zip"
    assert find_vectors("my/own.txt", 100) == Path("my/own.txt")
