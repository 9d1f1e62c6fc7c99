"""What the words of a text say of its class, by counting: the cheapest judge there is, and the words that give it away."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from elman.data.progress import watched
from elman.data.tokens import Tokeniser

WORDS = Tokeniser("words", lower=True, punctuation=False)


class WordEvidence:
    """In how many training texts of each class a word comes, n(word, class); and a naive Bayes judgement from that.

    A text's class is the one with the largest log p(class) + sum over its different words of log p(word | class), where
    p(word | class) = (n(word, class) + 1) / (sum of n(., class) + number of words).
    """

    def __init__(self, texts: Sequence[str], labels: Sequence[int], classes: int) -> None:
        """Counts the words of the training texts."""
        counts: list[Counter[str]] = [Counter() for _ in range(classes)]
        for text, label in watched(zip(texts, labels, strict=True), "counting words (texts)", len(texts)):
            counts[label].update(set(WORDS.tokens(text)))
        self.texts = np.bincount(labels, minlength=classes).astype(float)
        words = sorted(set().union(*counts))
        self.place = {word: place for place, word in enumerate(words)}
        self.counts = np.array([[count[word] for count in counts] for word in words]).reshape(len(words), classes)
        self.logs = np.log((self.counts + 1) / (self.counts.sum(0) + max(len(words), 1)))
        self.prior = np.log((self.texts + 1) / (self.texts.sum() + classes))

    def judge(self, text: str) -> int:
        """The class that the words of a text speak for; without known words the most frequent one."""
        known = [self.place[word] for word in set(WORDS.tokens(text)) if word in self.place]
        return int(np.argmax(self.prior + self.logs[known].sum(0)))

    def accuracy(self, texts: Sequence[str], labels: Sequence[int]) -> float:
        """Share of these texts that are judged right."""
        pairs = watched(zip(texts, labels, strict=True), "judging by words (texts)", len(texts))
        return sum(self.judge(text) == label for text, label in pairs) / max(len(texts), 1)

    def telling(self, classes: Sequence[str], most: int = 5) -> dict[str, list[tuple[str, int, int]]]:
        """For each class its most telling words: the word, its training texts of the class, and those of all classes.

        Telling is a word that is frequent in the class and rare elsewhere: the most nats that its texts say for the class in all.
        """
        found = {}
        total = self.counts.sum(1)
        for label, name in enumerate(classes):
            own, rest = self.counts[:, label], total - self.counts[:, label]
            inside, outside = (
                (own + 1) / (self.texts[label] + 2),
                (rest + 1) / (self.texts.sum() - self.texts[label] + 2),
            )
            gain = own * np.log(inside / outside)
            words = list(self.place)
            best = np.argsort(-gain, kind="stable")[:most]
            found[name] = [(words[place], int(own[place]), int(total[place])) for place in best if gain[place] > 0]
        return found


CERTAIN = 0.9
"""A clue decides where this share of the training texts that have it are of one class."""


@dataclass(frozen=True)
class Clue:
    """One giveaway: what share of the texts it decides by itself, and how much of that is right.

    Attributes:
        name: what it is.
        decided: share of the texts whose clue is known from training, nearly always with the same class.
        right: share of these that are of that class; NaN if there are none.
    """

    name: str
    decided: float
    right: float


def decided_by(
    name: str, read: Callable[[str], str | None], train: Iterable[tuple[str, int]], test: Sequence[tuple[str, int]]
) -> Clue:
    """Looks a clue of each test text up among those of the training texts."""
    known: dict[str, Counter[int]] = {}
    for text, label in train:
        if (clue := read(text)) is not None:
            known.setdefault(clue, Counter())[label] += 1
    decided = right = 0
    for text, label in test:
        seen = known.get(read(text) or "")
        if seen is None:
            continue
        usual, count = seen.most_common(1)[0]
        if count >= CERTAIN * seen.total():
            decided += 1
            right += label == usual
    return Clue(name, decided / max(len(test), 1), right / decided if decided else math.nan)
