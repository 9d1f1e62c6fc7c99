"""The report of a run: one HTML file with curves, samples, novelty, settings and equations, made from the run folder alone."""

from __future__ import annotations

import shlex
from pathlib import Path

from elman.equations import cell_from_text, explain
from elman.errors import CellError
from elman.pages import frame
from elman.reports.advice import advice_section
from elman.reports.charts import charts, head
from elman.reports.classes import class_sections
from elman.reports.contents import ClassResults, Epoch, Results
from elman.reports.record import Record, read_record
from elman.reports.samples import sample_sections
from elman.reports.tables import facts, numbers
from elman.reports.wording import duration, html, number, small, visible
from elman.storage import write_file


def write_report(run: Path) -> Path:
    """Write `report.html` into a run folder and return its path. What the folder lacks, the report says.

    Raises:
        FolderError: the folder holds no run. StorageError: the file can't be written; an older report is intact.
    """
    path = Path(run) / "report.html"
    write_file(path, report_page(read_record(Path(run))))
    return path


def report_page(record: Record) -> str:
    """The page as text."""
    sections = [
        f"<h1>{html(record.title)}</h1>",
        f'<p class="about">{html(record.recipe.get("about", ""))}</p>',
        *_warnings(record),
        _figures(record),
        *_curves(record),
        *_advice(record.results),
        *_findings(record.results),
        *_equations(record),
        *_data(record),
        *_settings(record),
        *_again(record),
    ]
    return frame(visible(record.title), "\n".join(sections) + "\n", scripts=head())


def _advice(results: Results | ClassResults | None) -> list[str]:
    """Nothing for a run that no coach has seen."""
    return [] if results is None or results.advice is None else advice_section(results.advice)


def _findings(results: Results | ClassResults | None) -> list[str]:
    if results is None:
        return []
    return class_sections(results) if isinstance(results, ClassResults) else sample_sections(results)


def _warnings(record: Record) -> list[str]:
    refused = [
        f"Step {row.step} (epoch {row.epoch}, batch {row.batch}): the {row.tensor} was {row.value}; that step was not applied."
        for row in record.refused
    ]
    return [f'<p class="warning">{html(text)}</p>' for text in [*record.missing, *refused]]


def _figures(record: Record) -> str:
    """The numbers that people look for first."""
    cells: list[tuple[str, str]] = []
    if isinstance(record.results, ClassResults):
        scored = record.results.test
        low, high = scored.interval
        cells += [
            (f"{scored.accuracy:.2%}", f"test texts told right; 95 % interval {low:.1%} to {high:.1%}"),
            (number(scored.per_symbol), "test loss, nats per text"),
        ]
    elif record.results:
        test = record.results.test
        cells += [
            (number(test.per_symbol), "test loss, nats per symbol"),
            (number(test.bits), "test loss, bits per symbol"),
            (number(test.perplexity, 2), "test perplexity per symbol"),
        ]
    if record.best and record.best.validation:
        loss = record.best.validation.per_symbol
        cells.append((number(loss), f"best validation, nats per {record.unit} (epoch {record.best.epoch})"))
    if record.results:
        cells.append((f"{record.results.parameters:,}", "parameters"))
    cells.append((duration(record.seconds), "training time"))
    inside = "\n".join(f"<div><b>{html(value)}</b><span>{html(name)}</span></div>" for value, name in cells)
    return f'<div class="figures">\n{inside}\n</div>'


_ABOUT_LOSS = (
    '<p class="note">Mean negative log-likelihood of a {unit}. Training is measured while the weights change and with dropout, '
    "validation with the weights at the end of the epoch. The best weights are those with the lowest validation loss; the test "
    "part is looked at once, after that choice.</p>"
)
_COLUMNS = (
    *("epoch", "steps", "training, nats", "validation, nats", "training, right", "validation, right"),
    *("learning rate", "gradient norm, median", "largest", "clipped", "skipped"),
)


def _curves(record: Record) -> list[str]:
    if not record.epochs:
        return ["<h2>Loss</h2>", '<p class="note">No epoch has ended yet.</p>']
    training = record.recipe.get("training")
    clip = training.get("clip_norm") if isinstance(training, dict) else None
    best = record.epochs.index(record.best) if record.best else None
    rows = [_epoch(row) for row in record.epochs]
    shown = [k for k in range(len(_COLUMNS)) if any(row[k] != "" for row in rows)]
    table = numbers([_COLUMNS[k] for k in shown], [[row[k] for k in shown] for row in rows], best)
    return [
        "<h2>Loss, learning rate, gradient</h2>",
        _ABOUT_LOSS.format(unit="text's class" if record.unit == "text" else record.unit),
        charts(record.epochs, clip if isinstance(clip, (int, float)) else None, record.unit),
        f"<details><summary>The numbers of every epoch</summary>\n{table}\n</details>",
    ]


def _epoch(row: Epoch) -> tuple[str, ...]:
    losses = [number(loss.per_symbol if loss else None) for loss in (row.training, row.validation)]
    shares = [row.accuracy("training"), row.accuracy("validation")]
    right = ["" if share is None else f"{share:.2%}" for share in shares]
    norm = row.gradient_norm
    norms = [small(norm.median if norm else None), small(norm.max if norm else None)]
    name = f"{row.epoch}" if row.kind == "epoch" else f"{row.epoch} (part of it)"
    return name, f"{row.step:,}", *losses, *right, small(row.rate), *norms, f"{row.clipped:,}", f"{row.skipped:,}"


def _equations(record: Record) -> list[str]:
    """From the cell's text in the model folder: parsed and rendered by us, so that no markup of the folder's comes in."""
    text, model = record.config.get("cell"), record.config.get("model")
    if not isinstance(text, str) or not isinstance(model, dict):
        return []
    try:
        explanation = explain(cell_from_text(text), bias=bool(model.get("bias", True)))
    except CellError as error:
        return ["<h2>Equations</h2>", f'<p class="warning">{html(error)}</p>']
    return [
        f"<h2>Equations of the cell {html(explanation.cell)}</h2>",
        f'<div class="wide">{explanation.mathml(gradients=False)}</div>',
        "<details><summary>Backpropagation through time, derived from them</summary>",
        f'<div class="wide">{explanation.mathml()}</div>\n</details>',
    ]


def _data(record: Record) -> list[str]:
    if not record.results:
        return []
    corpus = record.results.corpus
    values = {
        "data": corpus.title,
        "training / validation / test": f"{corpus.train:,} / {corpus.validation:,} / {corpus.test:,}",
        "symbols the model reads": f"{corpus.symbols:,}",
        "SHA-256 of what was read": corpus.digest,
    }
    notes = "\n".join(f"<li>{html(note)}</li>" for note in corpus.notes)
    return ["<h2>Data</h2>", facts(values), f"<ul>\n{notes}\n</ul>" if notes else ""]


def _settings(record: Record) -> list[str]:
    """Every key of the recipe, section by section; keys of no section (title, about) come first."""
    sections = {name: values for name, values in record.recipe.items() if isinstance(values, dict)}
    loose = {name: value for name, value in record.recipe.items() if name not in sections}
    tables = [f"<section><h3>[{html(name)}]</h3>\n{facts(values)}</section>" for name, values in sections.items()]
    return ["<h2>Settings</h2>", facts(loose), '<div class="settings">', *tables, "</div>"]


def _again(record: Record) -> list[str]:
    run, recipe, again = (shlex.quote(f"{record.path}{end}") for end in ("", "/recipe.toml", "-again"))
    if record.results:
        classifies = isinstance(record.results, ClassResults)
        about = (
            "The same run, " + ("the class of a text of yours" if classifies else "more samples") + ", the test loss:"
        )
        use = f'elman predict {run} "some text"' if classifies else f"elman sample {run}"
        commands = f"elman train {recipe} --run {again}\n{use}\nelman evaluate {run}"
    else:
        about, commands = "To go on where it stopped:", f"elman train {recipe} --run {run} --resume"
    made = record.environment.get("versions")
    with_what = ", ".join(f"{name} {version}" for name, version in made.items()) if isinstance(made, dict) else ""
    footer = f"<footer>Made with {html(with_what)}.</footer>" if with_what else ""
    return ["<h2>Again</h2>", f"<p>{about}</p>", f"<pre>{html(commands)}</pre>", footer]
