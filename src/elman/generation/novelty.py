"""How new samples are: is a model making names, or reciting them?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NGRAM = 4
SEPARATOR = "\ud800"  # half a surrogate pair: no text that was read from a file or decoded from a model has it


@dataclass(frozen=True)
class Novelty:
    """Samples held against the training data.

    Attributes:
        items: for each sample "text", "new" (it does not stand in the training data; nothing at all is not new), "copied_span" and
            "copied_start" (length of its longest piece that does, and where that begins; the first of several), in characters.
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
    text = training if isinstance(training, str) else SEPARATOR.join(training)
    items: list[dict[str, Any]] = []
    for sample in samples:
        new = sample != "" and (sample not in lines if lines is not None else sample not in text)
        start, span = longest_copied(sample, text)
        items.append({"text": sample, "new": new, "copied_span": span, "copied_start": start})
    spans = [item["copied_span"] for item in items]
    return Novelty(
        items=tuple(items),
        share_new=sum(item["new"] for item in items) / max(len(items), 1),
        mean_copied_span=sum(spans) / max(len(spans), 1),
        longest_copied_span=max(spans, default=0),
        repetition=repetition(samples) if lines is not None else repeated_ngrams(samples),
    )


def longest_copied(sample: str, text: str) -> tuple[int, int]:
    """Start in `sample` and length of its longest piece that stands in `text`; the first of several.

    A window over the sample grows by a character where it is found and moves on where it is not: two searches a character at most.
    """
    start, best, best_start = 0, 0, 0
    while start + best < len(sample):
        if sample[start : start + best + 1] in text:
            best, best_start = best + 1, start
        else:
            start += 1
    return best_start, best


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
