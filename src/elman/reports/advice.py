"""What the coach says, as a part of the page."""

from __future__ import annotations

from collections.abc import Sequence

from elman.coaching import NOTHING, Finding
from elman.reports.wording import html


def advice_section(findings: Sequence[Finding]) -> list[str]:
    """The findings, most severe first, each with its figure and the option to change."""
    if not findings:
        return ["<h2>Coach</h2>", f'<p class="note">{html(NOTHING)}</p>']
    items = "\n".join(_item(finding) for finding in findings)
    return ["<h2>Coach</h2>", f'<ul class="advice">\n{items}\n</ul>']


def _item(finding: Finding) -> str:
    option = f" Try <code>--set {html(finding.option)}</code>." if finding.option else ""
    return (
        f'<li class="{finding.severity}"><b>{html(finding.symptom)}</b>: {html(finding.figure)}. '
        f"{html(finding.sentence)}{option}</li>"
    )
