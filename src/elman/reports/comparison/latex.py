"""The tables of a comparison for a LaTeX document that loads booktabs."""

from __future__ import annotations

import re

from elman.reports.comparison import sentences
from elman.reports.comparison.contents import Comparison
from elman.reports.comparison.tables import Table, cost_table, leakage_table, main_table, order_table
from elman.reports.wording import visible

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
    "`": r"\textasciigrave{}", "–": r"\textendash{}", "\n": " ", "\t": " ", "[": "{[}", "]": "{]}",
}  # fmt: skip


def latex(comparison: Comparison) -> str:
    r"""One table environment each, to be read with \input."""
    tested = " ".join(sentences.tested(test, comparison) for test in comparison.tests)
    tables = [
        (main_table(comparison), "comparison", tested),
        (cost_table(comparison), "cost", sentences.intervals(comparison)),
        (order_table(comparison), "order", sentences.order(comparison)),
        (leakage_table(comparison), "leakage", sentences.leakage(comparison)),
    ]
    head = "% Needs \\usepackage{booktabs}.\n"
    return head + "\n".join(_table(table, label, said) for table, label, said in tables if table)


def escape(text: str) -> str:
    """Text that LaTeX prints as it is."""
    return re.sub("-(?=-)", "-{}", "".join(_SIGNS.get(sign, sign) for sign in visible(text)))  # two hyphens stay two


def _table(table: Table, label: str, said: str) -> str:
    rows = []
    for place, row in enumerate(table.rows):
        cells = [escape(cell) for cell in row]
        rows.append(" & ".join(rf"\textbf{{{cell}}}" if place == table.best else cell for cell in cells) + r" \\")
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape(table.caption)}. {escape(said)}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
        r"\toprule",
        " & ".join(escape(column) for column in table.columns) + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
        "",
    ]
    return "\n".join(lines)
