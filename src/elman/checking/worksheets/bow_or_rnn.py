"""`bow-or-rnn`: which questions a bag of words can't answer, found by looking for two texts with one bag and two answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe
from elman.checking.sandbox.work import call, read
from elman.checking.worksheets.worksheet import Question, Slot, Worksheet, Wrong

ABOUT = {
    "does the text mention the moon": True,
    "who met whom, Anna Ben or Ben Anna": False,
    "is it 'good, not bad' or 'bad, not good'": False,
    "is a word said more than once": False,
    "is the text about space or about medicine, if each has words of its own": True,
}
SAME = ("words-counted", "order-kept", "case-kept")
TELLS = ("words-counted", "order-kept", "labels-ignored")
WORDS = ("anna", "ben", "met", "the", "doctor", "saw", "moon", "not", "good", "bad", "rocket", "fever")

STATEMENT = """
What information does a bag of words lack? Two texts with the same words have the same vector, whatever their order and however often
a word occurs (the bag is binary; small and capital letters are the same word; words stand between spaces). A model that sees only the
vector has to give both the same answer.

    same_bag(first, second)           True if both texts have the same binary bag of words
    can_tell(texts, answers)          the experiment: False if two of the texts have the same bag and different answers, else True.
                                      `answers` are numbers, one for each text.
    can_answer                        a dict: for each question True if a binary bag of words is enough for it. Write for each question two
                                      or three texts with their answers, and let `can_tell` decide.
"""

STARTER = (
    """
def same_bag(first, second):
    return ...


def can_tell(texts, answers):
    return ...


can_answer = {
"""
    + "".join(f'    "{question}": ...,\n' for question in ABOUT)
    + "}\n"
)

SOLUTION = (
    """
def same_bag(first, second):
    return set(first.lower().split()) == set(second.lower().split())


def can_tell(texts, answers):
    pairs = list(zip(texts, answers))
    return not any(same_bag(a, b) and x != y for a, x in pairs for b, y in pairs)


can_answer = {
"""
    + "".join(f'    "{question}": {answer},\n' for question, answer in ABOUT.items())
    + "}\n"
)

EXPLANATION = """
A bag of words knows which words are there, so topics are easy for it. It knows neither order (who met whom, what "not" belongs to) nor,
being binary, number. A recurrent network reads the words one after the other, and its state can hold all of that. Whether order
matters for a task can be measured: `elman evaluate RUN --shuffle-words`.
"""


def words(text: str, wrong: Wrong) -> list[str]:
    """What is compared."""
    found = (text if "case-kept" in wrong else text.lower()).split()
    if "order-kept" in wrong:
        return found
    return sorted(found if "words-counted" in wrong else set(found))


def told(texts: list[str], answers: list[float], wrong: Wrong) -> bool:
    """Whether the bags decide the answers."""
    if "labels-ignored" in wrong:
        bags = [tuple(words(t, wrong)) for t in texts]
        return len(set(bags)) == len(bags)
    pairs = list(zip(texts, answers, strict=True))
    return not any(words(a, wrong) == words(b, wrong) and x != y for a, x in pairs for b, y in pairs)


def truth(value: Any, where: str) -> float:
    """True or False as 1 or 0."""
    number = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    if number not in (0.0, 1.0):
        raise UnreadableError(f"{where} should be True or False; it is {describe(value)}.")
    return float(number)


def truths(values: list[Any]) -> list[Any]:
    """The answers of several calls as one array."""
    return [np.array([truth(v, f"answer {n}") for n, v in enumerate(values, 1)])]


def decided(values: list[Any]) -> list[Any]:
    """`can_answer` as numbers in the order of the questions."""
    (value,) = values
    if not isinstance(value, dict) or set(value) != set(ABOUT):
        raise UnreadableError(
            f"`can_answer` should be a dict with the starter's {len(ABOUT)} questions; it is {describe(value)}."
        )
    return [np.array([truth(value[q], f"the answer to {q!r}") for q in ABOUT])]


def draw(rng: np.random.Generator) -> list[Question]:
    """Pairs of texts, small collections with answers, and the choice."""
    a, b, c, d = rng.choice(WORDS, size=4, replace=False).tolist()
    pairs = [
        (f"{a} {b} {c}", f"{c} {b} {a}"), (f"{a} {b}", f"{a} {b} {a}"), (f"{a} {b}", f"{a} {c}"), (f"{a.upper()} {b}", f"{b} {a}"),
        (f"{a} {b} {c}", f"{a} {b} {c} {d}"), (f"{a} {d}", f"{a} {d}"),
    ]  # fmt: skip
    sets = [
        ([f"{a} {b} {c}", f"{c} {b} {a}", f"{d} {a}"], [0, 1, 1]), ([f"{a} {b}", f"{b} {a}", f"{c} {d}"], [1, 1, 0]),
        ([f"{a} {b}", f"{a} {b} {b}"], [0, 1]), ([f"{a} {b}", f"{c} {d}", f"{a} {d}"], [0, 1, 1]),
    ]  # fmt: skip
    pair_order, set_order = rng.permutation(len(pairs)), rng.permutation(len(sets))
    pairs, sets = [pairs[n] for n in pair_order], [sets[n] for n in set_order]
    return [
        Question(
            "six pairs of texts",
            [call("same_bag", *pair) for pair in pairs],
            lambda w: {"same": np.array([float(words(x, w) == words(y, w)) for x, y in pairs])},
            SAME,
            (Slot(("same",)),),
            digest=truths,
        ),
        Question(
            "four collections of texts with answers",
            [call("can_tell", *one) for one in sets],
            lambda w: {"told": np.array([float(told(t, [float(x) for x in answers], w)) for t, answers in sets])},
            TELLS,
            (Slot(("told",)),),
            digest=truths,
        ),
        Question(
            "what a bag of words can answer",
            [read("can_answer")],
            lambda _: {"answers": np.array([float(v) for v in ABOUT.values()])},
            (),
            (Slot(("answers",)),),
            digest=decided,
        ),
    ]


WORKSHEET = Worksheet(
    name="bow-or-rnn",
    title="What a bag of words can't answer",
    course="assignment 4, additional question 1",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("same_bag", "can_tell", "can_answer"),
    labels={
        "same": "the list of answers (1 is True)",
        "told": "the list of answers (1 is True)",
        "answers": "the dict (1 is True)",
    },
)
