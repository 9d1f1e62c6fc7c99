"""Texts whose words are shuffled: what a model loses on them is what the words' order was worth to it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from elman.data.labelled.splits import LabelledTexts
from elman.data.tokens import Tokeniser


def shuffle_words(part: LabelledTexts, tokeniser: Tokeniser, generator: torch.Generator) -> LabelledTexts:
    """The same texts with the tokens that are read of each in random order: the same words, as often, elsewhere.

    Of bytes, whole characters change places, since bytes in another order are no text; one that `cut_at` cuts through is left out.
    """
    between = " " if tokeniser.units == "words" else ""
    return LabelledTexts(
        texts=tuple(between.join(_shuffled(_pieces(text, tokeniser), generator)) for text in part.texts),
        labels=part.labels,
        places=part.places,
    )


def _pieces(text: str, tokeniser: Tokeniser) -> Sequence[str]:
    tokens = tokeniser.tokens(text)
    if tokeniser.units != "bytes":
        return tokens
    return bytes.fromhex("".join(tokens)).decode("utf-8", errors="ignore")


def _shuffled(tokens: Sequence[str], generator: torch.Generator) -> list[str]:
    return [tokens[place] for place in torch.randperm(len(tokens), generator=generator).tolist()]
