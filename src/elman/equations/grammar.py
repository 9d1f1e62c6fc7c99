"""Expressions as text and back: names, numbers, `+ - * /`, parentheses and the functions of a step. Parsed, never executed.

sum     = product { ("+" | "-") product }
product = factor { ("*" | "/") factor }
factor  = "-" factor | number | "(" sum ")" | name | name "." name
        | function "(" sum { "," sum } ")" | "h" "(" sum ")" "." name
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from itertools import accumulate

from elman.cells.functions import ARITY, NUMPY
from elman.equations.expression import Expr, fold, number, symbol
from elman.errors import CellError

MAX_DEPTH = 64
MAX_CHARACTERS = 10_000
_TOKEN = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)|([A-Za-z_]\w*)|(\*\*|[-+*/().,]))", re.ASCII
)
_BLOCKS = ("x", "h", "s", "p")


def parse(text: str, where: str = "expression") -> Expr:
    """The tree that a text says.

    Raises:
        CellError: it is not of the grammar; the message says at which character.
    """
    return _Parser(text, where).whole()


def render(expr: Expr) -> str:
    """The text of a tree; `parse(render(e)) is e`.

    Raises:
        CellError: the text would be too long or too deep to be read back.
    """

    def visit(node: Expr, parts: tuple[tuple[str, int], ...]) -> tuple[str, int]:
        piece = spell(node, parts)
        if len(piece[0]) > MAX_CHARACTERS:
            raise CellError(
                f"an equation is longer than {MAX_CHARACTERS} characters as text; return its parts under names of their own"
            )
        return piece

    def spell(node: Expr, parts: tuple[tuple[str, int], ...]) -> tuple[str, int]:
        match node.operation:
            case "symbol":
                kind, name = node.arguments
                return (name if kind == "q" else f"{kind}.{name}"), 5
            case "number":
                value = node.arguments[0]
                return (f"({value!r})" if repr(value).startswith("-") else repr(value)), 5
            case "negative":
                return f"-{_inside(parts[0], 3)}", 3
            case "power":
                return f"{_inside(parts[0], 5)} ** {node.arguments[1]}", 4
            case "call":
                return f"{node.arguments[0]}({', '.join(text for text, _ in parts)})", 5
            case "map":
                return f"h({parts[0][0]}).{node.arguments[0]}", 5
        level = 1 if node.operation in "+-" else 2
        return f"{_inside(parts[0], level)} {node.operation} {_inside(parts[1], level + 1)}", level

    text: str = fold(expr, visit)[0]
    if max(accumulate((c == "(") - (c == ")") for c in text), default=0) >= MAX_DEPTH:
        raise CellError(f"an equation is nested more than {MAX_DEPTH} deep; return its parts under names of their own")
    return text


def _inside(part: tuple[str, int], level: int) -> str:
    text, own = part
    return text if own >= level else f"({text})"


class _Parser:
    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self.tokens: list[tuple[str, str, int]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise CellError(f"{where}: unexpected {text[position:].lstrip()[0]!r} at character {position + 1}")
            kind = ("number", "name", "sign")[(match.lastindex or 1) - 1]
            self.tokens.append((kind, match[match.lastindex or 1], match.start(match.lastindex or 1) + 1))
            position = match.end()
        self.tokens.append(("end", "", end + 1))
        self.at = 0
        self.depth = 0

    def whole(self) -> Expr:
        expr = self.sum()
        if self.tokens[self.at][0] != "end":
            raise self.error("an operator or the end")
        return expr

    def error(self, expected: str) -> CellError:
        _, text, column = self.tokens[self.at]
        return CellError(
            f"{self.where}: expected {expected} at character {column}, found {repr(text) if text else 'the end'}"
        )

    def take(self, text: str) -> bool:
        found = self.tokens[self.at][0] == "sign" and self.tokens[self.at][1] == text
        self.at += found
        return found

    def need(self, text: str) -> None:
        if not self.take(text):
            raise self.error(repr(text))

    def name(self) -> str:
        kind, text, _ = self.tokens[self.at]
        if kind != "name":
            raise self.error("a name")
        self.at += 1
        return text

    def chain(self, operand: Callable[[], Expr], operators: str) -> Expr:
        left = operand()
        while self.tokens[self.at][0] == "sign" and self.tokens[self.at][1] in operators:
            operator = self.tokens[self.at][1]
            self.at += 1
            left = Expr(operator, left, operand())
        return left

    def sum(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CellError(f"{self.where}: parentheses nested more than {MAX_DEPTH} deep")
        expr = self.chain(self.product, "+-")
        self.depth -= 1
        return expr

    def product(self) -> Expr:
        return self.chain(self.factor, "*/")

    def factor(self) -> Expr:
        signs = 0
        while self.take("-"):
            signs += 1
            if signs > MAX_DEPTH:
                raise CellError(f"{self.where}: more than {MAX_DEPTH} minus signs in a row")
        expr = self.atom()
        if self.take("**"):
            kind, text, _ = self.tokens[self.at]
            if kind != "number" or not text.isdigit() or len(text) > 2:
                raise self.error("a whole number from 1 to 64")
            self.at += 1
            expr = expr ** int(text)
        for _ in range(signs):
            expr = Expr("negative", expr)
        return expr

    def atom(self) -> Expr:
        kind, text, _ = self.tokens[self.at]
        if kind == "number":
            return self.number()
        if self.take("("):
            negative_number = self._negative_number()
            expr = negative_number if negative_number is not None else self.sum()
            self.need(")")
            return expr
        if kind != "name":
            raise self.error("a number, a name or '('")
        self.at += 1
        if self.take("."):
            if text not in _BLOCKS:
                self.at -= 1
                raise CellError(f"{self.where}: {text!r} has no parts; only {', '.join(_BLOCKS)} have")
            return symbol(text, self.name())
        if not self.take("("):
            return symbol("q", text)
        if text == "h":
            vector = self.sum()
            self.need(")")
            self.need(".")
            return Expr("map", self.name(), vector)
        return self.call(text)

    def _negative_number(self) -> Expr | None:
        """`(-0.5)` is a negative constant, where `-0.5` without parentheses is the negative of one."""
        sign, value, close = (self.tokens[min(self.at + k, len(self.tokens) - 1)] for k in range(3))
        if sign[1] != "-" or value[0] != "number" or close[1] != ")":
            return None
        self.at += 1
        return number(-self.number().arguments[0])

    def number(self) -> Expr:
        _, text, column = self.tokens[self.at]
        self.at += 1
        value = int(text) if text.isdigit() and len(text) <= 400 else float(text)
        if value > sys.float_info.max:
            raise CellError(f"{self.where}: the number at character {column} is too large")
        return number(value)

    def call(self, function: str) -> Expr:
        if function not in NUMPY:
            self.at -= 2
            raise self.error(f"one of the functions {', '.join(NUMPY)}")
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        self.need(")")
        if len(arguments) != ARITY.get(function, 1):
            raise CellError(
                f"{self.where}: {function} takes {ARITY.get(function, 1)} argument(s), got {len(arguments)}"
            )
        return Expr("call", function, *arguments)
