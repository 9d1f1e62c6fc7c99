"""`load(...).sample`: every argument, against a sampler written a second time in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tiny_run import KINDS, log_probabilities, parts_of

from elman.data import Vocabulary
from elman.errors import InputError
from elman.randomness import named_generator
from elman.runs import Model

Get = Callable[[str], Any]


def kept(logp: np.ndarray, temperature: float, top_k: int | None, top_p: float | None) -> np.ndarray:
    """Probabilities after temperature, top-k and top-p, in the plainest way."""
    p = np.exp(logp / temperature - (logp / temperature).max())
    p /= p.sum()
    order = sorted(range(len(p)), key=lambda k: (-p[k], k))
    keep = order if top_k is None else order[:top_k]
    p = np.array([p[k] if k in keep else 0.0 for k in range(len(p))])
    p /= p.sum()
    if top_p is not None:
        nucleus, reached = [], 0.0
        for k in keep:
            nucleus.append(k)
            reached += p[k]
            if reached >= top_p:
                break
        p = np.array([p[k] if k in nucleus else 0.0 for k in range(len(p))])
        p /= p.sum()
    return p


def by_hand(
    model: Model, seed: int, prompt: str, length: int, temperature: float, top_k: int | None, top_p: float | None
) -> str:
    """One sample: a uniform number a step, and the first symbol whose cumulative probability exceeds it."""
    generator = named_generator(seed, "sampling")
    boundary = model.vocabulary.has_boundary
    tokens = ([Vocabulary.BOUNDARY] if boundary else []) + model.vocabulary.encode(prompt)
    start = len(tokens)
    for _ in range(length):
        p = kept(log_probabilities(model, tokens)[-1].numpy(), temperature, top_k, top_p)
        u = torch.rand(1, 1, generator=generator, dtype=torch.float64).item()
        token = int(np.searchsorted(np.cumsum(p), u * np.cumsum(p)[-1], side="right"))
        if boundary and token == Vocabulary.BOUNDARY:
            break
        tokens.append(token)
    shown = model.vocabulary.encode(prompt) + tokens[start:]
    return model.vocabulary.decode(shown)


ARGUMENTS = [
    {},
    {"temperature": 0.5},
    {"temperature": 3.0},
    {"top_k": 1},
    {"top_k": 4},
    {"top_p": 0.3},
    {"top_p": 1.0},
    {"top_k": 6, "top_p": 0.7, "temperature": 1.7},
    {"length": 1},
]


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=str)
@pytest.mark.parametrize("kind", ["lines", "text", "line bytes", "text words"])
def test_samples_are_those_of_the_plain_sampler(kind: str, arguments: dict[str, Any], trained: Get) -> None:
    model = trained(kind).model
    prompt = {"lines": "Al", "line bytes": "Al", "text": "Amato w", "text words": "Amato"}[kind]
    full = {"length": 10, "temperature": 1.0, "top_k": None, "top_p": None, **arguments}
    for seed in (1, 2, 3):
        assert model.sample(prompt, seed=seed, **{"length": 10, **arguments}) == by_hand(model, seed, prompt, **full)


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_is_the_argmax(kind: str, trained: Get) -> None:
    done = trained(kind)
    model, vocabulary = done.model, done.model.vocabulary
    category = "Greek" if model.categories else None
    told = model.categories.index(category) if category else None
    part = parts_of(done.recipe).train
    first = (part.lines or (part.text,))[0]
    prompt = first[:6].split()[0]
    if vocabulary.unknown is not None:
        prompt = vocabulary.symbols[3]
    tokens = ([Vocabulary.BOUNDARY] if vocabulary.has_boundary else []) + vocabulary.encode(prompt)
    before = len(tokens)
    for _ in range(15):
        logp = log_probabilities(model, tokens, told)[-1]
        if vocabulary.unknown is not None:
            logp[vocabulary.unknown] = -torch.inf  # is never drawn: nobody can read it
        best = int(logp.argmax())
        if vocabulary.has_boundary and best == Vocabulary.BOUNDARY:
            break
        tokens.append(best)
    expected = vocabulary.decode(vocabulary.encode(prompt) + tokens[before:])
    for arguments in (
        {"temperature": 0},
        {"top_k": 1},
        {"top_k": 1, "temperature": 2.0},
        {"top_p": 1e-9},
        {"temperature": 1e-9},
    ):
        for seed in (1, 2, None):
            assert model.sample(prompt, length=15, seed=seed, category=category, **arguments) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_says_the_same(kind: str, trained: Get) -> None:
    model = trained(kind).model
    first = model.sample(seed=5, count=20, length=20)
    assert model.sample(seed=5, count=20, length=20) == first
    assert model.sample(seed=6, count=20, length=20) != first
    torch.manual_seed(1)
    assert model.sample(seed=5, count=20, length=20) == first
    assert len(set(first)) > 10


@pytest.mark.parametrize("kind", ["lines", "categories", "text"])
def test_without_a_seed_each_is_another(kind: str, trained: Get) -> None:
    model = trained(kind).model
    assert model.sample(count=20, length=20) != model.sample(count=20, length=20)


@pytest.mark.parametrize("seed", [None, 1])
def test_the_global_generator_is_left_alone(seed: int | None, trained: Get) -> None:
    """Whoever samples in the middle of an experiment of their own keeps their random numbers."""
    model = trained("lines").model
    torch.manual_seed(3)
    before = torch.get_rng_state()
    model.sample(seed=seed)
    assert torch.equal(before, torch.get_rng_state())


def test_one_is_a_text_and_many_are_a_list(trained: Get) -> None:
    model = trained("lines").model
    one = model.sample(seed=1)
    assert isinstance(one, str)
    assert model.sample(seed=1, count=1) == [one]
    assert len(model.sample(seed=1, count=7)) == 7


@pytest.mark.parametrize("kind", KINDS)
def test_length_counts_what_is_new(kind: str, trained: Get) -> None:
    model = trained(kind).model
    encode = model.vocabulary.encode
    for length in (1, 2, 5):
        texts = model.sample(seed=1, count=30, length=length, temperature=2.0)
        if "bytes" not in kind:
            assert all(len(encode(text)) <= length for text in texts)
        if kind == "text":
            assert {len(text) for text in texts} == {length}
    assert all("\n" not in text for text in trained("lines").model.sample(seed=1, count=50))


def test_a_prompt_begins_the_text_and_decides_what_follows(trained: Get) -> None:
    model = trained("text").model
    assert all(text.startswith("Amato wrote") for text in model.sample("Amato wrote", seed=1, count=5, length=20))
    greedy = {
        model.sample(prompt, temperature=0, length=8).removeprefix(prompt)
        for prompt in ("A", "Am", ", and ", "\n", "w")
    }
    assert len(greedy) > 1
    assert model.sample("", seed=1, length=9) != ""


@pytest.mark.parametrize(
    ("kind", "prompt"),
    [
        ("lines", "Ža"),
        ("categories", "Q漢"),
        ("text", "Am~to"),
        ("text words", "Zanzibar wrote"),
        ("text words unknown", "Zanzibar wrote"),
    ],
)
def test_a_prompt_with_unknown_symbols_names_them(kind: str, prompt: str, trained: Get) -> None:
    model = trained(kind).model
    with pytest.raises(InputError) as caught:
        model.sample(prompt, category="Greek" if model.categories else None)
    unknown = next(iter(model.vocabulary.unknown_in(prompt)))
    assert repr(unknown) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_any_prompt_is_bytes(trained: Get) -> None:
    assert trained("line bytes").model.sample("漢", seed=1).startswith("漢")


def test_categories(trained: Get) -> None:
    model = trained("categories").model
    assert model.categories == ("Greek", "Italian", "Russian")
    told = {c: model.sample(seed=2, count=10, category=c, temperature=0.7) for c in model.categories}
    assert len({tuple(texts) for texts in told.values()}) == 3
    assert told["Greek"] == model.sample(seed=2, count=10, category="Greek", temperature=0.7)
    assert len(model.sample(seed=2, count=10)) == 10
    with pytest.raises(InputError, match="Greek, Italian, Russian"):
        model.sample(category="Klingon")
    with pytest.raises(InputError, match="Greek"):
        model.sample(category="greek")
    with pytest.raises(InputError, match="categories"):
        trained("lines").model.sample(category="Greek")
    with pytest.raises(InputError, match="categories"):
        trained("text").model.sample(category="Greek")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": -1}, "top_k"),
        ({"top_k": 10**6}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": -0.5}, "top_p"),
        ({"top_p": 1.5}, "top_p"),
        ({"top_p": float("nan")}, "top_p"),
        ({"length": 0}, "length"),
        ({"length": -3}, "length"),
        ({"count": 0}, "count"),
        ({"count": -1}, "count"),
        ({"top_k": 2.5}, "top_k"),
        ({"top_k": "three"}, "top_k"),
        ({"temperature": "hot"}, "temperature"),
        ({"count": 2.5}, "count"),
        ({"length": "long"}, "length"),
        ({"prompt": 5}, "prompt"),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["lines", "categories"])
def test_what_is_out_of_range_is_said(kind: str, arguments: dict[str, Any], says: str, trained: Get) -> None:
    """The name of the argument and what it should be; for a wrong type, a `TypeError` will do."""
    wrong_type = isinstance(next(iter(arguments.values())), str) or arguments in (
        {"top_k": 2.5},
        {"count": 2.5},
        {"prompt": 5},
    )
    with pytest.raises((InputError, TypeError) if wrong_type else InputError) as caught:
        trained(kind).model.sample(**arguments)
    if not wrong_type:
        assert says in str(caught.value)


def test_predict_says_what_to_use_instead(trained: Get) -> None:
    with pytest.raises(InputError, match="sample"):
        trained("lines").model.predict("x")
