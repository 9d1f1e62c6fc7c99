"""A strict reader of our pages: it complains of what a browser would silently repair."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img"}
REFERENCES = {"src", "href", "action", "data", "poster", "srcset", "formaction", "background", "xlink:href", "ping"}


class Page(HTMLParser):
    """Elements, attributes, ids and texts of a page.

    Attributes:
        scripts: (attributes, content) of each script element.
        styles: content of each style element.
        elements: (tag, attributes) in their order.
        text: everything that is shown, blanks joined.
        cells: texts of the table cells, in their order.
        warnings: what is shown as a warning.
    """

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.styles: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.warnings = ""
        self._shown: list[str] = []
        self._open: list[str] = []
        self._warning = False
        assert page.startswith("<!DOCTYPE html>\n")
        self.feed(page)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    @property
    def text(self) -> str:
        return " ".join("".join(self._shown).split())

    @property
    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    @property
    def references(self) -> list[str | None]:
        return [value for _, attributes in self.elements for name, value in attributes.items() if name in REFERENCES]

    def tags(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice in <{tag}>"
        self.elements.append((tag, dict(attrs)))
        if tag in VOID:
            return
        if tag == "p":
            assert "p" not in self._open, "a paragraph in a paragraph"
        self._open.append(tag)
        self._warning = tag == "p" and ("class", "warning") in attrs
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        elif tag == "style":
            self.styles.append("")
        elif tag == "td":
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        message = f"<{tag}/> is no HTML"
        raise AssertionError(message)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "script":
            attributes, content = self.scripts[-1]
            self.scripts[-1] = attributes, content + data
        elif inside == "style":
            self.styles[-1] += data
        else:
            self._shown.append(data)
            self.warnings += data if self._warning and inside == "p" else ""
            if "td" in self._open:
                self.cells[-1] += data
