"""A report on labelled texts in words, for the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from elman.data.labelled.report import LabelledReport


def report_text(report: LabelledReport) -> str:
    """Several short paragraphs with figures."""
    sections = (_head, _parts, _duplicates, _giveaways, _notes)
    return "\n\n".join(text for section in sections if (text := "\n".join(section(report))))


def _head(report: LabelledReport) -> Iterator[str]:
    yield f"{report.title}: {sum(part.texts for part in report.parts.values()):,} texts of {len(report.classes)} classes"


MOST_CLASSES = 30  # are listed


def _parts(report: LabelledReport) -> Iterator[str]:
    width = max(len(name) for name in (*report.classes[:MOST_CLASSES], "longest (words)"))
    yield f"{'':{width}}" + "".join(f"{name:>12}" for name in report.parts)
    for name in report.classes[:MOST_CLASSES]:
        yield f"{name:{width}}" + "".join(f"{part.by_class[name]:>12,}" for part in report.parts.values())
    if len(report.classes) > MOST_CLASSES:
        yield f"and {len(report.classes) - MOST_CLASSES} more classes"
    yield f"{'texts':{width}}" + "".join(f"{part.texts:>12,}" for part in report.parts.values())
    for title, field in (
        ("shortest (words)", "shortest"),
        ("median", "median"),
        ("mean", "mean"),
        ("90 % up to", "ninety_percent"),
        ("99 % up to", "ninety_nine_percent"),
        ("longest", "longest"),
    ):
        values = (getattr(part.lengths, field) for part in report.parts.values())
        yield f"{title:{width}}" + "".join(f"{value:>12,.0f}" for value in values)
    if report.imbalance >= 1.5:
        yield f"The largest class has {report.imbalance:.1f} texts for each one of the smallest: accuracy alone flatters."


def _duplicates(report: LabelledReport) -> Iterator[str]:
    found = report.duplicates
    within = ", ".join(f"{count:,} in {name}" for name, count in found.within.items())
    across = ", ".join(f"{count:,} in {name}" for name, count in found.of_train.items())
    yield f"Texts that repeat an earlier one of their part: {within}."
    if across:
        yield f"Texts that training has too: {across}."
    for seen, learnt in found.examples:
        yield f"  {seen} reads the same as {learnt}"
    if found.contradicting:
        yield f"{found.contradicting:,} texts read the same as one with another label."


def _giveaways(report: LabelledReport) -> Iterator[str]:
    found = report.giveaways
    if found.measured_on is not None:
        yield f"Told right in the {found.measured_on} part:"
        shares = {"always the class that training has most of": found.majority}
        shares |= {f"words, counted by naive Bayes, {seen}": share for seen, share in found.by_words.items()}
        width = max(map(len, shares))
        for name, share in shares.items():
            yield f"  {name:{width}}  {share:.3f}"
    if found.clues:
        yield "Decided by one thing alone, which training nearly always had with one class:"
        for clue in found.clues:
            right = "" if math.isnan(clue.right) else f", of which right {clue.right:.1%}"
            yield f"  {clue.name}: {clue.decided:.1%} of the texts{right}"
    yield "Most telling words (training texts of the class with it, of all with it):"
    for name, words in list(found.telling.items())[:MOST_CLASSES]:
        yield f"  {name}: " + (", ".join(f"{word} ({own:,}/{all_:,})" for word, own, all_ in words) or "none")


def _notes(report: LabelledReport) -> Iterator[str]:
    for note in report.notes:
        yield f"note: {note}"
