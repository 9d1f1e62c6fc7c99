"""The tables of a comparison as texts, once for every format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

from elman.reports.comparison.contents import Comparison, Estimate, Row
from elman.reports.wording import duration, number

NOTHING = "–"


@dataclass(frozen=True)
class Table:
    """Headings and cells; the first column names the rows, row `best` stands out."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: int | None


def main_table(comparison: Comparison) -> Table:
    """The table that courses ask for."""
    columns: dict[str, Callable[[Row], str]] = {
        "Model": lambda row: row.title,
        "Train Loss": lambda row: number(row.train_loss.value, 3),
        "Test Loss": lambda row: number(row.test_loss.value, 3),
        "Test Accuracy": lambda row: number(row.accuracy.value, 3),
        "Training Time": lambda row: duration(row.seconds.value),
        "Number of Epochs": _epochs,
    }
    return _table(comparison.title, columns, comparison.rows, comparison)


def cost_table(comparison: Comparison) -> Table:
    """How sure the accuracies are, and what the rows cost."""
    columns: dict[str, Callable[[Row], str]] = {
        "Model": lambda row: row.title,
        "Test Accuracy, 95 % interval": lambda row: interval(row.accuracy),
        "Parameters": lambda row: f"{row.parameters:,}",
        "Tokens per second": lambda row: f"{row.tokens_per_second.value:,.0f}" if row.tokens_per_second else NOTHING,
    }
    return _table("How sure the accuracies are, and what they cost", columns, comparison.rows, comparison)


def order_table(comparison: Comparison) -> Table | None:
    """What shuffling the words of the test texts costs; None where no row was asked."""
    rows = [row for row in comparison.rows if row.shuffled is not None]
    columns: dict[str, Callable[[Row], str]] = {
        "Model": lambda row: row.title,
        "Test Accuracy": lambda row: number(row.accuracy.value, 3),
        "Words Shuffled": lambda row: number(value_of(row.shuffled), 3),
        "Lost": lambda row: number(value_of(row.lost), 3),
    }
    if any(row.lost and row.lost.how for row in rows):
        columns["Lost, 95 % interval"] = lambda row: interval(row.lost)
    return _table("What the order of the words is worth", columns, rows, comparison) if rows else None


def leakage_table(comparison: Comparison) -> Table | None:
    """What stopping on the test part would have claimed; None where no row was watched."""
    rows = [row for row in comparison.rows if row.claimed is not None]
    columns: dict[str, Callable[[Row], str]] = {
        "Model": lambda row: row.title,
        "Stopped on validation": lambda row: number(row.accuracy.value, 3),
        "Stopped on test": lambda row: number(value_of(row.claimed), 3),
        "Claimed too much": lambda row: number(claimed_too_much(row), 3),
    }
    return _table("What stopping on the test part would have claimed", columns, rows, comparison) if rows else None


def claimed_too_much(row: Row) -> float:
    """By how much stopping on the test part would have raised the accuracy."""
    return row.claimed.value - row.accuracy.value if row.claimed else 0.0


def value_of(estimate: Estimate | None) -> float | None:
    """The mean, where there is one."""
    return None if estimate is None else estimate.value


def interval(estimate: Estimate | None) -> str:
    """From where to where, and over what."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return NOTHING
    over = "seeds" if estimate.how == "student" else "texts"
    return f"{number(estimate.low, 3)} to {number(estimate.high, 3)} ({estimate.of:,} {over})"


def _epochs(row: Row) -> str:
    if row.epochs is None:
        return NOTHING
    best = [attempt.best_epoch for attempt in row.attempts if attempt.best_epoch is not None]
    told = f"{row.epochs.value:g}" if row.epochs.value % 1 == 0 else f"{row.epochs.value:.1f}"
    return f"{told} (best {fmean(best):.3g})" if best else told


def _table(
    caption: str, columns: dict[str, Callable[[Row], str]], rows: tuple[Row, ...] | list[Row], comparison: Comparison
) -> Table:
    cells = tuple(tuple(cell(row) for cell in columns.values()) for row in rows)
    best = next((place for place, row in enumerate(rows) if row is comparison.winner), None)
    return Table(caption, tuple(columns), cells, best)
