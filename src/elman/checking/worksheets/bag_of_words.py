"""`bag-of-words`: vocabulary and binary encoding."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe
from elman.checking.sandbox.work import call
from elman.checking.worksheets.worksheet import Array, Question, Slot, Worksheet, Wrong

WORDS = (
    "orbit", "cipher", "doctor", "circuit", "rocket", "key", "patient", "voltage", "moon", "secret", "fever", "diode",
)  # fmt: skip
VOCABULARY = ("vocabulary-not-sorted", "vocabulary-with-repeats", "case-kept")
ENCODING = ("words-counted", "words-normalised", "case-kept", "unknown-word-last")
MOST = 60

STATEMENT = """
A binary bag of words maps every word to a dimension; a text becomes a vector with a 1 for each of its words and 0 elsewhere.

    vocabulary(texts)           every word of the texts once, as a sorted list. Words are what stands between spaces, in small letters.
    encode(text, vocabulary)    the vector of a text, as long as the vocabulary. A word that is not in it has no dimension.

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
    found = [word for text in texts for word in (text if "case-kept" in wrong else text.lower()).split()]
    if "vocabulary-with-repeats" not in wrong:
        found = list(dict.fromkeys(found))
    return found if "vocabulary-not-sorted" in wrong else sorted(found)


def vector(text: str, vocabulary: list[str], wrong: Wrong) -> Array:
    """The encoding."""
    words = (text if "case-kept" in wrong else text.lower()).split()
    counts = np.array([float(words.count(word)) for word in vocabulary])
    if "unknown-word-last" in wrong and any(word not in vocabulary for word in words):
        counts[-1] += sum(word not in vocabulary for word in words)
    if "words-normalised" in wrong:
        return np.asarray((counts if "words-counted" in wrong else np.minimum(counts, 1)) / len(words))
    return counts if "words-counted" in wrong else np.minimum(counts, 1)


def as_numbers(words: list[str]) -> Array:
    """Words as numbers that stand for them, behind them -1: a list of another length is still comparable."""
    known = [w for word in WORDS for w in (word, word.capitalize())]
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
    """A vocabulary, and texts with repeated, capital and unknown words."""

    def text(words: list[str], count: int) -> str:
        first, *others = rng.permutation(words).tolist()
        chosen = rng.choice(others, size=count).tolist()
        return " ".join([first.capitalize(), *chosen, chosen[0]])

    words = rng.permutation(WORDS).tolist()
    known, unknown = words[:8], words[8:]
    texts = [text(known, 5) for _ in range(4)]
    vocabulary = sorted(known)
    plain, strange = text(known, 6), f"{text([w for w in known if w != vocabulary[-1]], 4)} {unknown[0]}"
    return [
        Question(
            "the vocabulary of four texts", [call("vocabulary", texts)],
            lambda wrong: {"vocabulary": as_numbers(words_of(texts, wrong))}, VOCABULARY, (Slot(("vocabulary",)),), digest=listed,
        ),
        encoded("a text with repeated words", plain, vocabulary),
        encoded("a text with a word that is not in the vocabulary", strange, vocabulary),
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
