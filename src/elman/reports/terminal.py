"""What a run came to, as tables in the terminal."""

from __future__ import annotations

from typing import Any

from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_results(results: dict[str, Any], console: Console | None = None) -> None:
    """Print the contents of a results.json: samples with their marks, novelty, test loss."""
    console = console or Console()
    tables = results["samples"]
    short = all(len(item["text"]) <= 40 and "\n" not in item["text"] for table in tables for item in table["items"])
    if short:
        console.print(Columns([_names(table) for table in tables], padding=(0, 2)))
    else:
        for table in tables:
            console.print(Text(f"\n{_filter_name(table)}", style="bold"))
            for item in table["items"]:
                console.print(_visible(item["text"]))
                console.print(_mark(item))
    console.print(_novelty(tables))
    test = results["test"]
    console.print(
        f"test: {test['nats_per_symbol']:.4f} nats per symbol, {test['bits_per_symbol']:.3f} bits, perplexity {test['perplexity']:.2f}"
        f"   {results['parameters']:,} parameters   {results['seconds']:.1f} s of training",
        highlight=False,
    )


def _names(table: dict[str, Any]) -> Table:
    grid = Table(
        title=_filter_name(table), box=None, show_header=False, padding=(0, 1), title_justify="left", title_style="bold"
    )
    for item in table["items"]:
        grid.add_row(_visible(item["text"]), Text(item.get("category") or "", style="dim"), _mark(item))
    return grid


def _mark(item: dict[str, Any]) -> Text:
    return Text("new", style="green") if item["new"] else Text("in training set", style="yellow")


def _novelty(tables: list[dict[str, Any]]) -> Table:
    grid = Table(box=None, padding=(0, 2), header_style="dim")
    for heading in ("samples", "drawn", "new", "repeated", "copied piece, mean", "longest"):
        grid.add_column(heading, justify="left" if heading == "samples" else "right")
    for table in tables:
        grid.add_row(
            _filter_name(table), str(table["drawn"]), f"{table['share_new']:.0%}", f"{table['repetition']:.0%}",
            f"{table['mean_copied_span']:.1f}", str(table["longest_copied_span"]),
        )  # fmt: skip
    return grid


def _filter_name(table: dict[str, Any]) -> str:
    return "unrestricted" if table["top_k"] is None else f"top-k {table['top_k']}"


def _visible(text: str) -> Text:
    """A model's text must not steer the terminal: control characters become visible."""
    return Text("".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text))
