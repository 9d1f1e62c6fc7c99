"""What an explanation of a cell consists of, and how it is spelled as a whole."""

from __future__ import annotations

import html
from dataclasses import dataclass, field

from elman.equations.styles import Latex, MathML, Style, Text

STYLES: dict[str, Style] = {"text": Text(), "latex": Latex(), "mathml": MathML()}


@dataclass(frozen=True)
class Path:
    """One summand of an equation, with a few words on where it comes from."""

    spellings: dict[str, str]
    note: str = ""


@dataclass(frozen=True)
class Equation:
    """`left = paths[0] + paths[1] + ...` in three spellings; `str` gives the text."""

    name: str
    left: dict[str, str]
    paths: tuple[Path, ...]

    def spelled(self, style: str) -> str:
        """The whole equation in "text", "latex" or "mathml" (without the surrounding `<math>`)."""
        s = STYLES[style]
        parts = [self.left[style], s.operator("=")]
        for k, path in enumerate(self.paths):
            parts += ([s.operator("+")] if k else []) + [path.spellings[style]]
        return s.join(*parts)

    @property
    def text(self) -> str:
        """As Unicode text."""
        return self.spelled("text")

    @property
    def latex(self) -> str:
        """As a line of LaTeX's `aligned`."""
        return self.spelled("latex")

    @property
    def mathml(self) -> str:
        """As a `<math>` element."""
        return f'<math display="block">{self.spelled("mathml")}</math>'

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Explanation:
    """A cell explained: what `explain` returns.

    Attributes:
        cell: its name.
        equations: one step forward.
        gradients: backpropagation through time.
        slopes: how the new state depends on the old one.
        reading: what that means for a gradient that travels far, in words.
        sections: all equations under their headings.
    """

    cell: str
    equations: tuple[Equation, ...]
    gradients: tuple[Equation, ...]
    slopes: tuple[Equation, ...]
    reading: tuple[str, ...]
    sections: tuple[tuple[str, tuple[Equation, ...]], ...] = field(repr=False)

    def text(self, *, gradients: bool = True) -> str:
        """For a terminal; paths of one gradient stand below each other with their notes."""
        lines = [f"{self.cell}", ""]
        for title, equations in self.sections if gradients else self.sections[:1]:
            lines += [title, *(line for e in equations for line in _text_lines(e)), ""]
        return "\n".join(lines + ([*self.reading, ""] if gradients else []))

    def latex(self, *, gradients: bool = True) -> str:
        """One `align*` block a section."""
        blocks = []
        for title, equations in self.sections if gradients else self.sections[:1]:
            body = " \\\\\n".join(f"  {e.latex}" for e in equations)
            blocks.append(f"% {title}\n\\begin{{align*}}\n{body}\n\\end{{align*}}")
        return "\n\n".join(blocks) + "\n"

    def mathml(self, *, gradients: bool = True) -> str:
        """One HTML fragment: a heading and a table of `<math>` elements a section, each path of a gradient in a row of its own."""
        parts = []
        for title, equations in self.sections if gradients else self.sections[:1]:
            rows = "\n".join(row for e in equations for row in _mathml_rows(e))
            parts.append(f'<h3>{html.escape(title)}</h3>\n<table class="equations">\n{rows}\n</table>')
        if gradients:
            parts += [f"<p>{html.escape(sentence)}</p>" for sentence in self.reading]
        return "\n".join(parts) + "\n"


def _text_lines(e: Equation) -> list[str]:
    if len(e.paths) == 1 and not e.paths[0].note:
        return [f"  {e.text}"]
    lines = []
    for k, path in enumerate(e.paths):
        start = f"  {e.left['text']} = " if k == 0 else " " * (len(e.left["text"]) + 3) + "+ "
        body = start + path.spellings["text"]
        lines.append(f"{body:<58}  {path.note}".rstrip())
    return lines


def _mathml_rows(e: Equation) -> list[str]:
    style = STYLES["mathml"]
    rows = []
    for k, path in enumerate(e.paths):
        left = f'<math displaystyle="true">{e.left["mathml"]}</math>' if k == 0 else ""
        right = style.join(style.operator("=" if k == 0 else "+"), path.spellings["mathml"])
        cells = (
            left,
            f'<math displaystyle="true">{right}</math>',
            f'<span class="note">{html.escape(path.note)}</span>',
        )
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return rows
