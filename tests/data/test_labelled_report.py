"""The report: lengths, classes, duplicates, what gives the answer away; as a value, as JSON, as text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from labelled_examples import newsgroups, settings, table, tar, write

from elman.data import DataSettings, report_labelled
from elman.data.description import describe, overview, usual_settings
from elman.data.labelled.evidence import WordEvidence, decided_by
from elman.data.labelled.report_text import report_text


def test_a_file(tmp_path: Path) -> None:
    path = table(tmp_path / "reviews.csv", 40)
    report = describe(DataSettings(**usual_settings(str(path))))
    assert report == report_labelled(settings(path))
    assert {name: part.texts for name, part in report.parts.items()} == {"train": 32, "validation": 4, "test": 4}
    assert report.parts["train"].by_class == {"neg": 16, "pos": 16}
    assert report.parts["train"].lengths.longest == 5  # text 17 , good film
    assert report.giveaways.by_words == {"as it is": 1.0}
    assert report.giveaways.majority == 0.5
    assert report.giveaways.telling["pos"][0] == ("good", 16, 16)
    text = report_text(report)
    assert "reviews.csv: 40 texts of 2 classes" in text
    assert "good (16/16)" in text
    parsed = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert parsed["parts"]["test"]["by_class"] == {"neg": 2, "pos": 2}


def test_imbalance_empty_texts_and_duplicates(tmp_path: Path) -> None:
    lines = (
        [f"text number {n},a" for n in range(40)]
        + ["same,b"] * 3
        + [f"other {n},b" for n in range(8)]
        + [",a", "same,a"]
    )
    report = report_labelled(settings(write(tmp_path / "a.csv", "text,label\n" + "\n".join(lines))))
    assert report.imbalance == pytest.approx(42 / 11)
    assert sum(report.duplicates.within.values()) == 3
    assert report.duplicates.contradicting == 4
    assert report.duplicates.of_train == {"validation": 0, "test": 0}
    assert sum(part.empty for part in report.parts.values()) == 1
    text = report_text(report)
    assert "The largest class has 3.8 texts for each one of the smallest" in text
    assert "4 texts read the same as one with another label" in text


def test_without_a_part_to_measure_on(tmp_path: Path) -> None:
    report = report_labelled(settings(table(tmp_path / "a.csv"), validation=0, test=0))
    assert report.giveaways.measured_on is None
    assert report.to_json()["giveaways"]["majority"] is None
    assert report_text(report)


def test_newsgroups_on_and_off(tmp_path: Path) -> None:
    archive = tar(tmp_path / "20news-bydate.tar.gz", newsgroups())
    for strip in ([], ["headers"]):
        report = report_labelled(settings(archive, source="newsgroups", strip=strip))
        assert set(report.giveaways.by_words) == {
            "with headers",
            "headers alone",
            "without headers",
            "without headers, quotes and footers",
        }
        clues = {clue.name: clue for clue in report.giveaways.clues}
        assert clues["the sender's address"].decided == 1
        assert clues["the thread's subject"].right == 1
    assert "headers alone" in report_text(report)


def test_clues() -> None:
    train = [("a", 0), ("a", 0), ("b", 0), ("b", 1), ("c", 1), ("none", 0)]
    test = [("a", 0), ("a", 1), ("b", 0), ("c", 1), ("d", 0), ("none", 1)]
    clue = decided_by("letter", lambda text: None if text == "none" else text, train, test)
    assert (clue.decided, clue.right) == (3 / 6, 2 / 3)


def test_words_judge() -> None:
    evidence = WordEvidence(["good film", "good one", "bad film", "the bad"], [1, 1, 0, 0], 2)
    assert [evidence.judge(text) for text in ("GOOD!", "bad bad", "so bad a film")] == [1, 0, 0]
    assert evidence.accuracy(["good", "bad"], [1, 1]) == 0.5
    assert evidence.judge("nothing known") in (0, 1)
    assert evidence.telling(["neg", "pos"])["pos"][0] == ("good", 2, 2)


def test_every_source_is_listed() -> None:
    rows = {row["name"]: row for row in overview()}
    assert rows["docstrings"]["where"] == "here: nothing to download"
    assert "elman data imdb --get" in rows["imdb"]["where"]


def test_the_real_newsgroups_show_what_headers_are_worth(real_data: Path) -> None:
    report = report_labelled(settings(source="newsgroups"))
    seen = report.giveaways.by_words
    assert seen["with headers"] > seen["without headers"] > seen["without headers, quotes and footers"] > 0.75
    assert seen["headers alone"] > 0.75
    clues = {clue.name: clue for clue in report.giveaways.clues}
    assert clues["the sender's address"].decided > 0.4
    assert clues["the sender's address"].right > 0.9
    assert report.giveaways.majority < 0.26
