"""Explanations and worked examples as pages of their own."""

from __future__ import annotations

from html import escape

from elman.engines.layer import Array
from elman.equations.display import Display
from elman.equations.explanation import Explanation
from elman.equations.styles import MathML
from elman.insight.heads import OUTPUTS
from elman.insight.numbers import one, vector
from elman.insight.worked import Worked, WorkedStep
from elman.insight.worked_text import equations, shares
from elman.pages import frame


def explanation_page(explanation: Explanation, *, gradients: bool = True) -> str:
    """A cell's explanation as one HTML file."""
    title = f"The cell {explanation.cell}"
    return frame(
        title, f'<h1>{escape(title)}</h1>\n<section class="wide">{explanation.mathml(gradients=gradients)}</section>\n'
    )


def worked_page(w: Worked, digits: int) -> str:
    """A worked example as one HTML file: equations on the left, their numbers on the right."""
    title = f"{w.cell}, worked through"
    about = f"{len(w.steps)} steps, {w.paper.layer.inputs} inputs, {w.paper.layer.units} units"
    parts = [f"<h1>{escape(title)}</h1>", f'<p class="about">{about}</p>']
    parts += [_forward(w, step, t, digits) for t, step in enumerate(w.steps, 1)]
    if w.loss is not None:
        parts.append(f'<p class="figure">Loss, summed over the steps: <strong>{one(w.loss, digits)}</strong></p>')
        parts += [_backward(w, t, digits) for t in range(len(w.steps), 0, -1)]
        parts.append(_gradients(w, digits))
    return frame(title, "\n".join(parts) + "\n")


def _forward(w: Worked, step: WorkedStep, t: int, digits: int) -> str:
    display = Display(MathML(), w.paper.output, w.biases)
    rows = [_row(_math(display.style.name("x", str(t))), vector(step.x, digits))]
    for name, expr in equations(w):
        left, right = display.quantity(name, str(t)), display.expression(expr, str(t))[0]
        rows.append(
            _row(
                _math(display.style.join(left, display.style.operator("="), right)),
                vector(step.quantities[name], digits),
            )
        )
    if w.head.weight is not None:
        rows.append(_row("output before its function", vector(step.logits, digits)))
        rows.append(_row(escape(OUTPUTS[w.head.output][0]), vector(step.y, digits)))
    if step.loss is not None:
        rows.append(_row(escape(OUTPUTS[w.head.output][1]), one(step.loss, digits)))
    return _section(f"Step {t}", rows)


def _backward(w: Worked, t: int, digits: int) -> str:
    display = Display(MathML(), w.paper.output)
    step = w.steps[t - 1]
    rows = []
    for name in w.paper.derivation.order:
        rows.append(_row(_math(display.quantity(name, str(t), delta=True)), vector(step.deltas[name], digits)))
        rows += [
            f"<tr><td class='note'>{escape(note)}</td><td class='number note'>{vector(share, digits)}</td></tr>"
            for note, share in shares(w, name, t)
        ]
    return _section(f"Backward, step {t}", rows)


def _gradients(w: Worked, digits: int) -> str:
    rows = [_row(escape(name), _matrix(w.gradients[name], digits)) for name in w.steps[0].gradients]
    return _section("Gradients of the parameters, summed over the steps", rows)


def _math(inner: str) -> str:
    return f"<math>{inner}</math>"


def _row(left: str, right: str) -> str:
    return f"<tr><td>{left}</td><td class='number'>{right}</td></tr>"


def _section(title: str, rows: list[str]) -> str:
    return f"<section><h2>{escape(title)}</h2>\n<table class='worked'>\n" + "\n".join(rows) + "\n</table></section>"


def _matrix(values: Array, digits: int) -> str:
    return "<br>".join(vector(row, digits) for row in values) if values.ndim == 2 else vector(values, digits)
