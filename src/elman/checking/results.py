"""A verdict in the forms that autograders read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elman.checking.verdict import Finding, Verdict


def gradescope(verdict: Verdict) -> dict[str, Any]:
    """Gradescope's `results.json`: a test for each question, with its score and what was found."""
    return {
        "output": verdict.subject,
        "output_format": "text",
        "tests": [
            {
                "name": f.name, "number": str(n), "score": f.earned, "max_score": f.points,
                "status": "passed" if f.outcome == "right" else "failed", "output": "\n".join(f.lines()), "tags": list(f.mistakes),
                "visibility": "visible",
            }
            for n, f in enumerate(verdict.findings, 1)
        ],
        "extra_data": {"mistakes": list(verdict.mistakes), "notes": list(verdict.notes)},
    }  # fmt: skip


def otter(verdict: Verdict) -> str:
    """Lines in the manner of otter: `q1 results: All test cases passed!`."""
    return "\n".join(_otter(n, f) for n, f in enumerate(verdict.findings, 1)) + "\n"


def _otter(number: int, finding: Finding) -> str:
    name = f"q{number} ({finding.name}) results:"
    if finding.outcome == "right":
        return f"{name} All test cases passed!"
    return "\n".join(
        [name, f"    q{number} result: Test case failed", *(f"    {line}" for line in finding.lines()[1:])]
    )


def mistake_counts(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """In how many verdicts each known mistake was recognised, the most frequent first."""
    counts: dict[str, int] = {}
    for verdict in verdicts:
        for name in verdict.mistakes:
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
