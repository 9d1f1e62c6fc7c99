"""The learning-rate range test in the terminal: the loss over the rate, the suggestion, and the option that sets it."""

from __future__ import annotations

import math

from rich.console import Console
from rich.text import Text

from elman.reports.dots import curve
from elman.reports.wording import number
from elman.training import RateRange

HEIGHT = 12
MARGIN = 10  # signs left of the chart, for the axis
ROOM = 0.3  # above the loss at the start, as a share of the fall below it: what diverges goes through the roof


def print_rate_range(found: RateRange, console: Console | None = None) -> None:
    """Print the chart, the reason in words, and the option."""
    console = console or Console()
    if len(found.rates) > 1:
        console.print(Text("loss, nats per target (smoothed), over the learning rate", style="bold"))
        for line in _chart(found, max(min(console.width - MARGIN - 2, 100), 20)):
            console.print(line, highlight=False, soft_wrap=True)
    console.print(Text(found.reason[:1].upper() + found.reason[1:] + "."))
    if found.suggestion is not None:
        console.print(Text(f"\n  --set training.rate={found.suggestion:g}\n", style="bold"))


def _chart(found: RateRange, width: int) -> list[Text]:
    bottom = min(found.smoothed)
    start = found.smoothed[0]
    top = min(max(found.smoothed), start + ROOM * (start - bottom))
    places = [math.log10(rate) for rate in found.rates]
    rows = curve(places, found.smoothed, width, HEIGHT, top, bottom)
    labels = {0: number(top, 3), HEIGHT - 1: number(bottom, 3)}
    lines = [
        Text.assemble((f"{labels.get(k, ''):>{MARGIN - 2}} ", "dim"), ("│", "dim"), (row, "cyan"))
        for k, row in enumerate(rows)
    ]
    return [
        *lines,
        Text(" " * (MARGIN - 1) + "└" + "─" * width, style="dim"),
        Text(" " * MARGIN + _ticks(places, width), style="dim"),
        *_mark(found, places, width),
    ]


def _ticks(places: list[float], width: int) -> str:
    """The powers of ten, each below its place where there is room for it."""
    row = [" "] * width
    free = 0
    for power in range(math.ceil(places[0] - 1e-9), math.floor(places[-1] + 1e-9) + 1):
        at = _column(power, places, width)
        if free <= at <= width - 3:
            row[at : at + len(f"1e{power}")] = f"1e{power}"
            free = at + len(f"1e{power}") + 2
    return "".join(row).rstrip()


def _mark(found: RateRange, places: list[float], width: int) -> list[Text]:
    if found.suggestion is None:
        return []
    at = _column(math.log10(found.suggestion), places, width)
    return [Text(" " * (MARGIN + at) + f"▲ {found.suggestion:g}", style="bold green")]


def _column(place: float, places: list[float], width: int) -> int:
    return round((place - places[0]) / ((places[-1] - places[0]) or 1.0) * (width - 1))
