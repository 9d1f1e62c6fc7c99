"""`sampling`: temperature, top-k, and drawing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from elman.checking.reading import UnreadableError, describe
from elman.checking.sandbox.work import call, generator
from elman.checking.worksheets.arithmetic import log_softmax, naive_softmax, sigmoid, softmax
from elman.checking.worksheets.worksheet import Array, Question, Slot, Worksheet, Wrong

HEAT = (
    "temperature-multiplied", "temperature-ignored", "temperature-on-probabilities", "temperature-squared", "temperature-rooted",
    "temperature-one-minus",
)  # fmt: skip
SOFTMAX = (
    "softmax-missing",
    "softmax-twice",
    "sigmoid-for-softmax",
    "sigmoid-for-softmax@normalised",
    "softmax-not-normalised",
    "softmax-of-two",
    "log-for-probability",
)
TEMPERATURE = (*HEAT, *SOFTMAX, "softmax-unstable")
CUT = (
    "top-k-ignored", "top-k-smallest", "top-k-one-less", "top-k-one-more", "top-k-uniform", "top-k-zeros", "top-k-first",
    "top-k-cuts-largest",
    "top-k-without-smallest",
)  # fmt: skip
TOP_K = ("top-k-not-renormalised", "top-k-softmax-again", "top-k-softmax-again@kept", *CUT, *HEAT, *SOFTMAX)
AGAIN = (
    "softmax-twice",
    "softmax-of-two",
    "sigmoid-for-softmax",
    "sigmoid-for-softmax@normalised",
    "top-k-softmax-again",
    "top-k-softmax-again@kept",
)
DRAWING = (
    "sampling-greedy",
    "sampling-uniform",
    "sampling-rank",
    "sampling-rank@ascending",
    "sampling-least-likely",
    "sampling-off-by-one",
    *HEAT,
    *CUT,
    *AGAIN,
)
SYMBOLS = 8
DRAWS = 4000

STATEMENT = """
How a trained model writes: it gives a logit for every symbol, and one symbol is drawn.

    probabilities(logits, temperature, k)     softmax(logits / temperature). If k is not None, only the k most likely symbols keep
                                              their probability, the others get 0, and the rest is made to add up to 1 again.
    sample(logits, temperature, k, rng)       draws a symbol's number with these probabilities; `rng` is a numpy Generator

`logits` is a NumPy array in which no two are equal, k at least 1; arrays, tensors and lists may come back. The logits may be large: the
probabilities must stay finite. `sample` is called thousands of times and its frequencies are counted.
"""

STARTER = """
import numpy as np


def probabilities(logits, temperature=1.0, k=None):
    p = ...
    return p


def sample(logits, temperature, k, rng):
    return ...
"""

SOLUTION = """
import numpy as np


def probabilities(logits, temperature=1.0, k=None):
    z = np.asarray(logits) / temperature
    p = np.exp(z - z.max())
    if k is not None:
        p[np.argsort(p)[:-k]] = 0
    return p / p.sum()


def sample(logits, temperature, k, rng):
    return rng.choice(len(logits), p=probabilities(logits, temperature, k))
"""

EXPLANATION = """
Dividing by a temperature below 1 makes differences of logits larger and the distribution sharper; top-k takes away the tail, where a model
is least reliable. With k = 1 it is greedy: always the same name. Whatever is taken away, the rest has to add up to 1 again.
"""


def heated(logits: Array, temperature: float, wrong: Wrong) -> Array:
    """The logits divided by the temperature."""
    factors = {
        "temperature-multiplied": temperature, "temperature-ignored": 1.0, "temperature-on-probabilities": 1.0,
        "temperature-squared": temperature**-2,
        "temperature-rooted": temperature**-0.5, "temperature-one-minus": 1 - temperature,
    }  # fmt: skip
    return logits * next((f for name, f in factors.items() if name in wrong), 1 / temperature)


def distribution(logits: Array, temperature: float, k: int | None, wrong: Wrong) -> Array:
    """The probabilities, with their mistakes."""
    z = heated(logits, temperature, wrong)
    halves = np.exp2(z - z.max())
    ways = {
        "softmax-unstable": naive_softmax(z), "softmax-missing": z, "softmax-twice": softmax(softmax(z)), "sigmoid-for-softmax": sigmoid(z),
        "sigmoid-for-softmax@normalised": sigmoid(z) / sigmoid(z).sum(), "softmax-not-normalised": np.exp(z),
        "softmax-of-two": halves / halves.sum(),
        "log-for-probability": log_softmax(z),
    }  # fmt: skip
    p = next((v for name, v in ways.items() if name in wrong), softmax(z))
    if "temperature-on-probabilities" in wrong:
        p = p / temperature
    return np.asarray(p) if k is None or "top-k-ignored" in wrong else cut(z, p, k, wrong)


def cut(z: Array, p: Array, k: int, wrong: Wrong) -> Array:
    """The k most likely."""
    many = k - 1 if "top-k-one-less" in wrong else k + 1 if "top-k-one-more" in wrong else k
    many = len(z) - k if "top-k-without-smallest" in wrong else many
    order, places = np.argsort(z), np.arange(len(z))
    kept = np.isin(places, order[:many] if "top-k-smallest" in wrong else order[len(z) - many :])
    if "top-k-cuts-largest" in wrong:
        kept = ~kept
    if "top-k-first" in wrong:
        kept = places < many
    if "top-k-zeros" in wrong:
        return softmax(np.where(kept, z, 0.0))
    if "top-k-uniform" in wrong:
        return np.asarray(kept / many)
    if "top-k-softmax-again" in wrong:
        return softmax(np.where(kept, p, 0.0))
    if "top-k-softmax-again@kept" in wrong:
        return softmax(np.where(kept, p, -np.inf))
    left = np.where(kept, p, 0.0)
    return (
        left
        if wrong & {"top-k-not-renormalised", "log-for-probability", "softmax-not-normalised"}
        else np.asarray(left / left.sum())
    )


def drawn(logits: Array, temperature: float, k: int, wrong: Wrong) -> Array:
    """How often each symbol is expected."""
    p = distribution(logits, temperature, k, wrong)
    if "sampling-greedy" in wrong:
        return np.asarray(np.eye(SYMBOLS)[p.argmax()])
    if "sampling-least-likely" in wrong:
        return distribution(-logits, temperature, k, wrong)
    if "sampling-off-by-one" in wrong:
        return np.roll(p, 1)
    if "sampling-rank" in wrong:
        return np.sort(p)[::-1]
    if "sampling-rank@ascending" in wrong:  # the place among the k, which are sorted from small to large
        return np.concatenate([np.sort(p)[-k:], np.zeros(SYMBOLS - k)])
    return np.full(SYMBOLS, 1 / SYMBOLS) if "sampling-uniform" in wrong else p


def frequencies(values: list[Any]) -> list[Any]:
    """Draws as the share of each symbol."""
    (draws,) = values
    flat = [d.item() if isinstance(d, np.ndarray) and d.size == 1 else d for d in draws]
    strange = next((d for d in flat if not isinstance(d, float) or d not in range(SYMBOLS)), 0.0)
    if strange != 0.0:
        raise UnreadableError(
            f"`sample` should return the number of a symbol, 0 to {SYMBOLS - 1}; this came: {describe(strange)}."
        )
    return [np.bincount(np.array(flat, dtype=np.int64), minlength=SYMBOLS) / len(flat)]


def draw(rng: np.random.Generator) -> list[Question]:
    """Temperatures, top-k, large logits, and drawing."""
    logits = rng.permutation(np.linspace(-2.0, 2.0, SYMBOLS)).round(2) + rng.uniform(-0.2, 0.2, SYMBOLS).round(3)
    huge = logits * 1000
    near = (logits / 2).round(4)  # at which k and temperature change the frequencies by more than chance does

    def asked(name: str, mistakes: tuple[str, ...], z: Array, temperature: float, k: int | None) -> Question:
        def made(wrong: Wrong) -> Array:
            return distribution(z, temperature, k, wrong)

        return question(name, mistakes, [call("probabilities", z, temperature, k)], made)

    return [
        asked("a low temperature", TEMPERATURE, logits, 0.6, None),
        asked("a high temperature", TEMPERATURE, logits, 2.5, None),
        asked("top-k, k = 3", TOP_K, logits, 1.7, 3),
        asked("top-k, k = 1", TOP_K, logits, 0.8, 1),
        asked("logits in the thousands", TEMPERATURE, huge, 0.9, None),
        question(
            "drawing: frequencies of 4,000 draws",
            DRAWING,
            [call("sample", near, 0.5, 3, generator(int(rng.integers(2**31))), times=DRAWS)],
            lambda wrong: drawn(near, 0.5, 3, wrong),
            digest=frequencies,
            margin=0.045,  # more than five standard deviations of a share of 4,000 draws
        ),
    ]


def question(
    name: str, mistakes: tuple[str, ...], actions: list[Any], made: Callable[[Wrong], Array], **more: Any
) -> Question:
    """A question whose answer is a number for each symbol."""
    return Question(name, actions, lambda wrong: {"p": made(wrong)}, mistakes, (Slot(("p",)),), **more)


WORKSHEET = Worksheet(
    name="sampling",
    title="Sampling with temperature and top-k",
    course="practical 9, programming question 2.3",
    statement=STATEMENT,
    starter=STARTER,
    solution=SOLUTION,
    explanation=EXPLANATION,
    draw=draw,
    defines=("probabilities", "sample"),
    labels={"p": "the distribution"},
)
