"""Spell expressions of a cell in a style: which letter, which subscript, which brackets."""

from __future__ import annotations

from dataclasses import dataclass

from elman.equations.expression import Expr, fold
from elman.equations.styles import Style, Text

# How tightly a piece holds together: a sum, a product, something that needs no brackets.
SUM, PRODUCT, WHOLE = 1, 2, 3
Piece = tuple[str, int]


@dataclass(frozen=True)
class Display:
    """Spelling of one cell's expressions.

    Args:
        style: text, LaTeX or MathML.
        output: name of the state that the recurrent maps act on.
        biases: the affine maps that are written with a bias: "i" those of the input, "h" the recurrent ones.
    """

    style: Style
    output: str
    biases: str = "ih"

    def quantity(self, name: str, when: str = "t", *, delta: bool = False) -> str:
        """A named quantity at a step: a_i at t is a with the subscript i,t."""
        base, _, rest = name.partition("_")
        return self.style.name(base or name, ",".join(filter(None, [rest, when])), delta=delta)

    def weight(self, kind: str, gate: str) -> str:
        """The matrix W_ik or W_hk."""
        return self.style.name("W", kind + gate if len(gate) == 1 else f"{kind},{gate}", bold=True)

    def offset(self, kind: str, gate: str) -> str:
        """The bias b_ik or b_hk."""
        return self.style.name("b", kind + gate if len(gate) == 1 else f"{kind},{gate}")

    def affine(self, kind: str, gate: str, vector: str) -> Piece:
        """W v + b, or W v where there are no biases."""
        product = self.style.join(self.weight(kind, gate), self.style.operator("matrix"), vector)
        if kind not in self.biases:
            return product, PRODUCT
        return self.style.join(product, self.style.operator("+"), self.offset(kind, gate)), SUM

    def expression(self, expr: Expr, when: str = "t") -> Piece:
        """An expression at step `when`: "t", "t+1", or a number."""
        before = {"t": "t-1", "t+1": "t"}.get(when) or str(int(when) - 1)

        def visit(node: Expr, parts: tuple[Piece, ...]) -> Piece:
            match node.operation:
                case "symbol":
                    return self._symbol(node.arguments[0], node.arguments[1], when, before)
                case "number":
                    return self.number(node.arguments[0])
                case "negative":
                    return self.style.join(self.style.operator("negative"), self.inside(parts[0], PRODUCT)), SUM
                case "call":
                    return self.style.call(node.arguments[0], [text for text, _ in parts]), WHOLE
                case "map":
                    return self.affine("h", node.arguments[0], self.inside(parts[0], WHOLE))
                case "map_transposed":
                    matrix = self.style.transposed(self.weight("h", node.arguments[0]))
                    return self.style.join(matrix, self.style.operator("matrix"), self.inside(parts[0], WHOLE)), PRODUCT
                case "/":
                    return self._fraction(parts)
                case "power":
                    return self.style.power(self.inside(parts[0], WHOLE), node.arguments[1]), WHOLE
            return self._binary(node, parts)

        piece: Piece = fold(expr, visit)
        return piece

    def number(self, value: float) -> Piece:
        """A constant with all its digits; very large and small ones as a multiple of a power of ten."""
        mantissa, _, exponent = repr(value).partition("e")
        if not exponent:
            return self.style.number(mantissa), WHOLE if value >= 0 else SUM
        return self.style.scientific(mantissa, int(exponent)), PRODUCT

    def _symbol(self, kind: str, name: str, when: str, before: str) -> Piece:
        match kind:
            case "x":
                return self.affine("i", name, self.style.name("x", when))
            case "h":
                return self.affine("h", name, self.quantity(self.output, before))
            case "s":
                return self.quantity(name, before), WHOLE
            case "p":
                return self.style.name("p", name), WHOLE
            case "d":
                return self.quantity(name, when, delta=True), WHOLE
        return self.quantity(name, when), WHOLE

    def _fraction(self, parts: tuple[Piece, ...]) -> Piece:
        if isinstance(self.style, Text):
            return self.style.fraction(self.inside(parts[0], PRODUCT), self.inside(parts[1], WHOLE)), PRODUCT
        return self.style.fraction(parts[0][0], parts[1][0]), WHOLE

    def _binary(self, node: Expr, parts: tuple[Piece, ...]) -> Piece:
        level = PRODUCT if node.operation == "*" else SUM
        right_level = level if node.operation in "+*" else level + 1
        left, right = self.inside(parts[0], level), self.inside(parts[1], right_level)
        return self.style.join(left, self.style.operator(node.operation), right), level

    def inside(self, piece: Piece, level: int) -> str:
        """A piece as an operand at `level`: in brackets if it holds together less tightly."""
        text, own = piece
        return text if own >= level else self.style.brackets(text)
