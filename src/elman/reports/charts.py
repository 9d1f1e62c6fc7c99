"""Charts of a run, with Plotly. Its JavaScript ships inside the Python package, so a page needs no network."""

from __future__ import annotations

import math
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

TRAINING, VALIDATION = "#7f93b2", "#2457c5"

# Plotly's colours are fixed when a chart is made; this follows the reader's light or dark scheme.
_FOLLOW_SCHEME = """
function scheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const ink = dark ? '#c7cfdb' : '#3b4554', line = dark ? '#333b47' : '#e3e7ee';
  for (const chart of document.querySelectorAll('.js-plotly-plot')) {
    Plotly.relayout(chart, {'font.color': ink, 'xaxis.gridcolor': line, 'yaxis.gridcolor': line,
                            'xaxis.linecolor': line, 'yaxis.linecolor': line});
  }
}
addEventListener('load', scheme);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', scheme);
"""


def scripts() -> str:
    """Plotly's JavaScript and ours, for the head of a page that has charts."""
    return f"<script>{get_plotlyjs()}</script>\n<script>{_FOLLOW_SCHEME}</script>\n"


def loss_chart(epochs: list[dict[str, Any]]) -> str:
    """Training and validation loss in nats per symbol over epochs, as an HTML fragment."""
    figure = go.Figure()
    for name, key, colour in (("training", "train", TRAINING), ("validation", "validation", VALIDATION)):
        points = [
            (row["epoch"], row[f"{key}_nats"] / row[f"{key}_count"])
            for row in epochs
            if row[f"{key}_nats"] is not None and row[f"{key}_count"]
        ]
        figure.add_scatter(
            x=[x for x, _ in points],
            y=[y for _, y in points],
            name=name,
            mode="lines+markers" if len(points) < 40 else "lines",
            line={"color": colour, "width": 2.5},
            customdata=[y / math.log(2) for _, y in points],
            hovertemplate="epoch %{x}<br>%{y:.4f} nats, %{customdata:.4f} bits<extra>" + name + "</extra>",
        )
    best = [row for row in epochs if row.get("best") and row["validation_nats"] is not None]
    if best:
        row = best[-1]
        figure.add_scatter(
            x=[row["epoch"]],
            y=[row["validation_nats"] / row["validation_count"]],
            name="best",
            mode="markers",
            marker={"size": 12, "symbol": "circle-open", "color": VALIDATION, "line": {"width": 2.5}},
            hovertemplate="best: epoch %{x}, %{y:.4f} nats<extra></extra>",
        )
    return _finish(figure, "nats per symbol", "loss")


def rate_chart(epochs: list[dict[str, Any]]) -> str:
    """The learning rate over epochs."""
    figure = go.Figure()
    _line(figure, "rate", [(row["epoch"], row["rate"]) for row in epochs], VALIDATION)
    return _finish(figure, "learning rate", "rate", height=220)


def norm_chart(epochs: list[dict[str, Any]]) -> str:
    """Median and largest norm of the gradient over epochs, before clipping."""
    figure = go.Figure()
    rows = [row for row in epochs if row.get("gradient_norm")]
    for name, colour in (("max", TRAINING), ("median", VALIDATION)):
        _line(figure, name, [(row["epoch"], row["gradient_norm"][name]) for row in rows], colour)
    return _finish(figure, "gradient norm", "norm", height=220)


def _line(figure: Any, name: str, points: list[tuple[int, float]], colour: str) -> None:
    figure.add_scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        name=name,
        mode="lines",
        line={"color": colour, "width": 2.5},
        hovertemplate="epoch %{x}: %{y:.3g}<extra>" + name + "</extra>",
    )


def _finish(figure: Any, title: str, name: str, height: int = 360) -> str:
    figure.update_layout(
        height=height,
        margin={"l": 60, "r": 15, "t": 10, "b": 45},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "y": 1.08, "x": 0},
        hovermode="closest",
    )
    figure.update_xaxes(title="epoch", showline=True, zeroline=False)
    figure.update_yaxes(title=title, showline=True, zeroline=False)
    config = {"displayModeBar": False, "responsive": True}  # drag to zoom, double-click to see all again
    drawn: str = figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"chart-{name}", config=config)
    return f'<div class="chart">{drawn}</div>'
