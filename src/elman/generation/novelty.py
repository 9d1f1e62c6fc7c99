"""How new samples are: is a model making names, or reciting them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NGRAM = 4


@dataclass(frozen=True)
class Novelty:
    """Samples held against the training data.

    Attributes:
        items: for each sample "text", "new" (it does not stand in the training data), "copied_span" (length of its longest piece
            that does).
        share_new: share of new samples.
        mean_copied_span, longest_copied_span: over the samples, in characters.
        repetition: share of samples that were drawn before, for lines; of 4-grams that the text has used before, for running text.
    """

    items: tuple[dict[str, Any], ...]
    share_new: float
    mean_copied_span: float
    longest_copied_span: int
    repetition: float


def novelty(samples: Sequence[str], training: Sequence[str] | str) -> Novelty:
    """Hold samples against the training lines, or against the training text."""
    lines = None if isinstance(training, str) else set(training)
    # Lines behind each other with a sign between that no sample has: a copied piece never runs over the end of a line.
    text = training if isinstance(training, str) else "\0".join(training)
    items: list[dict[str, Any]] = []
    for sample in samples:
        new = sample not in lines if lines is not None else sample not in text
        items.append({"text": sample, "new": new, "copied_span": longest_copied_span(sample, text)})
    spans = [item["copied_span"] for item in items]
    return Novelty(
        items=tuple(items),
        share_new=sum(item["new"] for item in items) / max(len(items), 1),
        mean_copied_span=sum(spans) / max(len(spans), 1),
        longest_copied_span=max(spans, default=0),
        repetition=repetition(samples) if lines is not None else repeated_ngrams(samples),
    )


def longest_copied_span(sample: str, text: str) -> int:
    """Length of the longest piece of `sample` that stands in `text`.

    A window over the sample grows by a character where it is found and moves on where it is not: two searches a character at most.
    """
    start, best = 0, 0
    while start + best < len(sample):
        if sample[start : start + best + 1] in text:
            best += 1
        else:
            start += 1
    return best


def repetition(samples: Sequence[str]) -> float:
    """Share of samples that were drawn before."""
    return 1 - len(set(samples)) / len(samples) if samples else 0.0


def repeated_ngrams(samples: Sequence[str], size: int = NGRAM) -> float:
    """Share of character 4-grams that the same sample has used before."""
    total = repeated = 0
    for sample in samples:
        counts = Counter(sample[k : k + size] for k in range(len(sample) - size + 1))
        total += counts.total()
        repeated += counts.total() - len(counts)
    return repeated / total if total else 0.0
