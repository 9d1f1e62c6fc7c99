"""Dividing labelled texts: nothing lost, nothing twice, the same share of each class, nothing in two parts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled_examples import settings

from elman.data import LabelledCorpus, LabelledSplit, split_labelled
from elman.data.labelled.duplicates import count_duplicates, same_as
from elman.errors import DataError

ROWS = st.lists(st.tuples(st.text("ab ", min_size=0, max_size=3), st.integers(0, 2)), min_size=6, max_size=60)


def corpus(texts: list[str], labels: list[int], parts: list[Any] | None = None, classes: str = "xyz") -> LabelledCorpus:
    places = tuple(f"line {n}" for n in range(len(texts)))
    official = None if parts is None else tuple(parts)
    return LabelledCorpus(tuple(texts), tuple(labels), tuple(classes), official, places, "test", "", ())


def divide(made: LabelledCorpus, seed: int = 1, **others: Any) -> LabelledSplit:
    return split_labelled(made, settings(**others), seed)


@given(ROWS, st.sampled_from([(0.1, 0.1), (0.3, 0.2), (0.0, 0.25), (0.0, 0.0)]), st.integers(0, 99))
def test_nothing_is_lost_and_nothing_leaks(rows: list[tuple[str, int]], shares: tuple[float, float], seed: int) -> None:
    made = corpus([text for text, _ in rows], [label for _, label in rows])
    chosen = {"validation": shares[0], "test": shares[1]}
    first: dict[str, int] = {}
    for text, label in rows:
        first.setdefault(" ".join(text.split()), label)
    if max(Counter(first.values()).values()) <= sum(share > 0 for share in shares):
        with pytest.raises(DataError, match="too few"):
            divide(made, seed, **chosen)
        return
    split = divide(made, seed, **chosen)
    parts = (split.train, split.validation, split.test)
    assert sum((Counter(zip(p.texts, p.labels, p.places, strict=True)) for p in parts), Counter()) == Counter(
        zip(made.texts, made.labels, made.places, strict=True)
    )
    read = [{" ".join(text.split()) for text in part.texts} for part in parts]
    assert sum(map(len, read)) == len(set().union(*read))
    assert split == divide(made, seed, **chosen)


def test_each_class_gives_its_share() -> None:
    made = corpus([f"text {n}" for n in range(110)], [0] * 80 + [1] * 20 + [2] * 10)
    split = divide(made, validation=0.1, test=0.2)
    assert split.train.counts(3) == [56, 14, 7]
    assert split.validation.counts(3) == [8, 2, 1]
    assert split.test.counts(3) == [16, 4, 2]
    assert divide(made, 1) == divide(made, 1) != divide(made, 2)
    assert list(split.parts()) == ["train", "validation", "test"]


def test_a_class_with_one_example_stays_to_learn_from() -> None:
    made = corpus([f"text {n}" for n in range(21)], [0] * 10 + [1] * 10 + [2])
    split = divide(made)
    assert split.train.counts(3)[2] == 1
    assert "No test text is of the class z, so nothing tells how well it was learnt." in split.notes


def test_official_parts_stay() -> None:
    texts = [f"text {n}" for n in range(40)]
    made = corpus(texts, [0, 1] * 20, ["train"] * 20 + ["test"] * 20, "xy")
    split = divide(made, validation=0.2, test=0.5)
    assert split.test.texts == tuple(texts[20:])
    assert len(split.validation) == 4
    assert set(split.validation.texts) <= set(texts[:20])
    assert "Parts as published: train, test; cut from its training part: validation (20%)." in split.notes
    own = divide(corpus(texts, [0, 1] * 20, ["train"] * 20 + ["validation"] * 10 + ["test"] * 10, "xy"))
    assert [len(part) for part in own.parts().values()] == [20, 10, 10]
    cut = divide(corpus(texts, [0, 1] * 20, ["train"] * 30 + ["validation"] * 10, "xy"), test=0.2)
    assert [len(part) for part in cut.parts().values()] == [24, 10, 6]


def test_duplicates_across_official_parts() -> None:
    texts = ["a", "b", "c", "d", "A ", "e"]
    made = corpus(texts, [0, 1, 0, 1, 0, 1], ["train"] * 4 + ["test"] * 2, "xy")
    kept = divide(made, validation=0)
    assert len(kept.train) == 4
    assert "1 of 4 training texts are in the validation or test part too" in kept.notes[-1]
    dropped = divide(made, validation=0, drop_duplicates=True)
    assert dropped.train.texts == ("b", "c", "d")
    assert dropped.test.texts == ("A ", "e")
    assert "Left out: 1 of 4 training texts" in dropped.notes[-1]
    with pytest.raises(DataError, match="nothing is left to learn from"):
        divide(corpus(["a", "a"], [0, 1], ["train", "test"], "xy"), validation=0, drop_duplicates=True)


def test_classes_that_only_the_test_part_has() -> None:
    made = corpus(list("abcdef"), [0, 0, 0, 0, 1, 1], ["train"] * 4 + ["test"] * 2, "xy")
    assert "No training text is of the class y, so it can't be learnt." in divide(made).notes


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (corpus(["a", "b"], [0, 1]), "has 2 texts to divide: too few for a validation part of 10%"),
        (corpus(["a", "b"], [0, 1], ["test", "test"]), "has no training part"),
    ],
)
def test_too_little(made: LabelledCorpus, said: str) -> None:
    with pytest.raises(DataError, match=said):
        divide(made)


def test_what_counts_as_the_same() -> None:
    assert same_as(["A b", "a  b\n", "ab", "a b"]) == [0, 0, 2, 0]
    found = count_duplicates(
        ["a", "A", "b", "a", "c", "c"],
        [0, 0, 1, 1, 0, 0],
        ["train", "train", "train", "test", "test", "test"],
        list("uvwxyz"),
    )
    assert found.within == {"train": 1, "test": 1}
    assert found.of_train == {"test": 1}
    assert found.contradicting == 3
    assert found.examples == (("x", "u"),)
