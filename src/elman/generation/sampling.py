"""Draw text from a model, many pieces at once, one symbol after the other."""

from __future__ import annotations

from collections.abc import Callable

import torch

from elman.data import Vocabulary
from elman.errors import InputError
from elman.models.drawing import check_filters
from elman.models.drawing import draw as draw
from elman.models.language_stream import LanguageStream
from elman.models.stepped_stream import StepFunction, SteppedStream


def sample(
    model: StepFunction | LanguageStream,
    vocabulary: Vocabulary,
    *,
    prompt: str = "",
    count: int = 1,
    length: int = 100,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    generator: torch.Generator,
    progress: Callable[[int], None] | None = None,
) -> list[str]:
    """Generate `count` texts, each the prompt and up to `length` symbols more, from a stream of `count` or from a step function.

    A text of a model of lines ends where the boundary symbol is drawn. At each step one u, uniform in [0, 1), is drawn for every text,
    ended or not; its symbol is the first whose cumulative probability exceeds u. So whatever computes the probabilities, the same
    generator gives the same texts. Where a vocabulary of words has one for unknown words, it is never drawn. `progress` is told from
    time to time how many symbols each text has so far.

    Raises:
        InputError: a value out of range, a prompt with a symbol that the vocabulary does not have, a stream of another count.
        NonFiniteError: the model's logits are NaN or infinite.
    """
    check_filters(temperature, top_k, top_p, vocabulary.size)
    for name, value in (("count", count), ("length", length)):
        if not isinstance(value, int) or value < 1:
            raise InputError(f"{name} is 1 or more; got {value}")
    read, shown = _beginning(vocabulary, prompt)
    stream = model if isinstance(model, LanguageStream) else SteppedStream(model, count)
    if stream.count != count:
        raise InputError(f"a stream of {stream.count} texts can't give {count}")
    stream.reset()
    stream.read(torch.tensor([read]).expand(count, -1))
    stop = Vocabulary.BOUNDARY if vocabulary.has_boundary else None
    pieces, made = [], 0
    for piece in stream.generating(
        length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        generator=generator,
        stop=stop,
        never=vocabulary.unknown,
    ):
        pieces.append(piece)
        made += piece.shape[1]
        if progress is not None:
            progress(made)
    return [vocabulary.decode([*shown, *_until(stop, tokens)]) for tokens in torch.cat(pieces, 1).tolist()]


def _until(stop: int | None, tokens: list[int]) -> list[int]:
    return tokens[: tokens.index(stop)] if stop in tokens else tokens


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
