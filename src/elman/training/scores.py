"""What a model came to on some data: sums and counts, and what people quote of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from elman.training.intervals import wilson


@dataclass(frozen=True)
class Score:
    """A negative log-likelihood in nats, summed over `count` targets: symbols, or texts."""

    nats: float
    count: int

    @property
    def per_symbol(self) -> float:
        """Nats per symbol."""
        return self.nats / self.count if self.count else math.nan

    @property
    def bits(self) -> float:
        """Bits per symbol."""
        return self.per_symbol / math.log(2)

    @property
    def perplexity(self) -> float:
        """exp(nats per symbol)."""
        return math.exp(self.per_symbol) if self.per_symbol < 700 else math.inf

    def to_json(self) -> dict[str, float]:
        """For programs."""
        return {
            "nats": self.nats, "count": self.count, "nats_per_symbol": self.per_symbol,
            "bits_per_symbol": self.bits, "perplexity": self.perplexity,
        }  # fmt: skip


@dataclass(frozen=True)
class ClassScore(Score):
    """The same over texts with a class each, of which `correct` were told right."""

    correct: int

    @property
    def per_text(self) -> float:
        """Nats per text: the mean of -ln p(its class)."""
        return self.per_symbol

    @property
    def accuracy(self) -> float:
        """Share that was told right."""
        return self.correct / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy, as far as the number of texts goes."""
        return wilson(self.correct, self.count)

    def to_json(self) -> dict[str, float]:
        """For programs."""
        return {
            "nats": self.nats, "count": self.count, "correct": self.correct,
            "nats_per_text": self.per_text, "accuracy": self.accuracy,
        }  # fmt: skip
