"""How far back gradients reach, in the terminal and as one HTML file."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from elman.insight.gradient_flow import Flow
from elman.pages import frame
from elman.reports.charts import chart_data, chart_place, head
from elman.reports.dots import curve
from elman.reports.tables import facts, numbers
from elman.reports.wording import html, small

TITLE = "How far back a gradient reaches"
ABOUT = (
    "The norm of dL/dh_t over the steps t of one sequence, for a loss that only looks at the last step. The same inputs, in float64, "
    "for each cell and start."
)
READING = (
    "What one step back multiplies the gradient by decides: a factor of 0.8 leaves 0.00002 after 50 steps, 1.2 makes 9,000 of 1.",
    "An LSTM is no exception: along c it is multiplied by the forget gate at each step, and with a bias of 0 or 1 it vanishes.",
    "But it can learn, or start, to hold its gates open, and then keeps the gradient. An Elman network has no such gate.",
    "An eigenvalue of 1 does not save an Elman network with tanh: the slope of tanh is below 1 wherever a unit is not 0.",
    "Clipping by norm shortens a gradient that explodes and keeps its direction; cutting each number by itself turns it.",
    "Neither brings back what has vanished.",
)
_ABOUT_MEMORY = (
    '<p class="note">The gradient of the memory, dL/dc_t: at each step back it is multiplied by the forget gate, and what comes '
    "through h is added.</p>"
)
_ABOUT_CLIPPING = (
    '<p class="note">The gradient of all weights together: its norm, also when it is clipped at a norm of 1, and when each number is '
    "cut at 0.1; and by how many degrees cutting turns it.</p>"
)
COLOURS = ("--accent", "--second", "--good", "--seen", "--soft")
DASHES = ("solid", "dot", "dash")
_COLUMNS = ("cell and start", "first step", "last step", "a step back", "it", "largest eigenvalue", "forget gate")
_CLIP = ("cell and start", "norm of the gradient", "clipped by norm", "cut by value", "turned by")


def print_flows(flows: Sequence[Flow], console: Console | None = None) -> None:
    """Print a small chart and the numbers of every case, and how to read them."""
    console = console or Console()
    console.print(Text(TITLE, style="bold"))
    console.print(Text(ABOUT, style="dim"))
    grid = Table(box=None, padding=(0, 1), header_style="dim")
    grid.add_column("cell and start")
    grid.add_column(f"t = 1 ... {len(flows[0].norms)} (log)")
    for heading in ("a step back", "it"):
        grid.add_column(heading, justify="right")
    for flow in flows:
        grid.add_row(
            Text(f"{flow.case.title}\n{flow.case.why}"), Text("\n".join(_sparkline(flow)), style="cyan"),
            f"x {flow.factor:.3f}", flow.fate,
        )  # fmt: skip
    console.print(grid)
    for sentence in READING:
        console.print(Text(f"- {sentence}"))


def _sparkline(flow: Flow) -> list[str]:
    logs = [math.log10(max(norm, 1e-30)) for norm in flow.norms]
    return curve(list(range(len(logs))), logs, 25, 2, max(*logs, 1.0), min(*logs, -3.0))


def flow_page(flows: Sequence[Flow]) -> str:
    """The measurement as one HTML file: the chart, the numbers, what clipping changes, and how to read them."""
    chart = {
        "id": "chart-flow", "title": "norm of dL/dh_t", "axis": "step t", "logarithmic": True, "epochs": len(flows[0].norms),
        "lines": [_line(flow, k) for k, flow in enumerate(flows)],
    }  # fmt: skip
    memory = [flow for flow in flows if flow.memory]
    body = [
        f"<h1>{html(TITLE)}</h1>",
        f'<p class="about">{html(ABOUT)}</p>',
        chart_place(chart),
        numbers(_COLUMNS, [_row(flow) for flow in flows]),
        *(f"<p>{html(sentence)}</p>" for sentence in READING),
        "<h2>What each shows</h2>",
        facts({flow.case.title: flow.case.why for flow in flows}),
        "<h2>Along the memory of an LSTM</h2>",
        _ABOUT_MEMORY,
        numbers(
            ("cell and start", "dL/dc at the first step", "at the last", "forget gate, mean"),
            [
                (f.case.title, small(f.memory[0]), small(f.memory[-1]), small(sum(f.forget) / len(f.forget)))
                for f in memory
            ],
        ),
        "<h2>Clipping</h2>",
        _ABOUT_CLIPPING,
        numbers(_CLIP, [_clipped(flow) for flow in flows]),
        chart_data([chart]),
    ]
    return frame(TITLE, "\n".join(body) + "\n", scripts=head())


def _line(flow: Flow, k: int) -> dict[str, object]:
    return {
        "name": flow.case.title, "colour": COLOURS[k % len(COLOURS)], "mode": "lines", "dash": DASHES[k // len(COLOURS)],
        "x": list(range(1, len(flow.norms) + 1)), "y": [n if n > 0 and math.isfinite(n) else None for n in flow.norms],
        "hover": f"{flow.case.title}: %{{y:.3g}}",
    }  # fmt: skip


def _row(flow: Flow) -> tuple[str, ...]:
    gate = f"{sum(flow.forget) / len(flow.forget):.3f}" if flow.forget else "–"
    return (
        flow.case.title, small(flow.norms[0]), small(flow.norms[-1]), f"x {flow.factor:.3f}", flow.fate,
        "–" if flow.radius is None else f"{flow.radius:.3f}", gate,
    )  # fmt: skip


def _clipped(flow: Flow) -> tuple[str, ...]:
    c = flow.clipped
    return flow.case.title, small(c.norm), small(c.by_norm), small(c.by_value), f"{c.turned:.0f}°"
