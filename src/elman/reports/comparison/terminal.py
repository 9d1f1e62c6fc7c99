"""A comparison in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from elman.reports.comparison import sentences
from elman.reports.comparison.contents import Comparison
from elman.reports.comparison.tables import Table, cost_table, leakage_table, main_table, order_table
from elman.reports.wording import visible


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print the tables, and what they say."""
    console = console or Console()
    _print(main_table(comparison), console)
    _say([sentences.chosen(comparison), *(sentences.tested(test, comparison) for test in comparison.tests)], console)
    _print(cost_table(comparison), console)
    _say([sentences.intervals(comparison)], console)
    if table := order_table(comparison):
        _print(table, console)
        _say([sentences.order(comparison)], console)
    if table := leakage_table(comparison):
        _print(table, console)
        _say([sentences.leakage(comparison)], console)


def _print(table: Table, console: Console) -> None:
    grid = Grid(
        title=Text(visible(table.caption)), box=None, padding=(0, 1), title_justify="left", title_style="bold",
        header_style="dim",
    )  # fmt: skip
    cells = [max(map(len, column)) for column in zip(*table.rows, strict=True)]
    fits = sum(max(cell, len(name)) + 2 for cell, name in zip(cells, table.columns, strict=True)) <= console.width
    for place, column in enumerate(table.columns):
        # Where room is short, headings break between words, so that the names have it.
        width = None if fits or not place else max(cells[place], *map(len, column.split()))
        grid.add_column(column, justify="right" if place else "left", width=width)
    for place, row in enumerate(table.rows):
        grid.add_row(*(Text(visible(cell)) for cell in row), style="bold" if place == table.best else None)
    console.print(grid)
    console.print()


def _say(lines: list[str], console: Console) -> None:
    for line in lines:
        if line:
            console.print(Text(visible(line)))
    console.print()
