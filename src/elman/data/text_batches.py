"""Batches of texts with labels, as words or as bags of words: those of similar length together, other ones in every epoch."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from elman.data.batches import Batch, stretches
from elman.data.features import Features
from elman.data.labelled.splits import LabelledTexts
from elman.data.progress import watched
from elman.data.vocabulary import Vocabulary
from elman.errors import DataError, InputError

ALIKE = 1.15
"""Texts whose lengths differ by no more than this factor may change places: more means less sameness and more padding."""
MOST_PADDING = 0.1
"""Share of a batch that may be padding once it is more than `SPARE` positions; then a batch ends early."""
SPARE = 1024


class TextBatches:
    """The texts of a part as numbers, cut into batches; `targets` [B] are their classes.

    Attributes:
        symbols: targets in an epoch, one a text.
        tokens: tokens in an epoch, padding not counted.
        labels: the class of each text, `[N]` int64.
        lengths: of each text, in tokens, as it is read (cut, and at least 1), int64.

    A token is a word in its place, or (with `Features`) a feature that the text has; a batch then has `weights` too.
    """

    def __init__(self, part: LabelledTexts, vocabulary: Vocabulary | Features, batch_size: int) -> None:
        """Reads all texts; on a large part it tells how far it is.

        Raises:
            InputError: a batch size below 1, or a vocabulary that was not built for texts with labels.
            DataError: the part is empty.
        """
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1; got {batch_size}")
        if vocabulary.tokeniser is None:
            raise InputError(
                "texts with labels need a vocabulary that was built of texts; this one is a language model's"
            )
        if not part.texts:
            raise DataError("there are no texts in this part of the data")
        self._weights: Tensor | None = None
        if isinstance(vocabulary, Features):
            self._row, self._weights, self.lengths = vocabulary.encode(part.texts)
        else:
            self._row, self.lengths = _in_order(part.texts, vocabulary)
        self._starts = self.lengths.cumsum(0) - self.lengths
        self.labels = torch.tensor(part.labels, dtype=torch.int64)
        self.symbols = len(part.texts)
        self.tokens = len(self._row)
        by_length = torch.argsort(self.lengths, stable=True)
        in_order = self.lengths[by_length].tolist()
        self._sizes = _cut(in_order, batch_size)
        self._alike = torch.empty_like(by_length)
        self._alike[by_length] = torch.tensor(_groups(in_order))

    def counts(self, size: int) -> Tensor:
        """How often each number below `size` (the vocabulary's) comes in the part, `[size]` int64."""
        return torch.bincount(self._row, minlength=size)

    def padding_share(self, plan: list[list[int]] | None = None) -> float:
        """Share of the positions in the batches of a plan (None: the one without a generator) that are padding."""
        widest = [int(self.lengths[key].max()) * len(key) for key in plan or self.plan(None)]
        return 1 - self.tokens / sum(widest)

    def plan(self, generator: torch.Generator | None) -> list[list[int]]:
        """Text numbers by batch; always the same number of batches, of the same sizes.

        Without a generator: by length. With one: texts of about the same length change places at random before the row is cut,
        so they meet others in every epoch, and the batches are shuffled. The last few texts of a part, where they are so
        long that filling a batch would be mostly padding, get smaller batches.
        """
        if generator is None:
            return self._batches(torch.argsort(self.lengths, stable=True))
        drawn = torch.randperm(self.symbols, generator=generator)
        batches = self._batches(drawn[torch.argsort(self._alike[drawn], stable=True)])
        return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]

    def _batches(self, order: Tensor) -> list[list[int]]:
        row, ends = order.tolist(), list(accumulate(self._sizes))
        return [row[end - size : end] for size, end in zip(self._sizes, ends, strict=True)]

    def batch(self, key: list[int]) -> Batch:
        """The batch with these texts: inputs `[B, T]`, targets `[B]`, lengths `[B]`."""
        chosen = torch.tensor(key)
        lengths = self.lengths[chosen]
        inputs = stretches(self._row, self._starts[chosen], lengths).long()
        weights = None if self._weights is None else stretches(self._weights, self._starts[chosen], lengths)
        return Batch(inputs, self.labels[chosen], lengths, None, carry=False, weights=weights)


def _in_order(texts: Sequence[str], vocabulary: Vocabulary) -> tuple[Tensor, Tensor]:
    """The numbers of all texts' words in a row, and how many each text has."""
    row, lengths = array("i"), array("q")
    for text in watched(texts, "reading words (texts)", len(texts)):
        numbers = vocabulary.encode(text) or [Vocabulary.BOUNDARY]  # a net needs one step at least
        row.extend(numbers)
        lengths.append(len(numbers))
    return torch.frombuffer(row, dtype=torch.int32), torch.frombuffer(lengths, dtype=torch.int64)


def _cut(lengths: Sequence[int], batch_size: int) -> list[int]:
    """Sizes of batches for texts in the order of their lengths."""
    sizes, size, tokens = [], 0, 0
    for length in lengths:
        positions = length * (size + 1)
        padding = positions - tokens - length
        if size == batch_size or padding > max(SPARE, MOST_PADDING * positions):
            sizes.append(size)
            size = tokens = 0
        size += 1
        tokens += length
    return [*sizes, size]


def _groups(lengths: Sequence[int]) -> list[int]:
    """For texts in the order of their lengths the number of the group in which they may change places."""
    groups, shortest = [0], lengths[0]
    for length in lengths[1:]:
        new = length > ALIKE * shortest
        groups.append(groups[-1] + new)
        shortest = length if new else shortest
    return groups
