"""The samples on the page: each marked *in training set* or *new*, with what of it was copied, and how that adds up."""

from __future__ import annotations

from elman.reports.contents import Results, Sample, SampleTable
from elman.reports.tables import numbers
from elman.reports.wording import html

SHORT = 60  # characters that fit beside their mark

_ABOUT = (
    '<p class="note">top-k draws each symbol from the k likeliest only. <span class="new">new</span>: not in the training data; '
    '<span class="seen">in training set</span>: word for word in it. <span class="copied">Underlined</span>: the longest piece '
    "of a new sample that stands in the training data, with its length in characters.</p>"
)
_ABOUT_NOVELTY = (
    '<p class="note">Repeated: the share of samples drawn before, for lines; of 4-grams that a text has used before, for running '
    "text. Copied piece: the longest one that stands in the training data, in characters.</p>"
)
_COLUMNS = ("samples", "drawn", "new", "repeated", "copied piece, mean", "longest")


def sample_sections(results: Results) -> list[str]:
    """The samples, and the table of their novelty."""
    short = all(table.short(SHORT) for table in results.samples)
    body = "\n".join(_cards(table) if short else _texts(table) for table in results.samples)
    return [
        "<h2>Samples</h2>",
        _ABOUT,
        f'<div class="samples">\n{body}\n</div>' if short else body,
        "<h2>Novelty</h2>",
        numbers(_COLUMNS, [_novelty(table) for table in results.samples]),
        _ABOUT_NOVELTY,
    ]


def _cards(table: SampleTable) -> str:
    items = "\n".join(f'<li><bdi class="text">{_text(item)}</bdi>{_mark(item)}</li>' for item in table.items)
    return f"<section><h3>{html(table.filter)}</h3>\n<ul>\n{items}\n</ul></section>"


def _texts(table: SampleTable) -> str:
    items = "\n".join(f"<pre>\n{_text(item)}</pre>\n<p>{_mark(item)}</p>" for item in table.items)
    return f"<h3>{html(table.filter)}</h3>\n{items}"


def _text(item: Sample) -> str:
    """The sample with its copied piece underlined; where all of it is copied the mark says so."""
    if not item.text:
        return '<span class="category">(empty)</span>'
    if not item.new or item.copied_start is None:
        return html(item.text)
    start, end = item.copied_start, item.copied_start + item.copied_span
    return f'{html(item.text[:start])}<span class="copied">{html(item.text[start:end])}</span>{html(item.text[end:])}'


def _mark(item: Sample) -> str:
    category = f'<span class="category">{html(item.category)} · </span>' if item.category else ""
    if item.new:
        return f'<span class="mark new">{category}new, {item.copied_span} copied</span>'
    told = "in training set" if item.text else "nothing drawn"
    return f'<span class="mark seen">{category}{told}</span>'


def _novelty(table: SampleTable) -> tuple[str, ...]:
    return (
        table.filter,
        f"{table.drawn:,}",
        f"{table.share_new:.0%}",
        f"{table.repetition:.0%}",
        f"{table.mean_copied_span:.1f}",
        f"{table.longest_copied_span:,}",
    )
