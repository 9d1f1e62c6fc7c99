"""Batches of lines: lines of similar length together, so that little is padding."""

from __future__ import annotations

import torch

from elman.data.batches import Batch, windows
from elman.data.splits import Part
from elman.data.vocabulary import Vocabulary
from elman.errors import DataError, InputError


class LineBatches:
    """The lines of a part. Inputs are boundary + symbols, targets are symbols + boundary, one more than symbols."""

    def __init__(self, part: Part, vocabulary: Vocabulary, batch_size: int) -> None:
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1; got {batch_size}")
        if not vocabulary.has_boundary:
            raise InputError("lines need a vocabulary with a boundary symbol: this one was built for running text")
        if not part.lines:
            raise DataError("there are no lines in this part of the data")
        encoded = [vocabulary.encode(line) for line in part.lines]
        # All lines in one row, a boundary before, between and after: line i is a window of it.
        row = [Vocabulary.BOUNDARY]
        for line in encoded:
            row += [*line, Vocabulary.BOUNDARY]
        self._row = torch.tensor(row)
        self._lengths = torch.tensor([len(line) + 1 for line in encoded])
        self._starts = self._lengths.cumsum(0) - self._lengths
        self._categories = None if part.labels is None else torch.tensor(part.labels)
        self._batch_size = batch_size
        self.symbols = int(self._lengths.sum())

    @property
    def padding_share(self) -> float:
        """Share of the positions in an epoch's batches that are padding."""
        widest = [int(self._lengths[key].max()) * len(key) for key in self.plan(None)]
        return 1 - self.symbols / sum(widest)

    def plan(self, generator: torch.Generator | None) -> list[list[int]]:
        """Line numbers by batch: sorted by length with ties in random order, cut, and the batches shuffled."""
        count = len(self._lengths)
        order = torch.arange(count) if generator is None else torch.randperm(count, generator=generator)
        by_length: list[int] = order[torch.argsort(self._lengths[order], stable=True)].tolist()
        batches = [by_length[start : start + self._batch_size] for start in range(0, count, self._batch_size)]
        if generator is None:
            return batches
        return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]

    def batch(self, key: list[int]) -> Batch:
        """The batch with these lines."""
        chosen = torch.tensor(key)
        lengths = self._lengths[chosen]
        inputs, targets = windows(self._row, self._starts[chosen], lengths)
        categories = None if self._categories is None else self._categories[chosen]
        return Batch(inputs, targets, lengths, categories, carry=False)
