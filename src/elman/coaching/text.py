"""Findings in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from elman.coaching.finding import Finding, Severity

STYLES: dict[Severity, str] = {"serious": "bold red", "notable": "bold yellow", "slight": "bold cyan"}
NOTHING = "The coach found nothing wrong with this training."


def print_advice(findings: Sequence[Finding], console: Console | None = None) -> None:
    """Print each finding: what is wrong, the figure that shows it, and the option to change."""
    console = console or Console()
    if not findings:
        console.print(Text(NOTHING))
        return
    for finding in findings:
        console.print(Text.assemble((finding.symptom, STYLES[finding.severity]), "  ", printable(finding.figure)))
        console.print(Text(f"  {printable(finding.sentence)}"))
        if finding.option:
            console.print(Text(f"  try: --set {printable(finding.option)}", style="bold"))


def printable(text: str) -> str:
    """One line that can't steer the terminal: the name of a class comes from a stranger."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
