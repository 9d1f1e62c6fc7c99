"""`bow-or-rnn`: which questions a bag of words can't answer, found by looking for two texts with one bag and two answers."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from elman.checking.reading import keyed, truth
from elman.checking.sandbox.work import call, read
from elman.checking.worksheets.worksheet import Question, Slot, Worksheet, Wrong

ABOUT = {
    "does the text mention the moon": True,
    "who met whom, Anna Ben or Ben Anna": False,
    "is it 'good not bad' or 'bad not good'": False,
    "is a word said more than once": False,
    "is the text about space or about medicine, if each has words of its own": True,
}
SAME = (
    "words-counted", "order-kept", "order-kept@words", "case-kept", "bag-of-characters", "bag-of-characters@counted", "subset-for-same",
    "subset-for-same@second", "subset-for-same@either", "common-word-for-same", "length-for-same", "length-for-same@distinct",
    "answer-inverted",
)  # fmt: skip
TELLS = (
    *SAME, "labels-ignored", "neighbours-only", "first-with-others-only", "first-pair-decides", "first-pair-decides@neighbours",
    "last-pair-decides",
    "same-answers-for-different", "all-pairs-have-to-clash", "answer-inverted@tell",
)  # fmt: skip
ANSWERS = tuple(f"question-misjudged@{question}" for question in ABOUT)
WORDS = ("anna", "ben", "met", "the", "doctor", "saw", "moon", "not", "good", "bad", "rocket", "fever")
ANAGRAMS = (("was", "saw"), ("tar", "rat"), ("night", "thing"), ("listen", "silent"))

STATEMENT = """
What information does a bag of words lack? Two texts with the same words have the same vector, whatever their order and however often
a word occurs (the bag is binary; small and capital letters are the same word; words stand between spaces). A model that sees only the
vector has to give both the same answer. There is no punctuation in the texts, and none counts in the questions below.

    same_bag(first, second)           True if both texts have the same binary bag of words
    can_tell(texts, answers)          the experiment: False if two of the texts have the same bag and different answers, else True.
                                      `answers` are numbers, one for each text; every two texts are compared, however many there are.
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
    text = text if "case-kept" in wrong else text.lower()
    found = list(text.replace(" ", "")) if wrong & {"bag-of-characters", "bag-of-characters@counted"} else text.split()
    if "order-kept@words" in wrong:
        return list(dict.fromkeys(found))
    if "order-kept" in wrong:
        return found
    return sorted(found if wrong & {"words-counted", "bag-of-characters@counted"} else set(found))


def same(first: str, second: str, wrong: Wrong) -> bool:
    """Whether two texts have one bag."""
    one, other = words(first, wrong), words(second, wrong)
    if "subset-for-same" in wrong:
        found = set(one) <= set(other)
    elif "subset-for-same@second" in wrong:
        found = set(one) >= set(other)
    elif "subset-for-same@either" in wrong:
        found = set(one) <= set(other) or set(one) >= set(other)
    elif "common-word-for-same" in wrong:
        found = bool(set(one) & set(other))
    elif "length-for-same" in wrong:
        found = len(first.split()) == len(second.split())
    elif "length-for-same@distinct" in wrong:
        found = len(one) == len(other)
    else:
        found = one == other
    return found != ("answer-inverted" in wrong)


def told(texts: list[str], answers: list[float], wrong: Wrong) -> bool:
    """Whether the bags decide the answers."""
    numbered = list(combinations(range(len(texts)), 2))
    if wrong & {"neighbours-only", "first-pair-decides@neighbours"}:
        numbered = [(n, m) for n, m in numbered if m == n + 1]
    if "first-with-others-only" in wrong:
        numbered = [(n, m) for n, m in numbered if n == 0]
    clashes = []
    for n, m in numbered:
        differ = (answers[n] != answers[m]) != ("same-answers-for-different" in wrong)
        clashes.append(same(texts[n], texts[m], wrong) and (differ or "labels-ignored" in wrong))
    if wrong & {"first-pair-decides", "first-pair-decides@neighbours"}:
        clashes = clashes[:1]
    if "last-pair-decides" in wrong:
        clashes = clashes[-1:]
    clash = all(clashes) if "all-pairs-have-to-clash" in wrong else any(clashes)
    return clash == ("answer-inverted@tell" in wrong)


def truths(values: list[Any]) -> list[Any]:
    """The answers of several calls as one array."""
    return [np.array([truth(v, f"answer {n}") for n, v in enumerate(values, 1)])]


def decided(values: list[Any]) -> list[Any]:
    """`can_answer` as numbers in the order of the questions."""
    given = keyed(values[0], tuple(ABOUT), "`can_answer` should be a dict with the starter's questions")
    return [{q: truth(v, f"the answer to {q!r}") for q, v in given.items()}]


def draw(rng: np.random.Generator) -> list[Question]:
    """Pairs of texts, small collections with answers, and the choice."""
    a, b, c, d, e = rng.choice(WORDS, size=5, replace=False).tolist()
    p, q = rng.permutation(ANAGRAMS[rng.integers(len(ANAGRAMS))]).tolist()
    pairs = [
        (f"{a} {b} {c}", f"{c} {b} {a}"), (f"{a} {b}", f"{a} {b} {a}"), (f"{a} {b}", f"{a} {c}"), (f"{a.upper()} {b}", f"{b} {a}"),
        (f"{a} {b} {c}", f"{a} {b} {c} {d}"), (f"{a} {b} {c} {d}", f"{b} {c} {d}"), (f"{a} {d}", f"{a} {d}"), (f"{p} {a}", f"{a} {q}"),
        (f"{a} {p}", f"{a} {q}"), (f"{a} {a} {b}", f"{a} {b} {b}"), (f"{a} {b}", f"{c} {d}"), (f"{c} {d} {c} {e}", f"{e} {d} {c}"),
        (f"{a} {b.capitalize()} {c}", f"{a} {b} {c}"), (f"{a} {b}", f"{a} {b} {b}"),
    ]  # fmt: skip
    swapped, other = [f"{a} {b} {c}", f"{c} {b} {a}"], [f"{a} {d}", f"{b} {e}", f"{c} {e} {d}"]
    sets: list[tuple[list[str], list[int]]] = [
        ([*swapped, other[0]], [0, 1, 1]), ([f"{a} {b}", f"{b} {a}", f"{c} {d}"], [1, 1, 0]), ([f"{a} {b}", f"{a} {b} {b}"], [0, 1]),
        ([f"{a} {b}", f"{c} {d}", f"{a} {d}"], [0, 1, 1]),
        ([swapped[0], other[0], swapped[1]], [0, 1, 1]),  # the clash is between the first and the last
        ([other[0], *swapped], [1, 0, 1]),  # between the last two
        ([other[0], swapped[0], other[1], swapped[1]], [1, 0, 1, 1]),  # neither first nor neighbours
        ([other[0], swapped[0], other[1], swapped[1], other[2]], [0, 2, 1, 3, 0]),
        ([*other, other[0]], [0, 1, 1, 0]), ([f"{a} {p}", f"{q} {a}"], [0, 1]), ([f"{a} {p}", f"{b} {c}", f"{a} {q}"], [1, 0, 0]),
        ([f"{a} {b}", f"{a} {b} {c}", f"{d} {e}"], [0, 1, 2]), ([f"{a} {b} {c}", f"{d} {e}", f"{a} {b}"], [0, 1, 2]),
        ([f"{a} {b}", f"{b.upper()} {a}"], [0, 1]), ([f"{a} {b}", f"{a} {b}", f"{b} {a}"], [1, 1, 0]), ([f"{a} {b} {b}",
            f"{b} {a} {a}"], [0, 1]),
        ([f"{a} {b}", f"{b} {a}"], [1, 1]),
    ]  # fmt: skip
    pair_order, set_order = rng.permutation(len(pairs)), rng.permutation(len(sets))
    pairs, sets = [pairs[n] for n in pair_order], [sets[n] for n in set_order]
    return [
        Question(
            f"{len(pairs)} pairs of texts",
            [call("same_bag", *pair) for pair in pairs],
            lambda w: {"same": np.array([float(same(x, y, w)) for x, y in pairs])},
            SAME,
            (Slot(("same",)),),
            digest=truths,
        ),
        Question(
            f"{len(sets)} collections of texts with answers",
            [call("can_tell", *one) for one in sets],
            lambda w: {"told": np.array([float(told(t, [float(x) for x in answers], w)) for t, answers in sets])},
            TELLS,
            (Slot(("told",)),),
            digest=truths,
        ),
        Question(
            "what a bag of words can answer",
            [read("can_answer")],
            lambda w: {q: np.array(float(v != (f"question-misjudged@{q}" in w))) for q, v in ABOUT.items()},
            ANSWERS,
            (Slot(tuple(ABOUT)),),
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
        **{question: f"the answer to {question!r} (1 is True)" for question in ABOUT},
    },
)
