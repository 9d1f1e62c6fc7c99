"""What a run came to, as tables in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from elman.coaching import print_advice
from elman.reports.classes import confusion_table
from elman.reports.contents import ClassResults, Results, Sample, SampleTable, results_of
from elman.reports.wording import duration, number, visible

SHORT = 40  # characters that fit beside their mark


def print_results(results: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the contents of a results.json: samples with their marks, novelty, test loss; or classes and accuracy."""
    console = console or Console()
    found = results_of(results)
    if isinstance(found, ClassResults):
        _print_classes(found, console)
    else:
        _print_language(found, console)
    if found.advice is not None:
        console.print()
        print_advice(found.advice, console)


def _print_classes(found: ClassResults, console: Console) -> None:
    console.print(confusion_table(found.classes, found.confusion))
    console.print()
    test, shuffled = found.test, found.shuffled
    low, high = test.interval
    console.print(
        f"test: {test.accuracy:.2%} right (95 % interval {low:.1%} to {high:.1%}), {number(test.per_symbol)} nats per text; "
        f"with the words of each text shuffled {shuffled.accuracy:.2%}",
        highlight=False,
    )
    console.print(
        f"train: {found.train.accuracy:.2%} right, {number(found.train.per_symbol)} nats   best epoch {found.epochs.best} of "
        f"{found.epochs.trained}   {found.parameters:,} parameters   {duration(found.seconds)} of training "
        f"({found.tokens_per_second:,.0f} tokens a second)",
        highlight=False,
    )


def _print_language(found: Results, console: Console) -> None:
    if all(table.short(SHORT) for table in found.samples):
        console.print(Columns([_lines(table) for table in found.samples], padding=(0, 2)))
    else:
        for table in found.samples:
            _print_texts(table, console)
    console.print()
    console.print(_novelty(found))
    console.print()
    test = found.test
    console.print(
        f"test: {number(test.per_symbol)} nats per symbol, {number(test.bits)} bits, perplexity {number(test.perplexity, 2)}"
        f"   {found.parameters:,} parameters   {duration(found.seconds)} of training",
        highlight=False,
    )


def _lines(table: SampleTable) -> Table:
    grid = Table(
        title=table.filter, box=None, show_header=False, padding=(0, 1), title_justify="left", title_style="bold"
    )
    for item in table.items:
        grid.add_row(Text(visible(item.text)), Text(visible(item.category or ""), style="dim"), _mark(item))
    return grid


def _print_texts(table: SampleTable, console: Console) -> None:
    for item in table.items:
        console.rule(Text.assemble((table.filter, "bold"), "  ", _mark(item)), align="left")
        console.print(Text(visible(item.text)))


def _mark(item: Sample) -> Text:
    return Text("new", style="green") if item.new else Text("in training set", style="yellow")


def _novelty(results: Results) -> Table:
    grid = Table(box=None, padding=(0, 2), header_style="dim")
    for heading in ("samples", "drawn", "new", "repeated", "copied piece, mean", "longest"):
        grid.add_column(heading, justify="left" if heading == "samples" else "right")
    for table in results.samples:
        grid.add_row(
            table.filter, str(table.drawn), f"{table.share_new:.0%}", f"{table.repetition:.0%}",
            f"{table.mean_copied_span:.1f}", str(table.longest_copied_span),
        )  # fmt: skip
    return grid
