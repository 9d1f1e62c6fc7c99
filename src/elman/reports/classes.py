"""What a model that classifies came to: which classes it takes for which, and where it was surest and wrong."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from elman.reports.contents import ClassResults, Mistake
from elman.reports.tables import numbers
from elman.reports.wording import html, in_line, number

MANY = 12
"""Classes from which on their names are too much for the heads of columns in a terminal: they get numbers."""

_ABOUT_CONFUSION = (
    '<p class="note">Test texts: a row for each class, a column for what they were taken for. Precision: the share of texts '
    "taken for a class that are of it. Recall: the share of its texts that were found.</p>"
)
_ABOUT_ORDER = (
    '<p class="note">The same test texts with the words of each in random order. What is lost is what the order of words was '
    "worth to this model; a bag of words loses nothing, since it never knew it.</p>"
)


def class_sections(results: ClassResults) -> list[str]:
    """The confusion matrix, what the order of words was worth, and the most confident mistakes, as HTML."""
    mistakes = "\n".join(_mistake(mistake) for mistake in results.mistakes)
    return [
        "<h2>Classes</h2>",
        _ABOUT_CONFUSION,
        _confusion(results.classes, results.confusion),
        numbers(("class", "texts", "precision", "recall", "F1"), per_class(results.classes, results.confusion)),
        "<h2>Order of words</h2>",
        _ABOUT_ORDER,
        numbers(("test texts", "right", "nats per text"), _order(results)),
        "<h2>Most confident mistakes</h2>",
        mistakes or '<p class="note">There are none: every test text was told right.</p>',
    ]


def per_class(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[tuple[str, ...]]:
    """A row for each class: texts, precision, recall, and F1 = 2 P R / (P + R); a dash where nothing was counted."""
    rows: list[tuple[str, ...]] = []
    for k, name in enumerate(classes):
        right, texts, taken = confusion[k][k], sum(confusion[k]), sum(row[k] for row in confusion)
        precision, recall = right / taken if taken else None, right / texts if texts else None
        f1 = 2 * right / (texts + taken) if texts + taken else None
        rows.append((name, f"{texts:,}", number(precision, 3), number(recall, 3), number(f1, 3)))
    return rows


def _confusion(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    """A table whose cells are the darker, the larger the share of the row."""
    head = "".join(f"<th>{html(name)}</th>" for name in ("", *classes))
    rows = []
    for k, name in enumerate(classes):
        total = max(sum(confusion[k]), 1)
        cells = "".join(
            f'<td class="{"hit" if j == k else "miss"}" style="--share: {count / total:.3f}">{count:,}</td>'
            for j, count in enumerate(confusion[k])
        )
        rows.append(f"<tr><td>{html(name)}</td>{cells}</tr>")
    body = "\n".join(rows)
    return f'<div class="wide"><table class="numbers confusion">\n<tr>{head}</tr>\n{body}\n</table></div>'


def _order(results: ClassResults) -> list[tuple[str, ...]]:
    return [
        (name, f"{score.accuracy:.2%}", number(score.per_symbol))
        for name, score in (("as they are", results.test), ("words shuffled", results.shuffled))
    ]


def _mistake(mistake: Mistake) -> str:
    told = f"{mistake.predicted} ({mistake.probability:.1%}), is {mistake.label}"
    return (
        f'<pre>\n{html(mistake.text)}</pre>\n<p><span class="mark seen">{html(told)}</span> '
        f'<span class="category">{html(mistake.place)}</span></p>'
    )


def confusion_table(classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> Table:
    """The confusion matrix for a terminal, with precision and recall."""
    short = len(classes) > MANY
    grid = Table(
        box=None,
        padding=(0, 1),
        header_style="dim",
        title="true class, and what it was taken for",
        title_justify="left",
    )
    grid.add_column("")
    for k, name in enumerate(classes):
        # A name is a text of its own: in a string, Rich would take [red] for a mark.
        grid.add_column(Text(f"{k + 1}" if short else in_line(name)), justify="right")
    grid.add_column("precision", justify="right")
    grid.add_column("recall", justify="right")
    for k, (name, _, precision, recall, _) in enumerate(per_class(classes, confusion)):
        label = f"{k + 1} {in_line(name)}" if short else in_line(name)
        cells = [
            Text(f"{count:,}", style="bold" if j == k else "" if count else "dim")
            for j, count in enumerate(confusion[k])
        ]
        grid.add_row(Text(label), *cells, precision, recall)
    return grid
