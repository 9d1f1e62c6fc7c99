"""Rows without a run: what no learning at all reaches, and scikit-learn's logistic regression as a reference."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from elman.comparing.contestants import Contestant
from elman.comparing.plan import Baseline
from elman.comparing.run_files import Finished
from elman.comparing.shared_data import SharedData
from elman.data import DataSettings, LabelledSplit, LabelledTexts, Tokeniser
from elman.data.progress import watched
from elman.errors import FolderError
from elman.reports.comparison.contents import Attempt, Score
from elman.storage import from_json, to_json, write_file

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
    settings = _words(rows)
    return [
        _cached(
            cache / f"{name}-seed{seed}.json",
            _key(shared, shared.splits[seed], settings),
            lambda seed=seed: logistic_regression(shared.splits[seed], shared, settings, seed),  # type: ignore[misc]
        )
        for seed in seeds
    ]


def majority(split: LabelledSplit, shared: SharedData, seed: int) -> Finished:
    """The most frequent class of the training part, whatever a text says."""
    counts = split.train.counts(len(shared.corpus.classes))
    shares = [count / len(split.train) for count in counts]
    most = max(range(len(counts)), key=counts.__getitem__)

    def score(part: LabelledTexts) -> Score:
        found = part.counts(len(counts))
        nats = math.fsum(
            n * -math.log(share) if share else math.inf for n, share in zip(found, shares, strict=True) if n
        )
        return Score(nats, len(part), found[most])

    test = score(split.test)
    attempt = Attempt(
        seed=seed, run=None, train=score(split.train), validation=score(split.validation), test=test, shuffled=test,
        claimed=None, seconds=0.0, epochs=None, best_epoch=None, parameters=len(counts),
        tokens_per_second=None,
    )  # fmt: skip
    answers = (most,) * len(split.test)
    return Finished(attempt, split.test.labels, answers, (shares[most],) * len(answers), shared.corpus.digest)


def logistic_regression(split: LabelledSplit, shared: SharedData, settings: DataSettings, seed: int) -> Finished:
    """scikit-learn's vectoriser with our words, binary, and its logistic regression with its own settings (L2, C = 1)."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    tokeniser = Tokeniser.of(settings)
    vectoriser: Any = CountVectorizer(analyzer=tokeniser.tokens, binary=True, max_features=settings.max_symbols)
    began = time.monotonic()
    train = vectoriser.fit_transform(_told(split.train, "scikit-learn: reading the training part (texts)"))
    model: Any = LogisticRegression(max_iter=MOST_STEPS)
    model.fit(train, split.train.labels)
    seconds = time.monotonic() - began
    validation, test = (
        vectoriser.transform(_told(part, f"scikit-learn: reading the {name} part (texts)"))
        for name, part in (("validation", split.validation), ("test", split.test))
    )
    known = [int(label) for label in model.classes_]
    probabilities = model.predict_proba(test)
    best = probabilities.argmax(axis=1)

    def score(part: LabelledTexts, features: Any) -> Score:
        logs, places = model.predict_log_proba(features), {label: place for place, label in enumerate(known)}
        nats = math.fsum(
            -float(row[places[label]]) if label in places else math.inf
            for row, label in zip(logs, part.labels, strict=True)
        )
        right = sum(known[k] == label for k, label in zip(logs.argmax(axis=1), part.labels, strict=True))
        return Score(nats, len(part), right)

    tested = score(split.test, test)
    attempt = Attempt(
        seed=seed, run=None, train=score(split.train, train), validation=score(split.validation, validation), test=tested,
        shuffled=tested if settings.cut_at is None else None,  # a bag has no order; what a cut keeps does depend on it
        claimed=None, seconds=seconds, epochs=int(model.n_iter_.max()), best_epoch=None,
        parameters=int(model.coef_.size + model.intercept_.size), tokens_per_second=None,
    )  # fmt: skip
    return Finished(
        attempt,
        split.test.labels,
        tuple(known[k] for k in best),
        tuple(float(row[k]) for row, k in zip(probabilities, best, strict=True)),
        shared.corpus.digest,
    )


def _told(part: LabelledTexts, doing: str) -> Any:
    return watched(part.texts, doing, len(part))


def _words(rows: Sequence[Contestant]) -> DataSettings:
    """The words as the bag-of-words row reads them; without one, as the first row does."""
    bags = [row for row in rows if row.recipe.model.shape == "bag-of-words"]
    return (bags or rows)[0].recipe.data


def _key(shared: SharedData, split: LabelledSplit, settings: DataSettings) -> str:
    """What the figures depend on."""
    from sklearn import __version__

    parts = [part.places for part in (split.train, split.validation, split.test)]
    what = (shared.corpus.digest, parts, Tokeniser.of(settings), settings.max_symbols, MOST_STEPS, __version__)
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
        name: None if (value := values["attempt"][name]) is None else Score(**value)
        for name in ("train", "validation", "test", "shuffled")
    }
    attempt = Attempt(**{**values["attempt"], **scores, "curve": ()})
    return Finished(
        attempt, tuple(values["labels"]), tuple(values["predicted"]), tuple(values["probability"]), values["digest"]
    )  # fmt: skip
