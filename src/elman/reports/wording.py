"""How texts and numbers are shown, on the page and in the terminal."""

from __future__ import annotations

import math
from html import escape

_REPLACEMENT = 0xFFFD
_CONTROL_PICTURES = 0x2400
# What would steer a terminal or turn the page's direction around becomes visible; ends of lines and tabs stay.
_VISIBLE = (
    {code: _CONTROL_PICTURES + code for code in range(0x20) if chr(code) not in "\n\t"}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0x80, 0xA0), _REPLACEMENT)
    | dict.fromkeys((0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), _REPLACEMENT)
    | dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT)
)


def visible(text: str) -> str:
    """A text whose control characters, bidirectional ones included, are signs instead."""
    return text.translate(_VISIBLE)


def in_line(text: str) -> str:
    """A visible text in one line, such as a name: a stranger's must not start a line of its own."""
    return visible(" ".join(text.split()))


def html(value: object) -> str:
    """Any value as text of an HTML page, or of an attribute."""
    return escape(visible(str(value)))


def duration(seconds: float) -> str:
    """3.2 s, 2 min 5 s, 1 h 10 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def number(value: float | None, digits: int = 4) -> str:
    """With so many decimals; a dash for what is not there."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def small(value: float | None) -> str:
    """Three significant digits; a dash for what is not there."""
    return "–" if value is None or math.isnan(value) else f"{value:.3g}"
