"""How mathematics is spelled: plain text, LaTeX, MathML. A style knows marks and brackets; `display` knows what to spell."""

from __future__ import annotations

from html import escape
from typing import ClassVar, Protocol

_LATEX_FUNCTIONS = {"sigmoid": r"\sigma", "tanh": r"\tanh", "exp": r"\exp", "log": r"\log"}


class Style(Protocol):
    """One spelling of mathematics; every method returns a piece of it. `bold` marks a matrix."""

    def name(self, base: str, subscript: str = "", *, delta: bool = False, bold: bool = False) -> str:
        """`base_subscript`, with braces where the subscript is longer than letters."""

    def number(self, digits: str) -> str:
        """A constant."""

    def scientific(self, mantissa: str, exponent: int) -> str:
        """A constant as a multiple of a power of ten."""

    def operator(self, sign: str) -> str:
        """The sign with its spaces."""

    def join(self, *parts: str) -> str:
        """One after the other."""

    def brackets(self, inner: str) -> str:
        """In parentheses."""

    def call(self, function: str, arguments: list[str]) -> str:
        """Function of arguments."""

    def power(self, base: str, exponent: int) -> str:
        """Base with a raised exponent."""

    def fraction(self, above: str, below: str) -> str:
        """Quotient; the parts come with their brackets."""

    def transposed(self, base: str) -> str:
        """Transposed matrix or vector."""

    def over_time(self, inner: str) -> str:
        """Sum over the steps."""

    def derivative(self, of: str, by: str) -> str:
        """Partial derivative."""

    def diagonal(self, inner: str) -> str:
        """Diagonal matrix of a vector."""


class Text:
    """Unicode text, for terminals."""

    _SIGNS: ClassVar = {"*": " ⊙ ", "+": " + ", "-": " - ", "=": " = ", "matrix": " ", "negative": "-"}
    _DIGITS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")

    def name(self, base: str, subscript: str = "", *, delta: bool = False, bold: bool = False) -> str:
        tail = f"_{subscript}" if subscript.isalnum() else f"_{{{subscript}}}" if subscript else ""
        return f"{'δ' if delta else ''}{base}{tail}"

    def number(self, digits: str) -> str:
        return digits

    def scientific(self, mantissa: str, exponent: int) -> str:
        return f"{mantissa}e{exponent}"

    def operator(self, sign: str) -> str:
        return self._SIGNS[sign]

    def join(self, *parts: str) -> str:
        return "".join(parts)

    def brackets(self, inner: str) -> str:
        return f"({inner})"

    def call(self, function: str, arguments: list[str]) -> str:
        if function == "absolute":
            return f"|{arguments[0]}|"
        return f"{'σ' if function == 'sigmoid' else function}({', '.join(arguments)})"

    def power(self, base: str, exponent: int) -> str:
        return base + str(exponent).translate(self._DIGITS)

    def fraction(self, above: str, below: str) -> str:
        return f"{above} / {below}"

    def transposed(self, base: str) -> str:
        return f"{base}ᵀ"

    def over_time(self, inner: str) -> str:
        return f"Σ_t {inner}"

    def derivative(self, of: str, by: str) -> str:
        return f"∂{of}/∂{by}"

    def diagonal(self, inner: str) -> str:
        return f"diag({inner})"


class Latex:
    """LaTeX, for papers and slides."""

    _SIGNS: ClassVar = {
        "*": r" \odot ",
        "+": " + ",
        "-": " - ",
        "=": " &= ",
        "matrix": r"\, ",
        "times": r" \cdot ",
        "negative": "-",
    }

    def name(self, base: str, subscript: str = "", *, delta: bool = False, bold: bool = False) -> str:
        stem = base if len(base) == 1 else rf"\mathrm{{{base}}}".replace("_", r"\_")
        escaped = subscript.replace("_", r"\_")
        tail = f"_{{{escaped}}}" if subscript else ""
        return (r"\delta " if delta else "") + stem + tail

    def number(self, digits: str) -> str:
        return digits

    def scientific(self, mantissa: str, exponent: int) -> str:
        return rf"{mantissa} \cdot 10^{{{exponent}}}"

    def operator(self, sign: str) -> str:
        return self._SIGNS[sign]

    def join(self, *parts: str) -> str:
        return "".join(parts)

    def brackets(self, inner: str) -> str:
        return rf"\left({inner}\right)"

    def call(self, function: str, arguments: list[str]) -> str:
        if function == "absolute":
            return rf"\left|{arguments[0]}\right|"
        named = _LATEX_FUNCTIONS.get(function, rf"\operatorname{{{function}}}")
        return rf"{named}\left({', '.join(arguments)}\right)"

    def power(self, base: str, exponent: int) -> str:
        return f"{{{base}}}^{{{exponent}}}"

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def transposed(self, base: str) -> str:
        return rf"{base}^{{\top}}"

    def over_time(self, inner: str) -> str:
        return rf"\sum_t {inner}"

    def derivative(self, of: str, by: str) -> str:
        return rf"\frac{{\partial {of}}}{{\partial {by}}}"

    def diagonal(self, inner: str) -> str:
        return rf"\operatorname{{diag}}\left({inner}\right)"


class MathML:
    """MathML Core, which browsers draw without any script."""

    _SIGNS: ClassVar = {"*": "⊙", "+": "+", "-": "−", "=": "=", "matrix": "\u2062", "negative": "−"}

    def name(self, base: str, subscript: str = "", *, delta: bool = False, bold: bool = False) -> str:
        variant = ' mathvariant="normal"' if bold and len(base) == 1 else ""
        stem = f"<mi{variant}>{escape(base)}</mi>"
        body = f"<msub>{stem}<mtext>{escape(subscript)}</mtext></msub>" if subscript else stem
        return f"<mrow><mi>δ</mi>{body}</mrow>" if delta else body

    def number(self, digits: str) -> str:
        return f"<mn>{digits}</mn>"

    def scientific(self, mantissa: str, exponent: int) -> str:
        return f"<mrow><mn>{mantissa}</mn><mo>·</mo><msup><mn>10</mn><mn>{exponent}</mn></msup></mrow>"

    def operator(self, sign: str) -> str:
        form = ' form="prefix"' if sign == "negative" else ' form="infix"'  # also at the beginning of a row
        return f"<mo{form}>{self._SIGNS[sign]}</mo>"

    def join(self, *parts: str) -> str:
        return f"<mrow>{''.join(parts)}</mrow>"

    def brackets(self, inner: str) -> str:
        return f"<mrow><mo>(</mo>{inner}<mo>)</mo></mrow>"

    def call(self, function: str, arguments: list[str]) -> str:
        if function == "absolute":
            return f"<mrow><mo>|</mo>{arguments[0]}<mo>|</mo></mrow>"
        named = "σ" if function == "sigmoid" else function
        return f"<mrow><mi>{named}</mi><mo>\u2061</mo><mo>(</mo>{'<mo>,</mo>'.join(arguments)}<mo>)</mo></mrow>"

    def power(self, base: str, exponent: int) -> str:
        return f"<msup>{base}<mn>{exponent}</mn></msup>"

    def fraction(self, above: str, below: str) -> str:
        return f"<mfrac>{above}{below}</mfrac>"

    def transposed(self, base: str) -> str:
        if base.startswith("<msub>"):
            return f"<msubsup>{base.removeprefix('<msub>').removesuffix('</msub>')}<mo>⊤</mo></msubsup>"
        return f"<msup>{base}<mo>⊤</mo></msup>"

    def over_time(self, inner: str) -> str:
        return f"<mrow><munder><mo>∑</mo><mi>t</mi></munder>{inner}</mrow>"

    def derivative(self, of: str, by: str) -> str:
        return f"<mfrac><mrow><mo>∂</mo>{of}</mrow><mrow><mo>∂</mo>{by}</mrow></mfrac>"

    def diagonal(self, inner: str) -> str:
        return f"<mrow><mi>diag</mi><mo>\u2061</mo><mo>(</mo>{inner}<mo>)</mo></mrow>"
