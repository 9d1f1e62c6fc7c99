"""A comparison as one HTML file that needs no network."""

from __future__ import annotations

from importlib import resources

from elman.pages import frame
from elman.reports import tables
from elman.reports.charts import chart_data, chart_place, head
from elman.reports.comparison import figures, sentences
from elman.reports.comparison.contents import Attempt, Comparison, Mistake, Row
from elman.reports.comparison.tables import Table, cost_table, leakage_table, main_table, order_table
from elman.reports.wording import duration, html, number, visible

EXCERPT = 280
"""Characters of a text that are shown before one asks for the rest."""


def page(comparison: Comparison) -> str:
    """The page as text."""
    charts = [figures.accuracies(comparison), *figures.curves(comparison), figures.cost(comparison)]
    if confusion := figures.confusion(comparison):
        charts.append(confusion)
    sections = [
        f"<h1>{html(comparison.title)}</h1>",
        f'<p class="about">{html(comparison.about)}</p>',
        _figures(comparison),
        f'<p class="verdict">{html(sentences.chosen(comparison))}</p>',
        *(f'<p class="verdict">{html(sentences.tested(test, comparison))}</p>' for test in comparison.tests),
        "<h2>Results</h2>",
        _table(main_table(comparison)),
        _note(sentences.how_tested(comparison)),
        chart_place(charts[0], "test accuracy of each row, with intervals"),
        _table(cost_table(comparison)),
        _note(sentences.intervals(comparison)),
        *_order(comparison),
        *_leakage(comparison),
        *_curves(comparison),
        "<h2>What accuracy costs</h2>",
        chart_place(figures.cost(comparison), "seconds of training against test accuracy"),
        *_confusion(comparison),
        *_mistakes(comparison),
        *_data(comparison),
        *_runs(comparison),
        chart_data(charts),
    ]
    style = resources.files("elman.reports.comparison").joinpath("comparison.css").read_text("utf-8")
    scripts = f"{head('comparison/comparison.js')}<style>\n{style}</style>\n"
    return frame(visible(comparison.title), "\n".join(sections) + "\n", scripts=scripts)


def _figures(comparison: Comparison) -> str:
    row, data = comparison.winner, comparison.data
    cells = [
        (row.title, "best on the validation part"),
        (number(row.accuracy.value, 3), "its test accuracy"),
        (number(row.test_loss.value, 3), "its test loss, nats per text"),
        (duration(row.seconds.value), "its training time"),
        (f"{data.test:,}", f"test texts, {len(data.classes)} classes"),
        (f"{len(comparison.seeds)}", "seed" if len(comparison.seeds) == 1 else "seeds"),
    ]
    inside = "\n".join(f"<div><b>{html(value)}</b><span>{html(name)}</span></div>" for value, name in cells)
    return f'<div class="figures">\n{inside}\n</div>'


def _table(table: Table) -> str:
    return tables.numbers(table.columns, table.rows, table.best)


def _note(*said: str) -> str:
    return f'<p class="note">{html(" ".join(text for text in said if text))}</p>'


def _order(comparison: Comparison) -> list[str]:
    table = order_table(comparison)
    if table is None:
        return []
    about = (
        "A model that never sees the order of the words loses nothing when they are shuffled; what another loses, the order "
        "was worth to it."
    )
    return [
        f"<h2>{html(table.caption)}</h2>",
        _note(about),
        f"<p>{html(sentences.order(comparison))}</p>",
        _table(table),
    ]


def _leakage(comparison: Comparison) -> list[str]:
    table = leakage_table(comparison)
    if table is None:
        return []
    return [
        "<h2>Why training, validation and test</h2>",
        f"<p>{html(sentences.leakage(comparison))}</p>",
        _table(table),
        _note(sentences.WHY_THREE_PARTS),
    ]


def _curves(comparison: Comparison) -> list[str]:
    charts = figures.curves(comparison)
    if not charts:
        return []
    inside = "\n".join(chart_place(chart, chart["title"]) for chart in charts)
    first = f"Seed {comparison.seeds[0]}. " if len(comparison.seeds) > 1 else ""
    return [
        "<h2>Validation, epoch by epoch</h2>",
        _note(f"{first}Click a name to hide its line."),
        f'<div class="pair">\n{inside}\n</div>',
    ]


def _confusion(comparison: Comparison) -> list[str]:
    chart = figures.confusion(comparison)
    title = f"<h2>Which classes {html(comparison.winner.title)} confuses</h2>"
    classes = comparison.data.classes
    counts = tables.numbers(
        ("true class", *classes),
        [(name, *(f"{n:,}" for n in row)) for name, row in zip(classes, comparison.confusion, strict=True)],
    )
    over = len(comparison.winner.attempts)
    note = _note(
        f"Test texts{f' of {over} runs together' if over > 1 else ''}; a row is a true class, darker is a greater share of it."
    )
    if chart is None:
        return [title, note, f"<details><summary>All {len(classes)} classes</summary>\n{counts}\n</details>"]
    return [
        title,
        note,
        f'<div class="matrix">{chart_place(chart, "confusion matrix")}</div>',
        f"<details><summary>The numbers</summary>\n{counts}\n</details>",
    ]


def _mistakes(comparison: Comparison) -> list[str]:
    if not comparison.mistakes:
        return []
    title = f"<h2>What {html(comparison.winner.title)} gets wrong and is sure of</h2>"
    # Where each seed draws its own test texts, not every run was asked every text.
    runs = len(comparison.winner.attempts) if comparison.data.one_test_part else 1
    return [title, *(_mistake(mistake, runs) for mistake in comparison.mistakes)]


def _mistake(mistake: Mistake, runs: int) -> str:
    often = f" · wrong in {mistake.wrong} of {runs} runs" if runs > 1 else ""
    text = " ".join(mistake.text.split())
    shown = f'<p class="excerpt">{html(text[:EXCERPT])}{"…" if len(text) > EXCERPT else ""}</p>'
    rest = (
        f"<details><summary>All of it</summary><pre>{html(mistake.text)}</pre></details>" if len(text) > EXCERPT else ""
    )
    return (
        f'<div class="mistake"><p><b>{html(mistake.predicted)}</b>, p = {number(mistake.probability, 3)}; it is '
        f'<b>{html(mistake.label)}</b></p><p class="place">{html(mistake.place)}{html(often)}</p>{shown}{rest}</div>'
    )


def _data(comparison: Comparison) -> list[str]:
    data = comparison.data
    values = {
        "data": data.title,
        "training / validation / test": f"{data.train:,} / {data.validation:,} / {data.test:,}",
        "classes": ", ".join(data.classes),
        "SHA-256 of what was read": data.digest,
    }
    notes = "\n".join(f"<li>{html(note)}</li>" for note in data.notes)
    return ["<h2>Data</h2>", tables.facts(values), f"<ul>\n{notes}\n</ul>" if notes else ""]


def _runs(comparison: Comparison) -> list[str]:
    """Every attempt by itself, and how to make the page again."""
    rows = [_attempt(row, attempt) for row in comparison.rows for attempt in row.attempts]
    columns = ("Row", "Seed", "Train Loss", "Validation Accuracy", "Test Loss", "Test Accuracy", "Training Time", "Run")
    abouts = {row.title: row.about for row in comparison.rows if row.about}
    return [
        "<h2>Rows and runs</h2>",
        tables.facts(abouts),
        f"<details><summary>Every run by itself</summary>\n{tables.numbers(columns, rows)}\n</details>",
        "<p>The same again; runs that are there are used:</p>",
        f"<pre>{html(comparison.again)}</pre>",
    ]


def _attempt(row: Row, attempt: Attempt) -> tuple[str, ...]:
    validation = attempt.validation.accuracy if attempt.validation else None
    return (
        row.title, f"{attempt.seed}", number(attempt.train.per_text), number(validation, 3), number(attempt.test.per_text),
        number(attempt.test.accuracy, 3), duration(attempt.seconds), attempt.run or "–",
    )  # fmt: skip
