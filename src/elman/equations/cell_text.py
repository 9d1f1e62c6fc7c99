"""A cell as text and back. Every model folder holds its cell this way, so that it loads without its author's Python.

cell lstm
gates i, f, g, o
state h, c
forget f
i = sigmoid(x.i + h.i)
...
h = o * tanh(c)
"""

from __future__ import annotations

from typing import Any

from elman.cells.cell import Cell, Names
from elman.equations.expression import evaluate, symbols
from elman.equations.grammar import MAX_CHARACTERS, parse, render
from elman.equations.tracing import Trace, trace
from elman.errors import CellError

MAX_ASSIGNMENTS = 256
_HEADERS = ("cell", "gates", "state", "vectors", "forget")


def cell_to_text(cell: Cell | Trace) -> str:
    """The equations of a cell as text; running what `cell_from_text` makes of it gives the same numbers to the last bit.

    Raises:
        CellError: the step can't be traced, or is larger than what is read back.
    """
    t = cell if isinstance(cell, Trace) else trace(cell)
    lines = [f"cell {t.name}"]
    lines += [f"gates {', '.join(t.gates)}"] if t.gates else []
    lines.append(f"state {', '.join(t.state)}")
    lines += [f"vectors {', '.join(t.vectors)}"] if t.vectors else []
    lines += [f"forget {t.forget_gate}"] if t.forget_gate else []
    lines += [f"{name} = {render(expr)}" for name, expr in t.assignments]
    text = "\n".join(lines) + "\n"
    if len(t.assignments) > MAX_ASSIGNMENTS or len(text) > MAX_CHARACTERS:
        raise CellError(
            f"cell {t.name} has more than {MAX_ASSIGNMENTS} equations or {MAX_CHARACTERS} characters; such a cell can't be saved"
        )
    return text


def cell_from_text(text: str) -> Cell:
    """The cell that a text says.

    Raises:
        CellError: the text is not of the grammar, or its step does not hold together; the message names the line.
    """
    if len(text) > MAX_CHARACTERS:
        raise CellError(f"a cell's text is at most {MAX_CHARACTERS} characters long; this one has {len(text)}")
    headers: dict[str, str] = {}
    equations: list[tuple[str, str, str]] = []
    for count, line in enumerate(text.splitlines(), 1):
        where = f"cell text, line {count}"
        first, _, rest = line.strip().partition(" ")
        name, equals, right = line.partition("=")
        if not line.strip():
            continue
        if equals:
            equations.append((name.strip(), right, where))
        elif first in _HEADERS and first not in headers:
            headers[first] = rest.strip()
        else:
            raise CellError(
                f"{where}: expected `name = expression` or one of {', '.join(_HEADERS)} (once each); found {line.strip()[:80]!r}"
            )
    if len(equations) > MAX_ASSIGNMENTS:
        raise CellError(f"a cell's text has at most {MAX_ASSIGNMENTS} equations; this one has {len(equations)}")
    cell = TextCell(headers, equations)
    trace(cell)  # complains about circles, missing states and unknown names now rather than at the first use
    return cell


class TextCell(Cell):
    """A cell whose step evaluates parsed equations."""

    def __init__(self, headers: dict[str, str], equations: list[tuple[str, str, str]]) -> None:
        names = {
            k: tuple(n.strip() for n in headers[k].split(",")) for k in ("gates", "state", "vectors") if k in headers
        }
        self.gates = names.get("gates", ())
        self.state = names.get("state", ())
        self.vectors = names.get("vectors", ())
        self.forget_gate = headers.get("forget")
        self._title = headers.get("cell") or "cell"
        self._equations = []
        known: set[str] = set()
        for name, right, where in equations:
            expr = parse(right, where)
            unknown = [n for k, n in (leaf.arguments for leaf in symbols(expr)) if k == "q" and n not in known]
            if unknown:
                raise CellError(
                    f"{where}: {unknown[0]!r} is not computed above this line (previous values are s.{unknown[0]})"
                )
            if name in known:
                raise CellError(f"{where}: {name!r} is computed a second time")
            known.add(name)
            self._equations.append((name, expr))

    @property
    def title(self) -> str:
        """The name that the text gives."""
        return self._title

    def step(self, x: Any, h: Any, s: Any, p: Any = None) -> dict[str, Any]:
        """One step."""
        blocks = {"x": x, "h": h, "s": s, "p": p if p is not None else Names("p", {})}
        computed: dict[str, Any] = {}
        for name, expr in self._equations:
            computed[name] = evaluate(
                expr,
                lambda kind, key: computed[key] if kind == "q" else blocks[kind][key],
                lambda gate, vector: h(vector)[gate],
            )
        return computed
