"""Any text file: what is read, what is said of it, and what a bad one gets."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from elman.data import Corpus, DataSettings, Vocabulary, load_corpus, reading, split
from elman.errors import DataError


def load(path: Path, **settings: Any) -> Corpus:
    return load_corpus(DataSettings(source="file", path=str(path), **settings))


def write(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_a_file_is_read_as_it_looks(tmp_path: Path) -> None:
    short = write(tmp_path / "short.txt", "".join(f"line {n}\n" for n in range(50)))
    fewer = write(tmp_path / "fewer.txt", "".join(f"line {n}\n" for n in range(49)))
    longer = write(tmp_path / "longer.txt", "".join(f"{n:41}\n" for n in range(80)))
    assert [load(path).kind for path in (short, fewer, longer)] == ["lines", "continuous", "continuous"]
    assert "one example per line, going by its looks" in load(short).notes[0]
    assert load(short, kind="continuous").notes == ()
    assert load(short, kind="continuous").text == short.read_text()


def test_a_table_is_read_as_text_but_not_silently(tmp_path: Path) -> None:
    table = write(tmp_path / "reviews.csv", "text,label\ngood,1\nbad,0\n")
    told = load(table, kind="lines").notes
    assert len(told) == 1
    assert "reviews.csv is a table and is read as plain text" in told[0]


def test_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    text = write(tmp_path / "windows.txt", b"\xef\xbb\xbfAnna\r\n B\xc3\xa9la \r\n\r\nCarl\rDora")
    assert load(text, kind="lines").lines == ("Anna", "Béla", "Carl", "Dora")
    assert load(text, kind="continuous").text == "Anna\n Béla \n\nCarl\nDora"


def test_only_line_ends_end_a_line(tmp_path: Path) -> None:
    text = write(tmp_path / "odd.txt", "a\u2028b\nc\x0bd\ne\x85f\n")
    assert load(text, kind="lines").lines == ("a\u2028b", "c\x0bd", "e\x85f")


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfab\r\ncd"
    assert load(write(tmp_path / "a.txt", data)).digest == hashlib.sha256(data).hexdigest()


def test_long_lines_are_left_out_and_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "names.txt", "Anna\nBartholomew\nCarl\nMaximiliana\n")
    corpus = load(path, kind="lines", max_length=10)
    assert corpus.lines == ("Anna", "Carl")
    assert corpus.notes == ("Left out: 2 of 4 lines, longer than 10 characters (the longest has 11).",)
    with pytest.raises(DataError, match=r"every line of names\.txt has more than max_length = 3 characters"):
        load(path, kind="lines", max_length=3)


def test_length_is_counted_in_units(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "éé\nabcd e\n")
    assert load(path, kind="lines", max_length=2).lines == ("éé",)
    assert load(path, kind="lines", max_length=4, units="bytes").lines == ("éé",)
    with pytest.raises(DataError, match="max_length = 3 bytes"):
        load(path, kind="lines", max_length=3, units="bytes")
    assert load(path, kind="lines", max_length=2, units="words").lines == ("éé", "abcd e")


def test_repeated_lines_are_kept_and_reported(tmp_path: Path) -> None:
    corpus = load(write(tmp_path / "a.txt", "Anna\nBob\nAnna\nAnna\n"), kind="lines")
    assert corpus.lines == ("Anna", "Bob", "Anna", "Anna")
    assert "2 of 4 lines repeat another one ('Anna' is there 3 times)" in corpus.notes[0]


@pytest.mark.parametrize(
    ("data", "line", "byte"), [(b"ab\ncd\xe9f\n", 2, 5), (b"\xff\xfea\0", 1, 0), (b"ab\n\xc3", 2, 3)]
)
def test_not_utf8_says_which_byte(tmp_path: Path, data: bytes, line: int, byte: int) -> None:
    path = write(tmp_path / "latin.txt", data)
    with pytest.raises(DataError) as caught:
        load(path)
    assert f"byte {byte} (0x{data[byte]:02X}, counted from 0) on line {line} " in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file(tmp_path: Path, data: bytes) -> None:
    path = write(tmp_path / "empty.txt", data)
    for kind in (None, "lines", "continuous"):
        with pytest.raises(DataError, match=r"empty\.txt is empty"):
            load(path, kind=kind)


def test_one_line_can_not_be_divided(tmp_path: Path) -> None:
    settings = DataSettings(source="file", path=str(write(tmp_path / "one.txt", "Anna\nAnna\n")), kind="lines")
    with pytest.raises(DataError, match=r"one\.txt has 1 different line: too few to divide"):
        split(load_corpus(settings), settings, seed=1)


@pytest.mark.parametrize("kind", ["lines", "continuous"])
def test_one_symbol_is_nothing_to_predict(tmp_path: Path, kind: str) -> None:
    settings = DataSettings(source="file", path=str(write(tmp_path / "a.txt", "aaa")), kind=kind)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"a\.txt has only 1 symbol \('a'\): there is nothing to predict"):
        Vocabulary.build(load_corpus(settings), settings)


def test_a_missing_file_suggests_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path / "poems.txt", "x")
    with pytest.raises(DataError, match=r"no file or folder .*poem\.txt; did you mean poems\.txt\?"):
        load(tmp_path / "poem.txt")
    with pytest.raises(DataError, match=r"no file or folder .*zzz$"):
        load(tmp_path / "zzz")
    with pytest.raises(DataError, match=r"nor a folder .*nowhere"):
        load(tmp_path / "nowhere" / "poems.txt")


def test_paths_that_can_not_be_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="neither a regular file nor a folder"):
        load(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"can't be read: .*too long"):
        load(tmp_path / ("a" * 300))
    with pytest.raises(DataError, match="can't be read"):
        load_corpus(DataSettings(source="file", path="~nobody-of-that-name/a.txt"))
    with pytest.raises(DataError, match="needs a path"):
        load_corpus(DataSettings(source="file"))


def test_a_file_that_would_not_fit_into_memory(tmp_path: Path) -> None:
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(reading.LIMIT + 1)  # takes no space on the disk
    with pytest.raises(DataError, match="text files of up to"):
        load(tmp_path / "huge.txt")


def test_a_folder_is_its_text_files_in_order(tmp_path: Path) -> None:
    write(tmp_path / "b.txt", "second\n")
    write(tmp_path / "a.txt", "first")
    write(tmp_path / "c.md", "no text file")
    (tmp_path / "d.txt").mkdir()
    assert load(tmp_path, kind="continuous").text == "first\nsecond\n"
    corpus = load(tmp_path, kind="lines", categories=True)
    assert (corpus.lines, corpus.labels, corpus.categories) == (("first", "second"), (0, 1), ("a", "b"))
    assert load(tmp_path, kind="lines").labels is None


def test_a_folder_without_text_files(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", "1,2")
    with pytest.raises(DataError, match=r"has no file \*\.txt, which file needs"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"which names needs, one per language such as Russian\.txt"):
        load_corpus(DataSettings(path=str(tmp_path)))


def test_categories_need_several_files_of_lines(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "x\ny\n")
    with pytest.raises(DataError, match="one file per category"):
        load(tmp_path / "a.txt", kind="lines", categories=True)
    write(tmp_path / "b.txt", "\n")
    with pytest.raises(DataError, match="the category b has no lines"):
        load(tmp_path, kind="lines", categories=True)
    with pytest.raises(DataError, match="needs one example per line"):
        load(tmp_path, kind="continuous", categories=True)


def test_max_characters_cuts_after_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "one\ntwo\nthree\n")
    corpus = load(path, kind="continuous", max_characters=10)
    assert corpus.text == "one\ntwo\n"
    assert corpus.notes == ("Only the first 8 characters are used (max_characters = 10).",)
    assert load(path, kind="continuous", max_characters=2).text == "on"
    assert load(path, kind="continuous", max_characters=14).notes == ()
    with pytest.raises(DataError, match="max_characters is for running text"):
        load(path, kind="lines", max_characters=10)
