"""A comparison as Markdown, with tables as GitHub and Pandoc read them."""

from __future__ import annotations

import re

from elman.reports.comparison import sentences
from elman.reports.comparison.contents import Comparison
from elman.reports.comparison.tables import Table, cost_table, leakage_table, main_table, order_table
from elman.reports.wording import visible


def markdown(comparison: Comparison) -> str:
    """The tables, and what they say."""
    data = comparison.data
    cost, order, leakage = cost_table(comparison), order_table(comparison), leakage_table(comparison)
    blocks = [
        f"# {escape(comparison.title)}",
        escape(comparison.about),
        _table(main_table(comparison)),
        *map(
            escape, (sentences.chosen(comparison), *(sentences.tested(test, comparison) for test in comparison.tests))
        ),
        escape(sentences.how_tested(comparison)),
        f"## {cost.caption}",
        _table(cost),
        escape(sentences.intervals(comparison)),
        *([f"## {order.caption}", _table(order), escape(sentences.order(comparison))] if order else []),
        *([f"## {leakage.caption}", _table(leakage), escape(sentences.leakage(comparison))] if leakage else []),
        "## Data",
        escape(
            f"{data.title}: {data.train:,} texts for training, {data.validation:,} for validation, {data.test:,} for testing; "
            f"classes {', '.join(data.classes)}. {sentences.WHY_THREE_PARTS}"
        ),
        "\n".join(f"- {escape(note)}" for note in data.notes),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escape(text: str) -> str:
    """Text on one line that no reader of Markdown takes for markup."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$&!])", r"\\\1", " ".join(visible(text).split()))


def _table(table: Table) -> str:
    lines = [
        "| " + " | ".join(map(escape, table.columns)) + " |",
        "| " + " | ".join([":--", *["--:"] * (len(table.columns) - 1)]) + " |",
    ]
    for place, row in enumerate(table.rows):
        cells = [
            f"**{escape(cell)}**" if place == table.best and k == 0 else escape(cell) for k, cell in enumerate(row)
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
