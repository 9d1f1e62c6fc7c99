"""The charts of a comparison: Python says what is drawn, comparison.js how."""

from __future__ import annotations

import math
from html import escape
from typing import Any

from elman.reports.comparison.contents import Comparison, Row
from elman.reports.comparison.tables import interval
from elman.reports.wording import duration, number, visible

COLOURS = 9
"""Of comparison.css."""
MOST_CLASSES = 30
"""More would not be readable in a heat map."""
WIDE = 30
"""Losses that differ by more than this factor get a logarithmic axis."""


def accuracies(comparison: Comparison) -> dict[str, Any]:
    """A bar for each row, its interval, and where it falls to when the words are shuffled."""
    points = [
        {
            "name": _name(row),
            "label": number(row.accuracy.value, 3),
            "shuffled": row.shuffled.value if row.shuffled else None,
            **_point(row, "--accent" if row is comparison.winner else "--c8" if row.kind == "baseline" else "--c5"),
        }
        for row in comparison.rows
    ]
    return {"id": "chart-accuracy", "kind": "bars", "points": points, "height": 6 + 2.3 * len(points)}


def cost(comparison: Comparison) -> dict[str, Any]:
    """Seconds of training against accuracy; rows that learn nothing are left out."""
    rows = [row for row in comparison.rows if row.seconds.value > 0.005 or row.kind == "model"]
    seconds = [max(row.seconds.value, 1e-3) for row in rows]
    low, high = math.log10(min(seconds)), math.log10(max(seconds))
    margin = 0.15 + 0.05 * (high - low)
    points = [
        {
            "name": _name(row),
            "seconds": at,
            "best": row is comparison.winner,
            "symbol": "circle" if row.kind == "model" else "square",
            **_point(row, _colour(comparison, row)),
        }
        for row, at in zip(rows, seconds, strict=True)
    ]
    return {"id": "chart-cost", "kind": "cost", "points": points, "range": [low - margin, high + margin], "height": 25}


def curves(comparison: Comparison) -> list[dict[str, Any]]:
    """Loss and accuracy on the validation part over epochs, a line for each row: its attempt with the first seed."""
    rows = [row for row in comparison.rows if row.attempts[0].curve]
    charts = []
    for key, title in (("loss", "validation loss, nats per text"), ("accuracy", "validation accuracy")):
        lines = [_line(comparison, row, key) for row in rows]
        values = [y for line in lines for y in line["y"] if y is not None]
        wide = bool(values) and 0 < WIDE * min(values) < max(values)
        name, height = f"chart-validation-{key}", 22 + len(lines) // 3
        charts.append(
            {"id": name, "kind": "curves", "title": title, "lines": lines, "logarithmic": wide, "height": height}
        )
    return charts if rows else []


def confusion(comparison: Comparison) -> dict[str, Any] | None:
    """Of the texts of each class, which share got which answer; None for more classes than one can look at."""
    classes = [visible(name) for name in comparison.data.classes]
    if len(classes) > MOST_CLASSES:
        return None
    shares = [[count / max(sum(row), 1) for count in row] for row in comparison.confusion]
    labels = [[f"{count:,}" for count in row] for row in comparison.confusion]
    return {
        "id": "chart-confusion", "kind": "heatmap", "classes": classes, "shares": shares,
        "counts": [list(row) for row in comparison.confusion], "labels": labels,
        "height": 11 + 2.6 * len(classes),
    }  # fmt: skip


def _line(comparison: Comparison, row: Row, key: str) -> dict[str, Any]:
    curve = row.attempts[0].curve
    return {
        "name": _name(row),
        "colour": _colour(comparison, row),
        "best": row is comparison.winner,
        "x": [point.epoch for point in curve],
        "y": [_finite(getattr(point, key)) for point in curve],
    }


def _point(row: Row, colour: str) -> dict[str, Any]:
    value, low, high = row.accuracy.value, row.accuracy.low, row.accuracy.high
    return {
        "value": value,
        "below": 0 if low is None else value - low,
        "above": 0 if high is None else high - value,
        "colour": colour,
        "told": f"{interval(row.accuracy)}, {duration(row.seconds.value)} of training, {row.parameters:,} parameters",
    }


def _colour(comparison: Comparison, row: Row) -> str:
    """The same in every chart."""
    if row.kind == "baseline":
        return f"--c{COLOURS - 1}"
    models = [other for other in comparison.rows if other.kind == "model"]
    return f"--c{models.index(row) % (COLOURS - 1)}"


def _name(row: Row) -> str:
    """Plotly takes a few tags in texts for markup, and a broken line for a line."""
    return escape(visible(" ".join(row.title.split())), quote=False)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
