"""The report of a run: one HTML file with curves, samples, novelty, settings and equations, made from the run folder alone."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from elman.pages import frame
from elman.reports.charts import loss_chart, norm_chart, rate_chart, scripts
from elman.reports.record import Record, read_record
from elman.storage import write_file


def write_report(run: Path) -> Path:
    """Write `report.html` into a run folder and return its path.

    Raises:
        FolderError: the folder holds no run. StorageError: the file can't be written; an older report is intact.
    """
    path = Path(run) / "report.html"
    write_file(path, report_page(read_record(Path(run))))
    return path


def report_page(record: Record) -> str:
    """The page as text."""
    title = record.recipe.get("title") or record.name
    sections = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="about">{escape(record.recipe.get("about", ""))}</p>',
        *_warnings(record),
        _figures(record),
        *_curves(record),
        *_samples(record),
        *_equations(record),
        _corpus(record),
        _settings(record),
        _reproduce(record),
    ]
    return frame(title, "\n".join(sections) + "\n", scripts=scripts())


def _warnings(record: Record) -> list[str]:
    found = []
    if not record.results:
        found.append("This run has not ended: there are no samples and no test loss yet. Go on with --resume.")
    for row in record.refused:
        where = f"step {row['step']} (epoch {row['epoch']}, batch {row['batch']})"
        found.append(f"{where}: the {row['tensor']} was {row['value']}; that step was not applied.")
    return [f'<p class="warning">{escape(text)}</p>' for text in found]


def _figures(record: Record) -> str:
    """The numbers that people look for first."""
    cells: list[tuple[str, str]] = []
    best = [row for row in record.epochs if row.get("best") and row["validation_nats"] is not None]
    if best:
        row = best[-1]
        cells.append(
            (
                f"{row['validation_nats'] / row['validation_count']:.4f}",
                f"validation, nats per symbol (epoch {row['epoch']})",
            )
        )
    if test := record.results.get("test"):
        cells.append((f"{test['nats_per_symbol']:.4f}", "test, nats per symbol"))
        cells.append((f"{test['bits_per_symbol']:.3f}", "bits per symbol"))
        cells.append((f"{test['perplexity']:.2f}", "perplexity"))
    if "parameters" in record.results:
        cells.append((f"{record.results['parameters']:,}", "parameters"))
    cells.append((_duration(record.seconds), "training time"))
    inside = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for value, name in cells)
    return f'<div class="figures">{inside}</div>'


_ABOUT_LOSS = (
    '<p class="note">Mean negative log-likelihood of a symbol. Training is measured while the weights change and with dropout, '
    "validation with the weights at the end of the epoch. The best weights are those with the lowest validation loss; the test "
    "part is looked at once, after that choice.</p>"
)
_ABOUT_SAMPLES = (
    '<p class="note">top-k draws each symbol from the k likeliest only. <span class="mark new">new</span>: not in the training '
    'data; <span class="mark seen">in training set</span>: word for word in it.</p>'
)
_ABOUT_NOVELTY = (
    '<p class="note">Repeated: share of samples drawn before (lines), or of 4-grams that a text has used before (running '
    "text). Copied piece: the longest one that stands in the training data, in characters.</p>"
)
_NOVELTY_COLUMNS = ("samples", "drawn", "new", "repeated", "copied piece, mean", "longest")


def _curves(record: Record) -> list[str]:
    if not record.epochs:
        return ["<h2>Loss</h2>", '<p class="note">No epoch has ended yet.</p>']
    charts = ["<h2>Learning rate and gradient</h2>", rate_chart(record.epochs), norm_chart(record.epochs)]
    return ["<h2>Loss</h2>", _ABOUT_LOSS, loss_chart(record.epochs), *charts]


def _samples(record: Record) -> list[str]:
    tables = record.results.get("samples", [])
    if not tables:
        return []
    short = all(len(item["text"]) <= 60 and "\n" not in item["text"] for table in tables for item in table["items"])
    body = "".join(_sample_table(table, short=short) for table in tables)
    head = "".join(f"<th>{column}</th>" for column in _NOVELTY_COLUMNS)
    rows = "".join(_novelty_row(table) for table in tables)
    shown = ["<h2>Samples</h2>", _ABOUT_SAMPLES, f'<div class="samples">{body}</div>' if short else body]
    return [*shown, "<h2>Novelty</h2>", f"<table><tr>{head}</tr>{rows}</table>", _ABOUT_NOVELTY]


def _sample_table(table: dict[str, Any], *, short: bool) -> str:
    heading = f"<h3>{escape(_filter_name(table))}</h3>"
    if not short:
        return heading + "".join(f"<pre>{escape(item['text'])}</pre><p>{_mark(item)}</p>" for item in table["items"])
    rows = "".join(
        f'<li><span class="text">{escape(item["text"]) or "&nbsp;"}</span>{_mark(item)}</li>' for item in table["items"]
    )
    return f"<section>{heading}<ul>{rows}</ul></section>"


def _mark(item: dict[str, Any]) -> str:
    category = f"{escape(item['category'])} · " if item.get("category") else ""
    if item["new"]:
        return f'<span class="mark new">{category}new, {item["copied_span"]} copied</span>'
    return f'<span class="mark seen">{category}in training set</span>'


def _novelty_row(table: dict[str, Any]) -> str:
    cells = [
        _filter_name(table),
        f"{table['drawn']}",
        f"{table['share_new']:.0%}",
        f"{table['repetition']:.0%}",
        f"{table['mean_copied_span']:.1f}",
        f"{table['longest_copied_span']}",
    ]
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _filter_name(table: dict[str, Any]) -> str:
    name = "unrestricted" if table["top_k"] is None else f"top-k {table['top_k']}"
    return name if table["temperature"] == 1 else f"{name}, temperature {table['temperature']:g}"


def _equations(record: Record) -> list[str]:
    equations = record.config.get("equations", [])
    if not equations:
        return []
    # MathML of our own making, out of a folder whose checksums hold.
    return ["<h2>Equations of a step</h2>", f"<section>{''.join(e['mathml'] for e in equations)}</section>"]


def _corpus(record: Record) -> str:
    corpus = record.results.get("corpus")
    if not corpus:
        return ""
    rows = {
        "data": corpus["title"],
        "SHA-256": corpus["digest"],
        "training, validation, test": f"{corpus['train']:,} / {corpus['validation']:,} / {corpus['test']:,}",
        "symbols": corpus["symbols"],
    }
    notes = "".join(f"<li>{escape(note)}</li>" for note in corpus["notes"])
    return f"<h2>Data</h2>{_table(rows)}" + (f"<ul>{notes}</ul>" if notes else "")


def _settings(record: Record) -> str:
    rows: dict[str, Any] = {}
    for section, values in record.recipe.items():
        if isinstance(values, dict):
            rows |= {f"{section}.{key}": value for key, value in values.items()}
    return f"<h2>Settings</h2>{_table(rows)}"


def _table(rows: dict[str, Any]) -> str:
    cells = "".join(
        f"<tr><td>{escape(str(k))}</td><td class='text'>{escape(str(v))}</td></tr>" for k, v in rows.items()
    )
    return f"<table>{cells}</table>"


def _reproduce(record: Record) -> str:
    return (
        "<h2>Again</h2>"
        f"<p>The same run: <code>elman train {escape(record.name)}/recipe.toml</code>. "
        f"More samples: <code>elman sample {escape(record.name)}</code>.</p>"
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
