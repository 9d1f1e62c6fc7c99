"""Batches of running text: parallel streams in chunks of some steps, for truncated backpropagation through time."""

from __future__ import annotations

import torch

from elman.data.batches import Batch, windows
from elman.data.splits import Part
from elman.data.vocabulary import Vocabulary
from elman.errors import DataError, InputError


class StreamBatches:
    """A text cut into `batch_size` streams of equal length (to within one); batch k holds chunk k of each of them.

    The state carries over from chunk to chunk. Every symbol but the first is a target exactly once. A short text gets
    fewer streams, so that each is at least one chunk long; the last chunk may be one step longer than the others.
    """

    def __init__(self, part: Part, vocabulary: Vocabulary, batch_size: int, steps: int) -> None:
        if batch_size < 1 or steps < 1:
            raise InputError(f"batch_size and steps must be at least 1; got {batch_size} and {steps}")
        self._row = torch.tensor(vocabulary.encode(part.text), dtype=torch.int64)
        self.symbols = len(self._row) - 1
        if self.symbols < 1:
            raise DataError("this part of the data has fewer than two symbols: there is nothing to predict")
        streams = max(1, min(batch_size, self.symbols // steps))
        shortest, longer = divmod(self.symbols, streams)
        self._lengths = torch.full((streams,), shortest)
        self._lengths[:longer] += 1
        self._starts = self._lengths.cumsum(0) - self._lengths
        self._steps = steps
        self._chunks = -(-shortest // steps)

    def plan(self, generator: torch.Generator | None) -> list[int]:  # noqa: ARG002 - a text has only one order
        """The chunk numbers, in order."""
        return list(range(self._chunks))

    def batch(self, key: int) -> Batch:
        """Chunk number `key` of every stream."""
        begin = key * self._steps
        lengths = self._lengths - begin
        if key < self._chunks - 1:
            lengths = lengths.clamp(max=self._steps)
        inputs, targets = windows(self._row, self._starts + begin, lengths)
        return Batch(inputs, targets, lengths, None, carry=key > 0)
