"""Explain a cell: its equations, the derived backward pass, and what happens to a gradient on its way through time."""

from __future__ import annotations

from elman.cells import registry
from elman.cells.cell import Cell
from elman.equations.derivation import Derivation, Special, derive
from elman.equations.display import PRODUCT, SUM, WHOLE, Display
from elman.equations.explanation import STYLES, Equation, Explanation, Path
from elman.equations.expression import Expr
from elman.equations.tracing import trace


def explain(cell: str | Cell, *, bias: bool = True) -> Explanation:
    """Explain a cell, from its `step` alone.

    Args:
        cell: a name or an object.
        bias: write the affine maps with their biases.

    Raises:
        InputError: unknown name. CellError: the step can't be traced.
    """
    return _Explainer(derive(trace(registry.get(cell))), bias).explanation()


class _Explainer:
    """Builds the sections of an explanation from a derivation."""

    def __init__(self, derivation: Derivation, bias: bool) -> None:
        self.d = derivation
        self.trace = derivation.trace
        self.output = self.trace.state[0]
        self.displays = {name: Display(style, self.output, "ih" if bias else "") for name, style in STYLES.items()}
        self.bias = bias

    def explanation(self) -> Explanation:
        forward = tuple(self.equation(name, name, [(expr, "")]) for name, expr in self.trace.assignments)
        inner = tuple(self.inner(name, rhs) for name, rhs in self.d.tape if name not in dict(self.trace.assignments))
        backward = tuple(self.gradient(name) for name in self.d.order if name == self.output or self.terms_of(name))
        parameters = tuple(self.parameters())
        slopes = tuple(self.slope_equations())
        vectors = "; p: one number a unit" if self.trace.vectors else ""
        has_mean = any(isinstance(rhs, Special) and rhs.kind == "mean" for _, rhs in self.d.tape)
        means = "; M: the matrix that takes the mean over the units" if has_mean else ""
        sections = [(f"Forward, at each step t (⊙: unit by unit; W: matrices, b: biases{vectors})", forward)]
        if inner:
            sections.append(("With the insides of functions under names of their own", inner))
        sections += [
            ("Backward, from the last step to the first (δq means ∂L/∂q; zero after the last step)", backward),
            ("Gradients of the parameters and of the input", parameters),
            (f"How the new state depends on the old one (diag: no mixing of units{means})", slopes),
        ]
        return Explanation(
            self.trace.name, forward, backward + parameters, slopes, tuple(self.reading()), tuple(sections)
        )

    def equation(self, key: str, left: str, terms: list[tuple[Expr, str]]) -> Equation:
        paths = tuple(Path({n: d.expression(e)[0] for n, d in self.displays.items()}, note) for e, note in terms)
        return Equation(key, {n: d.quantity(left) for n, d in self.displays.items()}, paths)

    def inner(self, name: str, rhs: Expr | Special) -> Equation:
        if isinstance(rhs, Special):
            argument = Expr("symbol", "q", rhs.argument)
            rhs = Expr("map", rhs.gate, argument) if rhs.kind == "map" else Expr("call", "mean", argument)
        return self.equation(name, name, [(rhs, "")])

    def terms_of(self, name: str) -> list[tuple[Expr, str, str]]:
        """(expression, step it is taken at, note) of every path into the gradient of a quantity."""
        terms = [(t.expr, "t", self.note(name, t.via)) for t in self.d.terms.get(("q", name), ())]
        if name in self.trace.state:
            terms += [(t.expr, "t+1", self.next_note(t.via)) for t in self.d.terms.get(("s", name), ())]
        return terms

    def note(self, name: str, via: str) -> str:
        return f"through {via} of this step" if name in self.trace.state else ""

    def next_note(self, via: str) -> str:
        place = f"through {via} of the next step"
        return f"{place}: along the state, no matrix" if via in self.trace.state else f"{place}, no matrix"

    def gradient(self, name: str) -> Equation:
        is_state = name in self.trace.state
        paths = []
        if name == self.output:
            loss = {n: d.style.derivative(d.style.name("L"), d.quantity(name)) for n, d in self.displays.items()}
            paths.append(Path(loss, "from the loss at this step"))
        for expr, when, note in self.terms_of(name):
            paths.append(
                Path({n: self.summand(d, expr, when) for n, d in self.displays.items()}, note if is_state else "")
            )
        if name == self.output:
            paths += [self.through_matrix(gate) for gate in self.trace.h_gates if ("h", gate) in self.d.terms]
        return Equation(f"d{name}", {n: d.quantity(name, delta=True) for n, d in self.displays.items()}, tuple(paths))

    def summand(self, d: Display, expr: Expr, when: str) -> str:
        return d.inside(d.expression(expr, when), SUM)

    def through_matrix(self, gate: str) -> Path:
        def spelled(d: Display) -> str:
            delta = self.map_gradient(d, "h", gate, "t+1", PRODUCT + 1)
            return d.style.join(d.style.transposed(d.weight("h", gate)), d.style.operator("matrix"), delta)

        return Path({n: spelled(d) for n, d in self.displays.items()}, f"through the matrix of {gate} of the next step")

    def map_gradient(self, d: Display, kind: str, gate: str, when: str, level: int) -> str:
        """The gradient of x.k or h.k."""
        terms = [d.expression(t.expr, when) for t in self.d.terms[kind, gate]]
        if len(terms) == 1:
            return d.inside(terms[0], level)
        parts = [terms[0][0]]
        for piece in terms[1:]:
            parts += [d.style.operator("+"), piece[0]]
        return d.inside((d.style.join(*parts), SUM), level)

    def parameters(self) -> list[Equation]:
        equations = []
        for kind, gates in (("i", self.trace.x_gates), ("h", self.trace.h_gates)):
            block = "x" if kind == "i" else "h"
            for gate in gates:
                equations += self.map_parameters(kind, block, gate)
        for key in self.trace.vectors:
            left = {n: d.style.derivative(d.style.name("L"), d.style.name("p", key)) for n, d in self.displays.items()}
            right = {
                n: d.style.over_time(self.map_gradient(d, "p", key, "t", PRODUCT)) for n, d in self.displays.items()
            }
            equations.append(Equation(f"p_{key}", left, (Path(right),)))
        paths = tuple(self.input_path(gate) for gate in self.trace.x_gates if ("x", gate) in self.d.terms)
        if paths:
            left = {n: d.style.name("x", "t", delta=True) for n, d in self.displays.items()}
            equations.append(Equation("dx", left, paths))
        return equations

    def map_parameters(self, kind: str, block: str, gate: str) -> list[Equation]:
        """∂L/∂W = Σ_t δ vᵀ and ∂L/∂b = Σ_t δ, for the previous output and for a mid-step product."""
        found: list[tuple[str, str]] = [(block, gate)] if (block, gate) in self.d.terms else []
        middle = [(n, r.argument) for n, r in self.d.tape if block == "h" and isinstance(r, Special) and r.gate == gate]
        if not found and not middle:
            return []
        weight, offset = {}, {}
        for n, d in self.displays.items():
            outer, plain = [], []
            for k, g in found:
                vector = d.style.name("x", "t") if kind == "i" else d.quantity(self.output, "t-1")
                delta = self.map_gradient(d, k, g, "t", WHOLE)
                outer.append(d.style.join(delta, d.style.operator("matrix"), d.style.transposed(vector)))
                plain.append(delta)
            for name, argument in middle:
                delta = d.quantity(name, delta=True)
                outer.append(d.style.join(delta, d.style.operator("matrix"), d.style.transposed(d.quantity(argument))))
                plain.append(delta)
            weight[n] = d.style.over_time(_plus(d, outer))
            offset[n] = d.style.over_time(_plus(d, plain))
        loss = {n: d.style.name("L") for n, d in self.displays.items()}
        by_weight = {n: d.style.derivative(loss[n], d.weight(kind, gate)) for n, d in self.displays.items()}
        equations = [Equation(f"W_{kind}{gate}", by_weight, (Path(weight),))]
        if self.bias:
            by_offset = {n: d.style.derivative(loss[n], d.offset(kind, gate)) for n, d in self.displays.items()}
            equations.append(Equation(f"b_{kind}{gate}", by_offset, (Path(offset),)))
        return equations

    def input_path(self, gate: str) -> Path:
        def spelled(d: Display) -> str:
            delta = self.map_gradient(d, "x", gate, "t", WHOLE)
            return d.style.join(d.style.transposed(d.weight("i", gate)), d.style.operator("matrix"), delta)

        return Path({n: spelled(d) for n, d in self.displays.items()})

    def slope_equations(self) -> list[Equation]:
        equations = []
        for row, slopes in self.d.slopes.items():
            for old in self.trace.state:
                paths = [
                    self.slope_path(source, expr, old)
                    for source, expr in slopes.items()
                    if source[0] != "s" or source[1] == old
                ]
                kept = tuple(p for p in paths if p is not None)
                if kept:
                    left = {
                        n: d.style.derivative(d.quantity(row), d.quantity(old, "t-1")) for n, d in self.displays.items()
                    }
                    equations.append(Equation(f"{row}_by_{old}", left, kept))
        return equations

    def depends(self, special: str, old: str) -> bool:
        """Whether what goes into a mid-step product or mean depends on an old state at all."""
        rhs = dict(self.d.tape)[special]
        slopes = self.d.slopes[rhs.argument] if isinstance(rhs, Special) else {}
        return any(
            key == old if kind == "s" else old == self.output if kind == "h" else self.depends(key, old)
            for kind, key in slopes
        )

    def slope_path(self, source: tuple[str, str], expr: Expr, old: str) -> Path | None:
        kind, key = source
        if (kind == "h" and old != self.output) or (kind == "q" and not self.depends(key, old)):
            return None
        spellings = {}
        for n, d in self.displays.items():
            parts = [d.style.diagonal(d.expression(expr)[0])]
            if kind == "h":
                parts += [d.style.operator("matrix"), d.weight("h", key)]
            elif kind == "q":
                special = dict(self.d.tape)[key]
                assert isinstance(special, Special)  # noqa: S101 - only these are sources of their own
                mixing = d.weight("h", special.gate) if special.kind == "map" else d.style.name("M")
                inner = d.style.derivative(d.quantity(special.argument), d.quantity(old, "t-1"))
                parts += [d.style.operator("matrix"), mixing, d.style.operator("matrix"), inner]
            spellings[n] = d.style.join(*parts)
        return Path(spellings)

    def reading(self) -> list[str]:
        """What keeps a gradient alive over many steps, in words, from the slopes."""
        sentences = []
        text = self.displays["text"]
        for name in self.trace.state:
            direct = self.d.slopes[name].get(("s", name))
            if direct is None:
                continue
            factor = text.expression(direct)[0]
            sentences.append(
                f"What keeps the gradient alive: along {name} it is multiplied at each step by {factor}, unit by unit: "
                "no matrix is passed on this path. Over many steps that is the product of these factors; "
                f"where they stay near 1 the gradient of {name} arrives."
            )
        if not sentences:
            matrices = ", ".join(text.weight("h", g) for g in self.trace.h_gates)
            sentences.append(
                f"There is no path along the state: at every step the gradient is multiplied by a slope and by {matrices}. The product "
                "of many of these shrinks to nothing or grows without bound, unless they happen to keep lengths."
            )
        else:
            gated = ", ".join(text.weight("h", g) for g in self.trace.h_gates)
            if gated:
                sentences.append(
                    f"All other paths pass {gated} and the slope of a function at each step; they vanish or explode as in a simple network."
                )
        return sentences


def _plus(d: Display, parts: list[str]) -> str:
    total = parts[0]
    for part in parts[1:]:
        total = d.style.join(total, d.style.operator("+"), part)
    return total if len(parts) == 1 else d.style.brackets(total)
