"""Baselines beside what NumPy works out by itself."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from made_up_classifiers import Bench, write_recipe, write_texts

from elman.comparing import baselines
from elman.comparing.contestants import Contestant
from elman.comparing.run_files import Finished
from elman.comparing.shared_data import SharedData, shared_data
from elman.data import LabelledTexts, Tokeniser
from elman.recipes.reading import read_recipe


@pytest.fixture
def rows(tmp_path: Path) -> list[Contestant]:
    texts = write_texts(tmp_path / "texts.csv")
    lines = texts.read_text().splitlines()
    texts.write_text("\n".join(lines[:101]) + "\n", "utf-8")
    extra = "".join(f"more of the same number {k},good\n" for k in range(15))
    texts.write_text(texts.read_text() + extra, "utf-8")
    path = write_recipe(tmp_path / "bag.toml", texts, "bag-of-words")
    return [Contestant("bag", "bag", {seed: read_recipe(path, {"training.seed": seed}) for seed in (1, 2)})]


@pytest.fixture
def shared(rows: list[Contestant]) -> SharedData:
    return shared_data(rows)


def test_the_majority_class_and_the_loss_of_its_shares(shared: SharedData) -> None:
    split = shared.splits[1]
    found = baselines.majority(split, shared, 1)
    counts = Counter(split.train.labels)
    most = counts.most_common(1)[0][0]
    assert found.predicted == (most,) * len(split.test)
    for score, part in ((found.attempt.train, split.train), (found.attempt.test, split.test)):
        assert score.correct == list(part.labels).count(most)
        assert score.nats == pytest.approx(-sum(math.log(counts[label] / len(split.train)) for label in part.labels))
    entropy = -sum(n / len(split.train) * math.log(n / len(split.train)) for n in counts.values())
    assert found.attempt.train.per_text == pytest.approx(entropy)


def design(part: LabelledTexts, words: list[str]) -> np.ndarray:
    """1 where a text has a word; a column of ones at the end."""
    tokens = [set(Tokeniser("words", lower=True).tokens(text)) for text in part.texts]
    return np.array([[word in found for word in words] + [True] for found in tokens], dtype=float)


def minimum(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Newton's method for Σ ln(1 + exp(-s z)) + |w|² / 2, the bias not penalised: what C = 1 means."""
    w, penalty = np.zeros(X.shape[1]), np.eye(X.shape[1])
    penalty[-1, -1] = 0
    for _ in range(50):
        p = 1 / (1 + np.exp(-X @ w))
        w -= np.linalg.solve(X.T @ (X * (p * (1 - p))[:, None]) + penalty, X.T @ (p - y) + penalty @ w)
    return w


def test_the_reference_is_the_minimum_of_the_penalised_loss_over_binary_features(
    rows: list[Contestant], shared: SharedData
) -> None:
    split = shared.splits[1]
    found = baselines.logistic_regression(split, shared, rows[0].recipe, 1)
    words = sorted({w for text in split.train.texts for w in Tokeniser("words", lower=True).tokens(text)})
    w = minimum(design(split.train, words), np.array(split.train.labels, dtype=float))
    for score, part in (
        (found.attempt.train, split.train), (found.attempt.validation, split.validation), (found.attempt.test, split.test),
    ):  # fmt: skip
        z = design(part, words) @ w
        labels = np.array(part.labels)
        assert score is not None
        assert score.nats == pytest.approx(np.log1p(np.exp(np.where(labels == 1, -z, z))).sum(), rel=2e-3)
        assert score.correct == ((z > 0) == labels).sum()
    assert found.predicted == tuple(int(v) for v in design(split.test, words) @ w > 0)
    assert found.attempt.parameters == len(words) + 1
    assert found.right().count(True) == found.attempt.test.correct


def test_a_bag_of_words_loses_nothing_by_shuffling_and_a_bag_of_pairs_does(
    rows: list[Contestant], shared: SharedData, tmp_path: Path
) -> None:
    found = baselines.logistic_regression(shared.splits[1], shared, rows[0].recipe, 1)
    assert found.attempt.shuffled is not None
    assert found.attempt.shuffled.correct == found.attempt.test.correct
    assert found.attempt.shuffled.nats == pytest.approx(found.attempt.test.nats)
    pairs = read_recipe(tmp_path / "bag.toml", {"model.ngrams": 2})
    found = baselines.logistic_regression(shared.splits[1], shared, pairs, 1)
    assert found.attempt.shuffled is not None
    assert found.attempt.shuffled.nats > 1.1 * found.attempt.test.nats


def test_it_is_made_once_and_again_for_other_words(
    rows: list[Contestant], shared: SharedData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    original = baselines.logistic_regression

    def counted(*given: object) -> Finished:
        made.append(1)
        return original(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(baselines, "logistic_regression", counted)
    first = baselines.baseline("logistic-regression", shared, rows, tmp_path / "cache")
    assert baselines.baseline("logistic-regression", shared, rows, tmp_path / "cache") == first
    assert len(made) == 2, "two seeds, two divisions"
    recipes = {seed: read_recipe(tmp_path / "bag.toml", {"data.lower": False, "seed": seed}) for seed in (1, 2)}
    baselines.baseline("logistic-regression", shared, [Contestant("bag", "bag", recipes)], tmp_path / "cache")
    assert len(made) == 4


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"key": 1}', b'{"finished": {}, "key": "x"}'])
def test_a_damaged_cache_is_made_anew(
    rows: list[Contestant], shared: SharedData, tmp_path: Path, content: bytes
) -> None:
    first = baselines.baseline("logistic-regression", shared, rows, tmp_path)
    (tmp_path / "logistic-regression-seed1.json").write_bytes(content)
    second = baselines.baseline("logistic-regression", shared, rows, tmp_path)
    assert [one.predicted for one in second] == [one.predicted for one in first]


def test_the_words_are_those_of_the_bag_of_words_row(bench: Bench) -> None:
    """The GRU reads three words of each text; the reference must not."""
    write_recipe(bench.gru, bench.texts, data__cut_at=3)
    found = bench.compare()
    reference = found.rows[1]
    assert reference.title == "logistic regression (scikit-learn)"
    assert reference.accuracy.value > 0.7, "the word that tells stands further back"
    assert reference.parameters > 100


def test_a_comparison_may_go_without(bench: Bench) -> None:
    path = bench.folder / "mine.toml"
    path.write_text(
        'title = "Mine"\nbaselines = []\n[[rows]]\ntitle = "a"\nrecipe = "gru.toml"\n[[rows]]\ntitle = "b"\nrecipe = "bag.toml"\n'
    )
    found = bench.compare(path)
    assert [row.kind for row in found.rows] == ["model", "model"]
    assert len(found.tests) == 1
