"""Draw text from a model, many pieces at once, one symbol after the other."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor

from elman.data import Vocabulary
from elman.errors import InputError
from elman.generation.filters import check_filters, filter_logits


class StepFunction(Protocol):
    """One step of a model for B texts: tokens [B] and a state (None at the start) to logits [B, V] and the new state."""

    def __call__(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]: ...  # noqa: D102


def sample(
    step: StepFunction,
    vocabulary: Vocabulary,
    *,
    prompt: str = "",
    count: int = 1,
    length: int = 100,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator,
) -> list[str]:
    """Generate `count` texts, each the prompt and up to `length` symbols more.

    A text of a model of lines ends where the boundary symbol is drawn. At each step one u, uniform in [0, 1), is drawn for every text,
    ended or not; its symbol is the first whose cumulative probability exceeds u. So whatever computes the probabilities, the same
    generator gives the same texts. Where a vocabulary of words has one for unknown words, it is never drawn.

    Raises:
        InputError: a value out of range, or a prompt with a symbol that the vocabulary does not have.
        NonFiniteError: the model's logits are NaN or infinite.
    """
    check_filters(temperature, top_k, top_p, vocabulary.size)
    for name, value in (("count", count), ("length", length)):
        if value < 1:
            raise InputError(f"{name} is 1 or more; got {value}")
    read, shown = _beginning(vocabulary, prompt)
    logits, state = torch.empty(0), None
    for token in read:
        logits, state = step(torch.full((count,), token), state)
    drawn: list[list[int]] = [list(shown) for _ in range(count)]
    running = [True] * count
    for _ in range(length):
        if vocabulary.unknown is not None:
            logits = logits.index_fill(-1, torch.tensor([vocabulary.unknown]), -torch.inf)
        tokens = draw(filter_logits(logits, temperature, top_k, top_p), generator)
        for text, token in enumerate(tokens.tolist()):
            running[text] = running[text] and not (vocabulary.has_boundary and token == Vocabulary.BOUNDARY)
            if running[text]:
                drawn[text].append(token)
        if not any(running):
            break
        logits, state = step(tokens, state)
    return [vocabulary.decode(tokens) for tokens in drawn]


def draw(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """One symbol for each row of probabilities [B, V]: the first whose cumulative sum exceeds a uniform number."""
    u = torch.rand(probabilities.shape[0], 1, generator=generator, dtype=torch.float64)
    cumulative = probabilities.cumsum(-1)
    # Sums end a rounding error away from 1: compare with what is really there, and never pass the last possible symbol.
    return (
        torch.searchsorted(cumulative, u * cumulative[:, -1:], right=True)
        .squeeze(-1)
        .clamp(max=probabilities.shape[-1] - 1)
    )


def _beginning(vocabulary: Vocabulary, prompt: str) -> tuple[list[int], list[int]]:
    """What the model reads first, and what of it belongs to the text."""
    tokens = vocabulary.encode(prompt)
    if unknown := vocabulary.unknown_in(prompt):  # only words come so far: `encode` complains of other units
        raise InputError(f"the prompt has words that the vocabulary does not have: {', '.join(map(repr, unknown))}")
    if vocabulary.has_boundary:
        return [Vocabulary.BOUNDARY, *tokens], tokens
    if tokens:
        return tokens, tokens
    # Running text has no symbol for "nothing yet": the end of a line is the best place to begin, else the first symbol.
    return [0] if vocabulary.unknown_in("\n") else vocabulary.encode("\n"), []
