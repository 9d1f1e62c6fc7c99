"""Sources of labelled texts by name: from an archive, unpacked, downloaded; and the real ones against what was published."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from labelled_examples import newsgroups, reviews, settings, table, tar, write

from elman.data import (
    DataSettings,
    LabelledCorpus,
    has_unlabelled,
    load_corpus,
    load_labelled,
    load_unlabelled,
    split_labelled,
)
from elman.data.labelled import imdb
from elman.data.labelled.newsgroups import FOUR, strip
from elman.errors import DataError


def load(source: str, **others: Any) -> LabelledCorpus:
    return load_labelled(settings(source=source, **others))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as ELMAN_DATA names one, with small archives in it."""
    root = tmp_path / "data"
    tar(root / "20newsgroups" / "20news-bydate.tar.gz", newsgroups())
    tar(root / "imdb" / "aclImdb_labelled.tar.gz", reviews())
    monkeypatch.setenv("ELMAN_DATA", str(root))
    return root


def test_the_four_groups(folder: Path) -> None:
    corpus = load("newsgroups")
    assert corpus.classes == FOUR
    assert Counter(corpus.parts) == {"train": 48, "test": 24}
    assert corpus.texts[0].startswith("From: user0@sci.crypt.org")
    assert "café sci.crypt 0" in corpus.texts[0]
    assert corpus.places[11:13] == ("20news-bydate-train/sci.crypt/11", "20news-bydate-train/sci.electronics/0")
    assert "The published set has 2,373 training and 1,579 test texts, this copy 48 and 24" in corpus.notes[0]


def test_other_groups(folder: Path) -> None:
    corpus = load("newsgroups", classes=["sci.med", "alt.atheism"])
    assert corpus.classes == ("sci.med", "alt.atheism")
    assert len(corpus.texts) == 36
    with pytest.raises(DataError, match=r"has no class 'sci.medicine', which data.classes names; did you mean sci.med"):
        load("newsgroups", classes=["sci.medicine", "sci.space"])


def test_the_order_and_the_digest_do_not_depend_on_the_packing(folder: Path, tmp_path: Path) -> None:
    before = load("newsgroups")
    other = tar(tmp_path / "other.tar.gz", dict(reversed(newsgroups().items())))
    assert (load("newsgroups", path=str(other)).texts, load("newsgroups", path=str(other)).digest) == (
        before.texts,
        before.digest,
    )


def test_what_can_be_taken_away(folder: Path) -> None:
    whole, bare = load("newsgroups"), load("newsgroups", strip=["headers", "quotes", "footers"])
    assert bare.texts[0] == "café sci.crypt 0"
    assert len(bare.texts) == len(whole.texts)
    post = "From: a@b\nSubject: c\n\nA. Nonym (a@b) wrote:\n> quoted\n: and this\nmine: kept\n\n---\nsignature\n"
    assert strip(post, ["headers"]).startswith("A. Nonym")
    assert strip(post, ["quotes"]) == "From: a@b\nSubject: c\n\nmine: kept\n\n---\nsignature"
    assert strip(post, ["headers", "quotes", "footers"]) == "mine: kept"
    assert strip("no header here\n\nbody", ["headers"]) == "no header here\n\nbody"
    assert strip("--\n" * 5000, ["footers"]) == ""


def test_reviews(folder: Path) -> None:
    corpus = load("imdb")
    assert corpus.classes == ("negative", "positive")
    assert Counter(zip(corpus.parts or (), corpus.labels, strict=True)) == {
        ("train", 0): 10,
        ("train", 1): 10,
        ("test", 0): 4,
        ("test", 1): 4,
    }
    assert corpus.texts[0].startswith("\nA neg film,\n\nnumber 0 of ")
    assert [imdb.stated_rating(text) for text in ("it gets 10/10", "3 out of ten", "24/100", "7.5 / 10")] == [
        "10",
        "3",
        None,
        "7",
    ]


def test_texts_without_labels(folder: Path) -> None:
    assert load_unlabelled(settings(source="imdb")) == ("no\nlabel",) * 3
    posts = load_unlabelled(settings(source="newsgroups", strip=["headers", "quotes", "footers"]))
    assert posts == tuple(f"café alt.atheism {number}" for number in range(12))
    with pytest.raises(DataError, match="yelp has no texts without labels"):
        load_unlabelled(settings(source="yelp"))


def test_a_table_of_ones_own_has_no_texts_without_labels_beside_it(folder: Path, tmp_path: Path) -> None:
    """It may stand for a source (`--data`); its archive, wherever it lies, is one."""
    own = table(tmp_path / "own.csv")
    (archive,) = folder.rglob("*bydate*.gz")
    for source in ("imdb", "newsgroups"):
        assert has_unlabelled(settings(source=source))
        assert not has_unlabelled(settings(own, source=source))
        assert not has_unlabelled(settings(tmp_path / "nowhere", source=source))
    assert has_unlabelled(settings(archive, source="newsgroups"))
    assert has_unlabelled(settings(archive.parent, source="newsgroups"))
    assert not has_unlabelled(settings(source="yelp"))


def test_unpacked_archives_are_read_too(tmp_path: Path, folder: Path) -> None:
    for name, data in {**newsgroups(), **reviews()}.items():
        write(tmp_path / "unpacked" / name, data)
    post = load("newsgroups", path=str(tmp_path / "unpacked"))
    assert (Counter(post.texts), post.classes) == (Counter(load("newsgroups").texts), FOUR)
    review = load("imdb", path=str(tmp_path / "unpacked" / "aclImdb"))
    assert (Counter(review.texts), review.classes) == (Counter(load("imdb").texts), ("negative", "positive"))


def test_a_folder_with_data_sets_may_be_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELMAN_DATA")
    assert len(load("imdb", path=str(folder)).texts) == 28
    assert len(load("imdb", path=str(folder / "imdb")).texts) == 28


def test_a_file_of_ones_own_takes_the_place_of_a_source(folder: Path, tmp_path: Path) -> None:
    assert len(load("imdb", path=str(table(tmp_path / "mine.csv"))).texts) == 20


def test_another_archive(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no texts such as the published archive has"):
        load("imdb", path=str(tar(tmp_path / "x.tar.gz", {"a/b": b"c"})))
    with pytest.raises(DataError, match="Shakespeare has no labels; texts with labels are: docstrings, newsgroups"):
        load("shakespeare")


def test_a_language_model_says_what_it_can_not_read(folder: Path) -> None:
    with pytest.raises(DataError, match="texts with labels are for recipes that classify"):
        load_corpus(DataSettings(source="imdb"))
    with pytest.raises(DataError, match=r"data.cut_at is for texts with labels"):
        load_corpus(DataSettings(source="names-embedded", cut_at=5))


def test_sentences_in_both_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees = tmp_path / "trees" / "sentiment" / "sst"
    write(
        trees / "train.txt",
        "(3 (2 It) (4 (2 's) (3 (2 lovely) (2 -LRB-))))\n(2 (2 Neutral) (2 1\\/2))\n(0 (2 Bad) (1 !))\n",
    )
    write(trees / "dev.txt", "(1 (2 Not) (2 good))\n")
    write(trees / "test.txt", "(4 (2 Very) (2 good))\n")
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path / "trees"))
    fine, binary = load("sst-fine"), load("sst")
    assert fine.texts == ("It 's lovely (", "Neutral 1/2", "Bad !", "Not good", "Very good")
    assert fine.labels == (3, 2, 0, 1, 4)
    assert binary.texts == ("It 's lovely (", "Bad !", "Not good", "Very good")
    assert binary.labels == (1, 0, 0, 1)
    assert binary.parts == ("train", "train", "validation", "test")
    plain = tmp_path / "plain" / "sentiment" / "sst"
    for part, lines in (("train", "1 it 's lovely\n0 bad !\n"), ("dev", "0 not good\n"), ("test", "1 very good\n")):
        write(plain / f"stsa.binary.{part}", lines)
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path / "plain"))
    assert load("sst").texts == ("it 's lovely", "bad !", "not good", "very good")
    assert load("sst").places[2] == "stsa.binary.dev, line 1"
    write(plain / "stsa.binary.dev", "5 odd\n")
    with pytest.raises(
        DataError, match=r"stsa.binary.dev, line 1: begins with '5 odd', where a label from 0 should be"
    ):
        load("sst")


def test_yelp(tmp_path: Path) -> None:
    path = write(tmp_path / "yelp_labelled.txt", "Wow... Loved this place.\t1\nCrust is not good. \t0\n")
    corpus = load("yelp", path=str(path))
    assert (corpus.texts, corpus.labels) == (("Wow... Loved this place.", "Crust is not good."), (1, 0))
    with pytest.raises(DataError, match="line 2: does not end with a tab and 0 or 1"):
        load("yelp", path=str(write(path, "good\t1\nno label\n")))


def test_the_real_newsgroups(real_data: Path) -> None:
    corpus = load("newsgroups")
    counts = Counter(zip(corpus.parts or (), (corpus.classes[label] for label in corpus.labels), strict=True))
    assert [counts["train", name] for name in FOUR] == [595, 591, 594, 593]
    assert [counts["test", name] for name in FOUR] == [396, 393, 396, 394]
    assert corpus.notes == ()
    split = split_labelled(corpus, settings(source="newsgroups"), 1)
    assert (len(split.train) + len(split.validation), len(split.test)) == (2373, 1579)
    groups = [
        "alt.atheism",
        "comp.graphics",
        "comp.os.ms-windows.misc",
        "comp.sys.ibm.pc.hardware",
        "comp.sys.mac.hardware",
    ]
    groups += [
        "comp.windows.x",
        "misc.forsale",
        "rec.autos",
        "rec.motorcycles",
        "rec.sport.baseball",
        "rec.sport.hockey",
    ]
    groups += [*FOUR, "soc.religion.christian", "talk.politics.guns", "talk.politics.mideast", "talk.politics.misc"]
    everything = load("newsgroups", classes=[*groups, "talk.religion.misc"])
    assert Counter(everything.parts) == {"train": 11_314, "test": 7_532}


def test_the_real_sentences(real_data: Path) -> None:
    for name, counts in (("sst", [6920, 872, 1821]), ("sst-fine", [8544, 1101, 2210])):
        split = split_labelled(load(name), settings(source=name), 1)
        assert [len(part) for part in (split.train, split.validation, split.test)] == counts
    yelp = load("yelp")
    assert Counter(yelp.labels) == {0: 500, 1: 500}


def test_the_real_reviews(real_data: Path) -> None:
    corpus = load("imdb")
    counts = Counter(zip(corpus.parts or (), corpus.labels, strict=True))
    assert set(counts.values()) == {12_500}
    assert len(counts) == 4
    assert not any("<br" in text for text in corpus.texts[:1000])
    assert corpus.notes == ()
