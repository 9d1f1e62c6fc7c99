"""What a run came to, as tables in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from elman.reports.contents import Results, Sample, SampleTable
from elman.reports.wording import duration, number, visible

SHORT = 40  # characters that fit beside their mark


def print_results(results: Mapping[str, Any], console: Console | None = None) -> None:
    """Print the contents of a results.json: samples with their marks, novelty, test loss."""
    console = console or Console()
    found = Results.model_validate(results)
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
