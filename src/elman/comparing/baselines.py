"""Rows without a run: what no learning at all reaches, and scikit-learn's logistic regression as a reference."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from elman.comparing.contestants import Contestant
from elman.comparing.plan import Baseline
from elman.comparing.run_files import Finished
from elman.comparing.shared_data import SharedData
from elman.data import Features, LabelledSplit, LabelledTexts, Tokeniser
from elman.data.labelled.shuffling import shuffle_words
from elman.errors import FolderError
from elman.randomness import named_generator
from elman.recipes.recipe import Recipe
from elman.reports.comparison.contents import Attempt
from elman.storage import from_json, to_json, write_file
from elman.training.scores import ClassScore

ABOUT: dict[Baseline, str] = {
    "majority": "always the most frequent class of the training part; its loss is that of the classes' shares there",
    "logistic-regression": "which words a text has, weighed by scikit-learn's LogisticRegression as it comes: the reference",
}
MOST_STEPS = 1000
"""Of scikit-learn's optimiser (L-BFGS)."""


def baseline(name: Baseline, shared: SharedData, rows: Sequence[Contestant], cache: Path) -> list[Finished]:
    """A baseline, once for each seed that has parts of its own; what takes long is kept in the folder `cache`."""
    seeds = list(shared.splits)[:1] if shared.one_split else list(shared.splits)
    if name == "majority":
        return [majority(shared.splits[seed], shared, seed) for seed in seeds]
    words = _words(rows)
    return [
        _cached(
            cache / f"{name}-seed{seed}.json",
            _key(shared, shared.splits[seed], words),
            partial(logistic_regression, shared.splits[seed], shared, words, seed),
        )
        for seed in seeds
    ]


def majority(split: LabelledSplit, shared: SharedData, seed: int) -> Finished:
    """The most frequent class of the training part, whatever a text says."""
    counts = split.train.counts(len(shared.corpus.classes))
    shares = [count / len(split.train) for count in counts]
    most = max(range(len(counts)), key=counts.__getitem__)

    def score(part: LabelledTexts) -> ClassScore:
        found = part.counts(len(counts))
        nats = math.fsum(
            n * -math.log(share) if share else math.inf for n, share in zip(found, shares, strict=True) if n
        )
        return ClassScore(nats, len(part), found[most])

    attempt = Attempt(
        seed=seed, run=None, train=score(split.train), validation=score(split.validation),
        test=score(split.test), shuffled=None,
        claimed=None, seconds=0.0, epochs=None, best_epoch=None, parameters=len(counts),
        tokens_per_second=None,
    )  # fmt: skip
    answers = (most,) * len(split.test)
    return Finished(attempt, split.test.labels, answers, (shares[most],) * len(answers), shared.corpus.digest)


def logistic_regression(split: LabelledSplit, shared: SharedData, recipe: Recipe, seed: int) -> Finished:
    """scikit-learn's logistic regression with its own settings (L2, C = 1), on the binary features of a recipe's bag of words."""
    from sklearn.linear_model import LogisticRegression

    began = time.monotonic()
    features = _features(split, recipe)
    train = features.matrix(split.train.texts).astype("float64")
    model: Any = LogisticRegression(max_iter=MOST_STEPS)
    model.fit(train, split.train.labels)
    seconds = time.monotonic() - began
    known = [int(label) for label in model.classes_]

    def judged(part: LabelledTexts) -> tuple[ClassScore, tuple[int, ...], tuple[float, ...]]:
        logs = model.predict_log_proba(features.matrix(part.texts).astype("float64"))
        places = {label: place for place, label in enumerate(known)}
        nats = math.fsum(
            -float(row[places[label]]) if label in places else math.inf
            for row, label in zip(logs, part.labels, strict=True)
        )
        answers = tuple(known[k] for k in logs.argmax(axis=1))
        right = sum(answer == label for answer, label in zip(answers, part.labels, strict=True))
        return ClassScore(nats, len(part), right), answers, tuple(math.exp(row.max()) for row in logs)

    tested, answers, probability = judged(split.test)
    shuffled = shuffle_words(split.test, features.tokeniser, named_generator(seed, "shuffled words"))
    attempt = Attempt(
        seed=seed, run=None, train=judged(split.train)[0], validation=judged(split.validation)[0], test=tested,
        shuffled=judged(shuffled)[0], claimed=None, seconds=seconds, epochs=int(model.n_iter_.max()), best_epoch=None,
        parameters=int(model.coef_.size + model.intercept_.size), tokens_per_second=None,
    )  # fmt: skip
    return Finished(attempt, split.test.labels, answers, probability, shared.corpus.digest)


def _features(split: LabelledSplit, recipe: Recipe) -> Features:
    model = recipe.model
    return Features.of_texts(
        split.train.texts,
        recipe.data,
        ngrams=model.ngrams,
        min_texts=model.min_texts,
        keep_percentiles=model.keep_percentiles,
    )


def _words(rows: Sequence[Contestant]) -> Recipe:
    """Whose words: those of the bag-of-words row; without one, of the first row."""
    bags = [row for row in rows if row.recipe.model.shape == "bag-of-words"]
    return (bags or rows)[0].recipe


def _key(shared: SharedData, split: LabelledSplit, recipe: Recipe) -> str:
    """What the figures depend on."""
    from sklearn import __version__

    parts = [part.places for part in (split.train, split.validation, split.test)]
    told = (recipe.data.max_symbols, recipe.model.ngrams, recipe.model.min_texts, recipe.model.keep_percentiles)
    what = (shared.corpus.digest, parts, Tokeniser.of(recipe.data), told, MOST_STEPS, __version__)
    return hashlib.sha256(repr(what).encode("utf-8", errors="surrogatepass")).hexdigest()


def _cached(path: Path, key: str, make: Callable[[], Finished]) -> Finished:
    """What an earlier comparison found with the same data and settings, or what is made now."""
    if path.is_file():
        try:
            return _read(from_json(path.read_bytes(), str(path)), key)
        except (FolderError, OSError, KeyError, TypeError, ValueError):
            pass  # damaged, or of other data: made anew
    found = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, to_json({"key": key, "finished": asdict(found)}))
    return found


def _read(stored: Any, key: str) -> Finished:
    if stored["key"] != key:
        raise ValueError("made of other data or settings")
    values = stored["finished"]
    scores = {
        name: None if (value := values["attempt"][name]) is None else ClassScore(**value)
        for name in ("train", "validation", "test", "shuffled")
    }
    attempt = Attempt(**{**values["attempt"], **scores, "curve": ()})
    return Finished(
        attempt, tuple(values["labels"]), tuple(values["predicted"]), tuple(values["probability"]), values["digest"]
    )  # fmt: skip
