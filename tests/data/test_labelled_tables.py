"""CSV, TSV and JSON lines: what is read, what is guessed and said, and what a bad table gets."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_examples import load, table, write

from elman.errors import DataError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"), max_size=20)


def test_a_usual_csv(tmp_path: Path) -> None:
    corpus = load(table(tmp_path / "reviews.csv", 4))
    assert corpus.texts == ("text 0, bad film", "text 1, good film", "text 2, bad film", "text 3, good film")
    assert (corpus.classes, corpus.labels) == (("neg", "pos"), (0, 1, 0, 1))
    assert corpus.places[2] == "reviews.csv, line 4"
    assert corpus.parts is None
    assert "The first row names the columns" in corpus.notes[0]


@given(st.lists(st.tuples(TEXT, st.sampled_from(["a", "b", "c d"])), min_size=2, max_size=12))
def test_what_csv_writes_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    rows = [*rows, ("x", "a"), ("y", "b")]
    made = io.StringIO()
    csv.writer(made, lineterminator="\n").writerows([("text", "label"), *rows])
    folder = tmp_path_factory.mktemp("csv")
    corpus = load(write(folder / "a.csv", made.getvalue()))
    assert list(corpus.texts) == [text for text, _ in rows]
    assert [corpus.classes[label] for label in corpus.labels] == [label for _, label in rows]
    lines = "".join(json.dumps({"label": label, "text": text}) + "\n" for text, label in rows)
    again = load(write(folder / "a.jsonl", lines))
    assert (again.texts, again.labels, again.digest) == (corpus.texts, corpus.labels, corpus.digest)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "label;text\npos;a, b\nneg;c\n"),
        ("a.csv", "text\tlabel\na, b\tpos\nc\tneg\n"),
        ("a.tsv", 'text\tlabel\n"a, b"\tpos\nc\tneg\n'),
        ("a.csv", '\ufeffText,Sentiment,id\r\n"a, b",pos,1\r\nc,neg,2\r\n'),
        ("a.csv", '"a, b", pos\nc, neg\n'),
        ("a.ndjson", '{"review": "a, b", "stars": "pos"}\n\n{"stars": "neg", "review": "c"}\n'),
    ],
)
def test_other_forms(name: str, content: str, tmp_path: Path) -> None:
    named = {"text_column": "1", "label_column": "2"} if content.startswith('"a') else {}
    corpus = load(write(tmp_path / name, content), **named)
    assert (corpus.texts, corpus.classes, corpus.labels) == (("a, b", "c"), ("neg", "pos"), (1, 0))


def test_lines_are_counted_where_a_text_has_several(tmp_path: Path) -> None:
    corpus = load(write(tmp_path / "a.csv", 'text,label\n"one\ntwo\n\nthree",x\n\nfour,y\n'))
    assert corpus.texts == ("one\ntwo\n\nthree", "four")
    assert corpus.places == ("a.csv, line 2", "a.csv, line 7")


def test_a_tsv_with_stray_quotation_marks_is_read_as_it_stands(tmp_path: Path) -> None:
    corpus = load(write(tmp_path / "a.tsv", 'text\tlabel\n"great" he said\tpos\n"bad\tneg\n'))
    assert corpus.texts == ('"great" he said', '"bad')
    assert "read as they stand" in corpus.notes[0]


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ({}, "looks"),
        ({"text_column": "4", "label_column": "2"}, "named"),
        ({"text_column": "Rezension"}, "looks"),
        ({"label_column": "stimmung"}, "looks"),
    ],
)
def test_columns_by_name_number_or_looks(columns: dict[str, str], found: str, tmp_path: Path) -> None:
    rows = [
        f"{n},{'gut' if n % 2 else 'schlecht'},{n * 7 % 31},ein recht langer Text mit der Nummer {n}" for n in range(30)
    ]
    corpus = load(write(tmp_path / "a.csv", "Nr,Stimmung,Zahl,Rezension\n" + "\n".join(rows)), **columns)
    assert len(corpus.texts) == 30
    assert corpus.classes == ("gut", "schlecht")
    assert corpus.texts[3] == "ein recht langer Text mit der Nummer 3"
    assert any("going by their looks" in note for note in corpus.notes) == (found == "looks")


def test_a_first_row_that_names_nothing_is_a_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\n".join(f"{n % 2},a text of some length {n}" for n in range(20)))
    corpus = load(path)
    assert len(corpus.texts) == 20
    assert any("is read as a text like the others" in note for note in corpus.notes)
    assert len(load(path, header=True).texts) == 19


def test_a_column_that_says_the_part(tmp_path: Path) -> None:
    content = "text,label,split\na,x,train\nb,y,train\nc,x,dev\nd,y,test\n"
    assert load(write(tmp_path / "a.csv", content)).parts == ("train", "train", "validation", "test")
    assert load(write(tmp_path / "a.csv", content.replace("dev", "other"))).parts is None


def test_a_folder_of_tables(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", 6)
    table(tmp_path / "test.csv", 4)
    table(tmp_path / "other.csv", 4)
    assert load(tmp_path).parts == ("test",) * 4 + ("train",) * 6


def test_classes_that_are_numbers_are_in_their_order(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": "t", "label": n}) + "\n" for n in (10, 9, -1, 10, 9, -1))
    assert load(write(tmp_path / "a.jsonl", lines)).classes == ("-1", "9", "10")


BAD = [
    ("a.csv", "text,label\na,x\nb\n", {}, r"a\.csv, line 3: has 1 column, line 1 has 2; a text with ',' in it needs"),
    ("a.csv", "text,label\na,x\nb,c,y\n", {}, r"a\.csv, line 3: has 3 columns"),
    ("a.csv", 'text,label\n"a,x\nb,y\n', {}, r"a\.csv, line 2: a quotation mark in the row that begins here is not closed"),
    ("a.csv", 'text,label\na,x\n"b "c" d",y\n', {}, r"line 3: a quotation mark .* is written twice"),
    ("a.tsv", 'text\tlabel\n"a\tx\nb\tc\td\n', {}, r"line 3: has 3 columns.*take the tabs out"),
    ("a.csv", "text,label\n", {}, "no rows below"),
    ("a.csv", "", {}, "is empty"),
    ("a.csv", "text,label\na,x\nb,\n", {}, r"a\.csv, line 3: has no class: fill it in"),
    ("a.csv", "text,label\na,x\nb,x\n", {}, r"has 1 class \('x'\) with texts: telling apart takes at least two"),
    ("a.csv", "text,label\na,x\nb,y\n", {"label_column": "lable"}, r"has no column 'lable', which data.label_column names; did you mean l"),
    ("a.csv", "text,label\na,x\nb,y\n", {"text_column": "zzz"}, "there are text, label"),
    ("a.csv", "text,label\na,x\nb,y\n", {"text_column": "label"}, "can't be both the text and the class|not clear which"),
    ("a.csv", "a,b,c\n1,2,3\n", {}, "it is not clear which column is the class; name it with data.label_column"),
    ("a.csv", "just text\nand more\n", {}, "it is not clear which column is the class"),
    ("a.csv", "text,label\na\0,x\nb,y\n", {}, "line 2: has a zero byte"),
    ("a.csv", b"text,label\nA\xe9b,x\nb,y\n", {}, r"is not UTF-8: byte 12 \(0xE9.*data.encoding"),
    ("a.csv", "text,label\nAéb,x\n".encode() + b"A\xe9b,y\n", {}, "so encodings are mixed: save all of it as UTF-8"),
    ("a.csv", b"text,label\nA\x9db,x\nb,y\n", {"encoding": "cp1252"}, "is not CP1252.*name the right encoding"),
    ("a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"\n', {}, r"a\.jsonl, line 2: is not JSON"),
    ("a.jsonl", '["a", "x"]\n', {}, "line 1: is no object such as"),
    ("a.jsonl", '{"text": "a", "label": "x"}\n{"text": "b"}\n', {}, "line 2: has no class"),
    ("a.jsonl", '{"text": null, "label": "x"}\n{"text": "b", "label": "y"}\n', {}, "line 1: has no text"),
    ("a.jsonl", "[" * 100_000 + "\n", {}, "line 1: is not JSON"),
    ("a.txt", "a\tb\n", {}, r"no table of texts with labels: a file must end in \.csv"),
    ("a.csv", "text,label\na,x\nb,y\n", {"classes": ["x", "z"]}, "has no class 'z', which data.classes names"),
    ("a.csv", "text,label\na,x\nb,y\n", {"categories": True}, "data.categories is for lines or running text"),
    ("a.csv", "text,label\na,x\nb,y\n", {"strip": ["headers"]}, "data.strip is for newsgroups"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "others", "said"), BAD)
def test_one_sentence_for_each(
    name: str, content: str | bytes, others: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=said) as caught:
        load(write(tmp_path / name, content), **others)
    assert "\n" not in str(caught.value)


def test_another_encoding(tmp_path: Path) -> None:
    content = "text,label\ncafé,x\nthé,y\n"
    assert load(write(tmp_path / "a.csv", content.encode("cp1252")), encoding="cp1252").texts == ("café", "thé")
    assert load(write(tmp_path / "a.csv", content.encode("utf-16")), encoding="utf-16").texts == ("café", "thé")
    odd = load(write(tmp_path / "a.csv", content), encoding="latin-1")
    assert "2 texts have signs of a wrong encoding, such as Ã© or � (a.csv, line 2)" in odd.notes[-1]


def test_a_text_of_100_000_words_is_read_and_reported(tmp_path: Path) -> None:
    corpus = load(write(tmp_path / "a.csv", f"text,label\n{'word ' * 100_000},x\nb,y\n"))
    assert len(corpus.texts[0].split()) == 100_000
    assert any("The longest text has 100,000 words (a.csv, line 2)" in note for note in corpus.notes)
    assert not any("longest" in note for note in load(tmp_path / "a.csv", cut_at=256).notes)


def test_the_csv_module_is_left_as_it_was(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    with pytest.raises(DataError):
        load(write(tmp_path / "a.csv", 'text,label\n"' + "a" * 200_000))
    assert csv.field_size_limit() == before


def test_what_is_odd_is_reported_and_kept(tmp_path: Path) -> None:
    corpus = load(write(tmp_path / "a.csv", "text,label\n,x\n  ,x\nb,y\nc,X\n"))
    assert len(corpus.texts) == 4
    notes = " ".join(corpus.notes)
    assert "2 of 4 texts are empty (a.csv, line 2); they are kept" in notes
    assert "The class y has only 1 text" in notes
    assert "Classes differ in capital letters only: x, X." in notes or "only: X, x." in notes


def test_halves_of_pairs_in_json(tmp_path: Path) -> None:
    corpus = load(
        write(tmp_path / "a.jsonl", '{"text": "a\\ud800\\u0000", "label": "x"}\n{"text": "b", "label": "y"}\n')
    )
    assert corpus.texts[0] == "a��"
    assert "wrong encoding" in corpus.notes[-1]


def test_fewer_classes_on_request(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\na,x\nb,y\nc,z\nd,x\n")
    corpus = load(path, classes=["z", "x"])
    assert (corpus.texts, corpus.classes) == (("a", "c", "d"), ("x", "z"))
    assert "Left out: 1 of 4 texts, of classes that were not asked for." in corpus.notes
