"""Charts of a run: Python says what is drawn, charts.js how. Plotly's JavaScript ships inside its Python package: no network needed."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Literal

from plotly.offline import get_plotlyjs

from elman.reports.contents import Epoch, Score
from elman.reports.wording import html

FEW = 40  # points that are still marked one by one
WIDE = 30  # values that differ by more than this factor get a logarithmic axis


def head(script: str = "charts.js") -> str:
    """What the head of a page with charts needs: our style, Plotly and the script that draws, and a policy that allows nothing else.

    The policy forbids every request, and every script but these two, whatever a text on the page might contain.
    """
    # A parser ends a script at the first "</script", wherever it stands; JavaScript reads the escaped one the same.
    own = _own(script) + _own("drawing.js")
    scripts = [text.replace("</script", "<\\/script") for text in (get_plotlyjs(), own)]
    allowed = " ".join(f"'sha256-{_sha256(text)}'" for text in scripts)
    policy = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    return "\n".join(
        [
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<style>\n{_own('report.css')}</style>",
            *(f"<script>{text}</script>" for text in scripts),
            "",
        ]
    )


def charts(epochs: list[Epoch], clip_norm: float | None, unit: str) -> str:
    """Loss (nats per `unit`), accuracy, learning rate and gradient norm over epochs, as an HTML fragment."""
    drawn = [_loss(epochs, unit), *_accuracy(epochs), _rate(epochs), _norm(epochs, clip_norm)]
    loss, *others = map(chart_place, drawn)
    return f'{loss}\n<div class="charts">\n{"".join(others)}\n</div>\n{chart_data(drawn)}'


def chart_place(chart: Mapping[str, Any], label: str | None = None) -> str:
    """Where a script draws a chart; `label` (its title, if none is given) is for those who can't see it."""
    height = f' style="height: {chart["height"]}rem"' if "height" in chart else ""
    told = html(chart["title"] if label is None else label)
    return f'<div class="chart" id="{chart["id"]}" role="img" aria-label="{told}"{height}></div>'


def chart_data(drawn: Sequence[Mapping[str, Any]]) -> str:
    """What the script reads, once a page."""
    data = json.dumps(drawn, allow_nan=False).replace("<", "\\u003c")
    return (
        '<noscript><p class="note">The charts need JavaScript; the tables have their numbers.</p></noscript>\n'
        f'<script type="application/json" id="chart-data">{data}</script>\n'
    )


def _loss(epochs: list[Epoch], unit: str) -> dict[str, Any]:
    lines = []
    for name, colour in (("training", "--accent"), ("validation", "--second")):
        points = [(row.epoch, loss) for row in epochs if (loss := getattr(row, name))]
        hover = f"{name}: %{{y:.4f}} nats, %{{customdata[0]:.4f}} bits, perplexity %{{customdata[1]:.2f}}"
        lines.append(_line(name, colour, [(x, loss.per_symbol) for x, loss in points], hover))
        lines[-1]["more"] = [[loss.bits, _finite(loss.perplexity)] for _, loss in points]
    best = [(row.epoch, row.validation.per_symbol) for row in epochs if row.best and isinstance(row.validation, Score)]
    if best:
        lines.append(_line("best", "--second", best[-1:], None) | {"mode": "markers", "ring": True})
    return {"id": "chart-loss", "title": f"nats per {unit}", "lines": lines, "epochs": len(epochs)}


def _accuracy(epochs: list[Epoch]) -> list[dict[str, Any]]:
    lines = []
    parts: tuple[tuple[Literal["training", "validation"], str], ...] = (
        ("training", "--accent"), ("validation", "--second"),
    )  # fmt: skip
    for part, colour in parts:
        points = [(row.epoch, share) for row in epochs if (share := row.accuracy(part)) is not None]
        lines.append(_line(part, colour, points, f"{part}: %{{y:.2%}} right"))
    if not any(line["x"] for line in lines):
        return []
    return [{"id": "chart-accuracy", "title": "share told right", "lines": lines, "epochs": len(epochs)}]


def _rate(epochs: list[Epoch]) -> dict[str, Any]:
    points = [(row.epoch, row.rate) for row in epochs if row.rate is not None]
    line = _line("learning rate", "--accent", points, "learning rate %{y:.3g}")
    rates = {y for _, y in points}
    flat = {"range": [0, 2 * max(rates)]} if len(rates) == 1 else {}  # Plotly would show it between -1 and 1
    return {"id": "chart-rate", "title": "learning rate", "lines": [line], "epochs": len(epochs), **flat}


def _norm(epochs: list[Epoch], clip_norm: float | None) -> dict[str, Any]:
    rows = [(row, row.gradient_norm) for row in epochs if row.gradient_norm]
    largest = [(row.epoch, norm.max) for row, norm in rows]
    median = [(row.epoch, norm.median) for row, norm in rows]
    lines = [
        _line("largest", "--second", largest, "largest %{y:.3g} (%{customdata[0]} clipped, %{customdata[1]} skipped)"),
        _line("median", "--accent", median, "median %{y:.3g}"),
    ]
    lines[0]["more"] = [[row.clipped, row.skipped] for row, _ in rows]
    if clip_norm is not None and rows:
        ends = [(rows[0][0].epoch, clip_norm), (rows[-1][0].epoch, clip_norm)]
        lines.append(_line(f"clipped above {clip_norm:g}", "--soft", ends, None) | {"mode": "lines", "dash": "dot"})
    values = [y for _, y in largest + median]
    wide = bool(values) and min(values) > 0 and max(values) > WIDE * min(values)
    return {"id": "chart-norm", "title": "gradient norm", "lines": lines, "epochs": len(epochs), "logarithmic": wide}


def _line(name: str, colour: str, points: list[tuple[int, float]], hover: str | None) -> dict[str, Any]:
    mode = "lines+markers" if len(points) < FEW else "lines"
    x, y = [x for x, _ in points], [_finite(y) for _, y in points]
    return {"name": name, "colour": colour, "mode": mode, "x": x, "y": y, "hover": hover}


def _finite(value: float) -> float | None:
    """JSON has no infinities: such a point is left out."""
    return value if math.isfinite(value) else None


def _own(name: str) -> str:
    return resources.files("elman.reports").joinpath(name).read_text("utf-8")


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
