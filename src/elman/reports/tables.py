"""Two kinds of table: rows of numbers under headings, and names with their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elman.reports.wording import html


def numbers(columns: Sequence[str], rows: Iterable[Sequence[str]], best: int | None = None) -> str:
    """A table whose first column names the rest; row `best` stands out."""
    head = "".join(f"<th>{html(column)}</th>" for column in columns)
    lines = []
    for k, row in enumerate(rows):
        cells = "".join(f"<td>{html(cell)}</td>" for cell in row)
        lines.append(f'<tr class="best">{cells}</tr>' if k == best else f"<tr>{cells}</tr>")
    body = "\n".join(lines)
    return f'<div class="wide"><table class="numbers">\n<tr>{head}</tr>\n{body}\n</table></div>'


def facts(values: Mapping[str, Any]) -> str:
    """Names and values."""
    rows = "\n".join(
        f'<tr><td>{html(name)}</td><td class="value">{html(_plain(value))}</td></tr>' for name, value in values.items()
    )
    return f'<table class="facts">\n{rows}\n</table>'


def _plain(value: Any) -> Any:
    """As a recipe spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(str(_plain(item)) for item in value)
    return value
