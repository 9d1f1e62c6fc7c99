"""`bag-of-words`: vocabulary and binary encoding."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe
from elman.checking.sandbox.work import call
from elman.checking.worksheets.worksheet import Array, Question, Slot, Worksheet, Wrong

WORDS = (
    "orbit", "cipher", "doctor", "circuit", "rocket", "patient", "voltage", "secret", "fever", "diode", "satellite", "pulse",
)  # fmt: skip
INSIDE = (("key", "keyboard"), ("moon", "moonlight"), ("art", "cartoon"), ("end", "weekend"))
"""Words of which one stands inside the other."""
ALL_WORDS = (*WORDS, *(word for pair in INSIDE for word in pair))
VOCABULARY = (
    "vocabulary-not-sorted", "vocabulary-not-sorted@frequency", "vocabulary-not-sorted@length", "vocabulary-not-sorted@reversed",
    "vocabulary-with-repeats", "case-kept", "case-folded-last", "case-folded-last@repeats", "vocabulary-of-one-text",
    "vocabulary-of-one-text@last",
    "vocabulary-of-common-words",
)  # fmt: skip
ENCODING = (
    "words-counted", "words-normalised", "words-normalised@distinct", "words-normalised@norm", "words-normalised@sum", "case-kept",
    "unknown-word-last", "unknown-word-first", "word-inside-another", "word-inside-another@vocabulary", "word-places",
    "only-one-word", "only-one-word@first", "bag-inverted",
)  # fmt: skip
MOST = 60

STATEMENT = """
A binary bag of words maps every word to a dimension; a text becomes a vector with a 1 for each of its words and 0 elsewhere.

    vocabulary(texts)           every word of the texts once, as a sorted list. Words are what stands between spaces, in small
                                letters; there is no punctuation in the texts.
    encode(text, vocabulary)    the vector of a text, as long as the vocabulary. A word that is not in it has no dimension.
                                Numbers or truth values, as a list, an array or a tensor: all will do.

How often a word occurs, and where, is lost: that is what a recurrent network adds.
"""

STARTER = """
import numpy as np


def vocabulary(texts):
    return ...


def encode(text, vocabulary):
    vector = np.zeros(len(vocabulary))
    ...
    return vector
"""

SOLUTION = """
import numpy as np


def vocabulary(texts):
    return sorted({word for text in texts for word in text.lower().split()})


def encode(text, vocabulary):
    words = set(text.lower().split())
    return np.array([1.0 if word in words else 0.0 for word in vocabulary])
"""

EXPLANATION = """
Two texts with the same words in another order have the same vector, and a word that occurs ten times gives the same 1 as one
that occurs once. Words that training never saw have no dimension; putting them at index -1 would make them look like the last word.
"""


def words_of(texts: list[str], wrong: Wrong) -> list[str]:
    """The vocabulary."""
    if "vocabulary-of-one-text" in wrong or "vocabulary-of-one-text@last" in wrong:
        texts = texts[:1] if "vocabulary-of-one-text" in wrong else texts[-1:]
    if "case-folded-last@repeats" in wrong:
        return sorted(word.lower() for word in {word for text in texts for word in text.split()})
    if "case-folded-last" in wrong:
        return [word.lower() for word in sorted({word for text in texts for word in text.split()})]
    found = [word for text in texts for word in (text if "case-kept" in wrong else text.lower()).split()]
    often = {word: found.count(word) for word in found}
    if "vocabulary-of-common-words" in wrong:
        found = [word for word in found if all(word in text.lower().split() for text in texts)]
    if "vocabulary-with-repeats" not in wrong:
        found = list(dict.fromkeys(found))
    if "vocabulary-not-sorted" in wrong:
        return found
    if "vocabulary-not-sorted@frequency" in wrong:
        return sorted(found, key=lambda word: -often[word])
    if "vocabulary-not-sorted@length" in wrong:
        return sorted(found, key=len)
    return sorted(found, reverse="vocabulary-not-sorted@reversed" in wrong)


def vector(text: str, vocabulary: list[str], wrong: Wrong) -> Array:
    """The encoding."""
    words = (text if "case-kept" in wrong else text.lower()).split()
    if wrong & {"only-one-word", "only-one-word@first"}:
        known = [word for word in words if word in vocabulary]
        words = known[:1] if "only-one-word@first" in wrong else known[-1:]
    if wrong & {"word-inside-another", "word-inside-another@vocabulary"}:
        turned = "word-inside-another@vocabulary" in wrong
        counts = np.array([float(sum((w in v) if turned else (v in w) for w in words)) for v in vocabulary])
    else:
        counts = np.array([float(words.count(word)) for word in vocabulary])
    strange = sum(word not in vocabulary for word in words)
    counts[-1] += strange * ("unknown-word-last" in wrong)
    counts[0] += strange * ("unknown-word-first" in wrong)
    if "word-places" in wrong:
        return np.array([float(words.index(word)) + 1 if word in words else 0.0 for word in vocabulary])
    found = counts if "words-counted" in wrong else np.minimum(counts, 1)
    if "bag-inverted" in wrong:
        return np.asarray(1 - found)
    shares = {"": len(words), "@distinct": len(set(words)), "@norm": np.linalg.norm(found), "@sum": found.sum()}
    return next((np.asarray(found / n) for k, n in shares.items() if f"words-normalised{k}" in wrong), found)


def as_numbers(words: list[str]) -> Array:
    """Words as numbers that stand for them, behind them -1: a list of another length is still comparable."""
    known = [w for word in ALL_WORDS for w in (word, word.capitalize(), word.upper())]
    numbers = [float(known.index(w)) if w in known else -2.0 for w in words]
    return np.array((numbers + [-1.0] * MOST)[:MOST])


def listed(values: list[Any]) -> list[Any]:
    """The answer's words as numbers."""
    (value,) = values
    words = list(value) if isinstance(value, (list, dict)) else None
    if words is None or not all(isinstance(w, str) for w in words):
        raise UnreadableError(f"`vocabulary` should return a list of words; this came: {describe(value)}.")
    return [as_numbers(words)]


def draw(rng: np.random.Generator) -> list[Question]:
    """A vocabulary, and texts with repeated, capital and unknown words, and with words that stand inside others."""

    def text(words: list[str], count: int) -> str:
        first, second, *others = rng.permutation(words).tolist()
        chosen = rng.choice(others, size=count).tolist()
        return " ".join([first.capitalize(), *chosen, second.upper(), chosen[0]])

    words, pairs = rng.permutation(WORDS).tolist(), rng.permutation(INSIDE).tolist()
    known, unknown = [*words[:6], *pairs[0], *pairs[1]], words[6:]
    texts = [text(known, 6) for _ in range(4)]
    again, more = texts[1].split()[1], texts[0].split()[0].lower()
    texts[2] += f" {again.capitalize()} {more} {more}"
    vocabulary = sorted(known)
    inner, outer = [pairs[0][0], pairs[1][1]], [pairs[0][1], pairs[1][0]]
    plain = text([*words[:4], *inner], 6) + f" {inner[1]} {inner[0]}"
    strange = f"{text([*words[2:6], *outer], 4)} {unknown[0]} {outer[0]} {unknown[1]}"
    return [
        Question(
            "the vocabulary of four texts", [call("vocabulary", texts)],
            lambda wrong: {"vocabulary": as_numbers(words_of(texts, wrong))}, VOCABULARY, (Slot(("vocabulary",)),), digest=listed,
        ),
        encoded("a text with repeated words", plain, vocabulary),
        encoded("a text with words that are not in the vocabulary", strange, vocabulary),
    ]  # fmt: skip


def encoded(name: str, text: str, vocabulary: list[str]) -> Question:
    """A question with one text."""
    return Question(
        name,
        [call("encode", text, vocabulary)],
        lambda wrong: {"vector": vector(text, vocabulary, wrong)},
        ENCODING,
        (Slot(("vector",)),),
    )


WORKSHEET = Worksheet(
    name="bag-of-words",
    title="A binary bag of words",
    course="assignment 4, exercise 1.1: binary, single words",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("vocabulary", "encode"),
    labels={"vocabulary": "the vocabulary (words as numbers in the order of this check)", "vector": "the vector"},
)
