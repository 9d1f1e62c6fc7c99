"""The sampling loop against models whose every answer is known."""

from __future__ import annotations

import math
from collections import Counter
from itertools import accumulate, pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from markov import ABC, RUNNING, Markov, chain, generator, wide

from elman.data import Vocabulary
from elman.errors import InputError, NonFiniteError
from elman.generation import filter_logits, sample
from elman.generation.sampling import draw


def test_a_line_begins_at_the_boundary_and_ends_there() -> None:
    model = chain((0, 1), (1, 2), (2, 3), (3, 0))
    assert sample(model, ABC, count=2, length=50, generator=generator()) == ["abc", "abc"]
    assert model.read == [[0, 0], [1, 1], [2, 2], [3, 3]]


def test_the_prompt_is_read_after_the_boundary_and_is_part_of_the_text() -> None:
    model = chain((3, 2), (2, 0))
    assert sample(model, ABC, prompt="ac", length=50, generator=generator()) == ["acb"]
    assert model.read == [[0], [1], [3], [2]]


def test_length_counts_what_comes_after_the_prompt() -> None:
    model = chain((1, 1))
    assert sample(model, ABC, prompt="aa", length=3, generator=generator()) == ["aaaaa"]


def test_a_line_that_has_ended_keeps_its_text_while_others_go_on() -> None:
    table = torch.full((4, 4), -math.inf)
    table[0, 1] = 0.0
    table[1, 0] = table[1, 1] = 0.0  # after an a: the end or another a, at even chances
    texts = sample(Markov(table), ABC, count=200, length=30, generator=generator())
    assert all(set(text) == {"a"} for text in texts)
    lengths = Counter(map(len, texts))
    assert len(lengths) > 4
    assert 70 < lengths[1] < 130  # half of them: 100 with a standard deviation of 7


def test_generation_ends_when_all_lines_have_ended() -> None:
    model = chain((0, 1), (1, 0))
    sample(model, ABC, count=3, length=1_000_000, generator=generator())
    assert len(model.read) <= 3


def test_running_text_has_no_end_and_begins_after_a_line_end() -> None:
    model = chain((0, 1), (1, 2), (2, 0))
    assert sample(model, RUNNING, length=7, generator=generator()) == ["ab\nab\na"]
    assert model.read[0] == [0]


def test_running_text_without_line_ends_begins_after_the_first_symbol() -> None:
    vocabulary = Vocabulary("characters", tuple("xyz"), has_boundary=False)
    model = chain((0, 2), (2, 1), (1, 0), symbols=3)
    assert sample(model, vocabulary, length=3, generator=generator()) == ["zyx"]


def test_running_text_begins_with_its_prompt() -> None:
    model = chain((2, 3), (3, 3))
    assert sample(model, RUNNING, prompt="ab", length=2, generator=generator()) == ["abcc"]
    assert model.read[0] == [1]


def test_bytes_of_one_character_come_out_as_it() -> None:
    vocabulary = Vocabulary("bytes", tuple(f"{byte:02x}" for byte in range(256)), has_boundary=False)
    model = chain((0xC3, 0xA9), (0xA9, 0xC3), symbols=256)
    assert sample(model, vocabulary, prompt="é", length=4, generator=generator()) == ["ééé"]


WORDS = Vocabulary("words", ("<unknown>", "a", "dog", "\n"), has_boundary=False)


def test_the_unknown_word_is_never_drawn() -> None:
    table = torch.zeros(4, 4)
    table[:, 0] = 10.0
    texts = sample(Markov(table), WORDS, count=20, length=20, generator=generator())
    assert not any("unknown" in text for text in texts)
    assert {"a", "dog"} == set(" ".join(texts).split())


@pytest.mark.parametrize(
    ("vocabulary", "prompt", "message"),
    [
        (ABC, "abxa?", r"no 'x' \(character 3\), '\?' \(character 5\)"),
        (WORDS, "a cat", "vocabulary does not have: 'cat'"),
    ],
)
def test_a_prompt_with_an_unknown_symbol_names_it(vocabulary: Vocabulary, prompt: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        sample(wide(), vocabulary, prompt=prompt, generator=generator())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"length": 0}, "length is 1 or more; got 0"),
        ({"count": 0}, "count is 1 or more; got 0"),
        ({"count": -3}, "count is 1 or more; got -3"),
        ({"top_k": 5}, "top_k is between 1 and the 4 symbols"),
        ({"temperature": -1.0}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
    ],
)
def test_values_out_of_range_are_told_before_the_model_runs(values: dict[str, float], message: str) -> None:
    model = wide()
    with pytest.raises(InputError, match=message):
        sample(model, ABC, generator=generator(), **values)  # type: ignore[arg-type]
    assert not model.read


def test_nan_from_the_model_is_shown() -> None:
    with pytest.raises(NonFiniteError):
        sample(Markov(torch.full((4, 4), math.nan)), ABC, generator=generator())


@given(st.integers(0, 2**32), st.integers(1, 6), st.sampled_from([None, 1, 2, 4]), st.sampled_from([None, 0.3, 0.9]))
def test_the_same_generator_gives_the_same_texts(seed: int, count: int, top_k: int | None, top_p: float | None) -> None:
    def texts() -> list[str]:
        return sample(wide(), ABC, count=count, length=12, top_k=top_k, top_p=top_p, generator=generator(seed))

    assert texts() == texts()


def test_what_is_drawn_does_not_depend_on_the_length_or_on_when_others_end() -> None:
    short, longer = (sample(wide(), ABC, count=50, length=length, generator=generator(7)) for length in (5, 60))
    assert all(b.startswith(a) for a, b in zip(short, longer, strict=True))
    assert len(set(longer)) > 10


def test_other_seeds_and_other_rows_give_other_texts() -> None:
    texts = {seed: sample(wide(), RUNNING, count=5, length=40, generator=generator(seed)) for seed in (1, 2)}
    assert len({*texts[1], *texts[2]}) == 10


def test_the_global_generator_is_left_alone() -> None:
    before = torch.get_rng_state()
    sample(wide(), ABC, count=3, generator=generator())
    assert torch.equal(before, torch.get_rng_state())


def test_anyone_who_draws_the_same_numbers_gets_the_same_texts() -> None:
    """What the docstring promises to another engine, done by hand in plain Python."""
    count, length = 4, 15
    drawn, table = generator(7), wide().table.tolist()
    tokens, texts, running = [0] * count, [""] * count, [True] * count
    for _ in range(length):
        u = torch.rand(count, 1, generator=drawn, dtype=torch.float64)[:, 0].tolist()
        for row in range(count):
            p = filter_logits(torch.tensor([table[tokens[row]]]), 0.8, 3, 0.95)[0].tolist()
            token = next(k for k, cumulative in enumerate(accumulate(p)) if cumulative > u[row] * sum(p))
            tokens[row] = token
            running[row] = running[row] and token != 0
            texts[row] += ABC.symbols[token] if running[row] else ""
        if not any(running):
            break
    options = {"temperature": 0.8, "top_k": 3, "top_p": 0.95}
    assert sample(wide(), ABC, count=count, length=length, generator=generator(7), **options) == texts  # type: ignore[arg-type]


def test_draws_come_as_often_as_their_probabilities() -> None:
    p = torch.tensor([0.5, 0.0, 0.3, 0.2, 0.0], dtype=torch.float64)
    n = 100_000
    counts = torch.bincount(draw(p.expand(n, -1), generator()), minlength=5)
    assert counts[1] == counts[4] == 0
    deviation = (n * p * (1 - p)).sqrt()
    assert bool(((counts - n * p).abs() <= 5 * deviation).all()), counts


def test_a_number_on_the_border_between_two_symbols_draws_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.tensor([[0.0], [0.25], [0.5]], dtype=torch.float64))
    p = torch.tensor([0.0, 0.25, 0.25, 0.5], dtype=torch.float64)
    assert draw(p.expand(3, -1), generator()).tolist() == [1, 2, 3]


def test_pairs_in_a_text_come_as_often_as_the_model_says() -> None:
    model = wide(5)
    (text,) = sample(model, RUNNING, length=20_000, generator=generator(2))
    pairs = Counter(pairwise(RUNNING.encode(text)))
    expected = torch.softmax(model.table.double(), -1)
    for before in range(4):
        n = sum(count for (first, _), count in pairs.items() if first == before)
        for after in range(4):
            p = float(expected[before, after])
            assert abs(pairs[before, after] - n * p) <= 5 * math.sqrt(n * p * (1 - p)) + 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6).filter(lambda row: sum(row) > 0.1), st.integers(0, 2**32))
def test_what_has_no_probability_is_never_drawn(row: list[float], seed: int) -> None:
    p = torch.tensor([row], dtype=torch.float64)
    token = draw((p / p.sum()).expand(50, -1), generator(seed))
    assert bool((p[0][token] > 0).all())
