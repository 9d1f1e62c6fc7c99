"""The chart of a range test: dots where the numbers are, and the option to set."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from elman.reports.dots import Dots, curve
from elman.reports.rate_chart import print_rate_range
from elman.training.rate_test import read_curve

RATES = [10 ** (-6 + 7 * k / 99) for k in range(100)]
LOSSES = [4 - 2 / (1 + (3e-3 / r) ** 2) + (100 * r if r > 0.3 else 0) for r in RATES]


def printed(losses: list[float], width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    print_rate_range(read_curve(RATES[: len(losses)], losses, 10.0), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_one_dot_is_one_bit() -> None:
    """The eight signs with one dot, as Unicode numbers them."""
    for x, y, sign in (
        (0, 0, "⠁"),
        (1, 0, "⠈"),
        (0, 1, "⠂"),
        (1, 1, "⠐"),
        (0, 2, "⠄"),
        (1, 2, "⠠"),
        (0, 3, "⡀"),
        (1, 3, "⢀"),
    ):
        canvas = Dots(1, 1)
        canvas.dot(x, y)
        assert canvas.rows() == [sign]
    canvas = Dots(2, 2)
    canvas.dot(-1, 0)
    canvas.dot(4, 0)
    canvas.dot(0, 8)
    assert canvas.rows() == ["⠀⠀"] * 2


def test_lines_have_no_gaps() -> None:
    assert curve([0, 1], [1, 1], 3, 1, 1, 0) == ["⠉⠉⠉"]
    assert curve([0, 1], [0, 0], 3, 1, 1, 0) == ["⣀⣀⣀"]
    assert curve([0, 1], [1, 0], 2, 1, 1, 0) == ["⠑⢄"]
    assert curve([0, 1], [9, 9], 2, 1, 1, 0) == ["⠉⠉"]  # above the top: at the edge


@pytest.mark.parametrize("width", [30, 80, 200])
def test_the_chart_fits_and_says_what_to_set(width: int) -> None:
    text = printed(LOSSES, width)
    found = read_curve(RATES, LOSSES, 10.0)
    assert max(map(len, text.splitlines())) <= width
    assert f"--set training.rate={found.suggestion:g}" in text
    assert "1e-6" in text
    assert "falls fastest around" in " ".join(text.split())


def test_the_mark_stands_below_the_suggestion() -> None:
    lines = printed(LOSSES).splitlines()
    ticks = next(line for line in lines if "1e-6" in line)
    mark = next(line for line in lines if "▲" in line)
    assert ticks.index("1e-4") < mark.index("▲") < ticks.index("1e-1")


def test_where_nothing_can_be_said_there_is_no_option() -> None:
    for losses in ([], [3.0], [3.0] * 50):
        text = printed(losses)
        assert "--set" not in text
        assert text.strip()


@given(st.lists(st.floats(0, 1e9), max_size=100))
def test_any_curve_is_drawn(losses: list[float]) -> None:
    assert printed(losses)
