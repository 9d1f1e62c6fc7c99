"""A worked example as text."""

from __future__ import annotations

from elman.engines.layer import Array
from elman.equations.derivation import Special
from elman.equations.display import Display
from elman.equations.expression import Expr, symbol
from elman.equations.styles import Text
from elman.insight.heads import OUTPUTS
from elman.insight.numbers import matrix, one, vector
from elman.insight.worked import Worked, WorkedStep


def worked_text(w: Worked, digits: int) -> str:
    """Each step with its equations and numbers; then the gradients, if there are any."""
    lines = [f"{w.cell}: {len(w.steps)} steps, {w.paper.layer.inputs} inputs, {w.paper.layer.units} units"]
    for t, step in enumerate(w.steps, 1):
        lines += ["", f"Step {t}", *_forward(w, step, t, digits)]
    if w.loss is not None:
        lines += ["", f"Loss, summed over the steps: {one(w.loss, digits)}"]
        lines += _backward(w, digits)
    return "\n".join(lines) + "\n"


def _forward(w: Worked, step: WorkedStep, t: int, digits: int) -> list[str]:
    display = Display(Text(), w.paper.output, w.biases)
    lines = [f"  x_{t} = {vector(step.x, digits)}"]
    for name, expr in equations(w):
        left = display.quantity(name, str(t))
        right = display.expression(expr, str(t))[0]
        lines += [f"  {left} = {right}", f"  {' ' * len(left)} = {vector(step.quantities[name], digits)}"]
    if w.head.weight is not None:
        lines.append(
            f"  z_{t} = W_hy h_{t}{' + b_y' if w.head.bias is not None else ''} = {vector(step.logits, digits)}"
        )
    if w.head.weight is not None or step.loss is not None:
        lines.append(
            f"  y_{t} = {w.head.output}(z_{t}) = {vector(step.y, digits)}"
            if w.head.output != "linear"
            else f"  y_{t} = z_{t}"
        )
    if step.loss is not None:
        lines.append(f"  {OUTPUTS[w.head.output][1].replace('L_t', f'L_{t}')} = {one(step.loss, digits)}")
    return lines


def equations(w: Worked) -> list[tuple[str, Expr]]:
    """The tape of a step as expressions: insides of functions first, then what the cell names."""
    found = []
    for name, rhs in w.paper.derivation.tape:
        if isinstance(rhs, Special):
            argument = symbol("q", rhs.argument)
            found.append(
                (name, Expr("map", rhs.gate, argument) if rhs.kind == "map" else Expr("call", "mean", argument))
            )
        else:
            found.append((name, rhs))
    return found


def shares(w: Worked, name: str, t: int) -> list[tuple[str, Array]]:
    """The summands of a state's δ at step t with a few words each, and what the path along it has kept; nothing where there is one."""
    step = w.steps[t - 1]
    paths = {where: share for where, share in step.paths.get(name, {}).items() if share.any()}
    words = {
        "loss": "from the loss of this step", "final": "from the final state", "step": f"through {{}}_{t}",
        "next": f"along {name}, through {{}}_{t + 1}: no matrix", "matrix": f"through W_h{{}} of step {t + 1}",
    }  # fmt: skip
    found = [(words[kind].format(via), share) for (kind, via), share in paths.items()] if len(paths) > 1 else []
    if name in step.kept and t < len(w.steps):
        slope = Display(Text(), w.paper.output).expression(w.paper.derivation.slopes[name]["s", name], "t")[0]
        steps = f"step {t + 1}" if t + 1 == len(w.steps) else f"steps {t + 1} to {len(w.steps)}, multiplied,"
        found.append((f"along {name} alone {slope} of {steps} leaves of 1", step.kept[name]))
    return found


def _backward(w: Worked, digits: int) -> list[str]:
    lines = ["", "Backward, from the last step to the first (δq = ∂L/∂q)"]
    display = Display(Text(), w.paper.output)
    for t in range(len(w.steps), 0, -1):
        lines.append(f"  Step {t}")
        for name in w.paper.derivation.order:
            left = display.quantity(name, str(t), delta=True)
            lines.append(f"    {left} = {vector(w.steps[t - 1].deltas[name], digits)}")
            lines += [f"    {' ' * len(left)}   {note}: {vector(share, digits)}" for note, share in shares(w, name, t)]
    lines += ["", "Gradients of the parameters: the share of each step, and the sum"]
    for name in w.steps[0].gradients:
        for t, step in enumerate(w.steps, 1):
            head = f"  {name}, step {t}: "
            lines.append(head + matrix(step.gradients[name], digits, " " * len(head)))
        head = f"  {name}, sum: "
        lines.append(head + matrix(w.gradients[name], digits, " " * len(head)))
    return lines
