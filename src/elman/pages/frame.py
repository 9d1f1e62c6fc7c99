"""The frame of a page: head, style, body. No request leaves the page, so it opens from a USB stick."""

from __future__ import annotations

from html import escape
from importlib import resources


def frame(title: str, body: str, *, scripts: str = "") -> str:
    """A complete HTML document.

    Args:
        title: plain text; it is escaped.
        body: HTML whose texts are escaped already.
        scripts: `<script>` elements for the end of the head.
    """
    style = resources.files("elman.pages").joinpath("style.css").read_text("utf-8")
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n{scripts}</head>\n"
        f"<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
