"""Calculate with the equations as they are printed: text in, numbers out, for a layer of one unit and one input.

With one unit every matrix is a number, so a transposition and a mean are nothing, and ⊙ is a product.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

NAME = r"[A-Za-z][A-Za-z0-9_]*?(?:_\{[^}]*\}|(?![A-Za-z0-9_{]))"
TOKEN = re.compile(
    rf"\s*(?:(?P<number>\d+\.?\d*(?:e[-+]?\d+)?)|(?P<slope>∂{NAME}/∂{NAME})|(?P<name>δ?{NAME}|σ)|(?P<sign>[-+⊙/(),|²³⁴⁵⁶⁷⁸⁹ᵀ]))"
)
FUNCTIONS: dict[str, Callable[..., float]] = {
    "σ": lambda v: 1 / (1 + math.exp(-v)),
    "tanh": math.tanh,
    "relu": lambda v: max(v, 0.0),
    "softsign": lambda v: v / (1 + abs(v)),
    "softplus": lambda v: math.log1p(math.exp(v)),
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "sign": lambda v: math.copysign(1, v) if v else 0.0,
    "positive": lambda v: float(v > 0),
    "maximum": max,
    "minimum": min,
    "mean": lambda v: v,
    "diag": lambda v: v,
}
EXPONENTS = {sign: n for n, sign in enumerate("²³⁴⁵⁶⁷⁸⁹", 2)} | {"ᵀ": 1}


def name_and_time(text: str) -> tuple[str, str | None]:
    """a_{i,t+1} -> (a_i, "t+1"); h_t -> (h, "t"); W_ii -> (W_ii, None)."""
    mark = "δ" if text.startswith("δ") else ""
    match = re.fullmatch(r"(.+?)_(?:\{(.*)\}|(t))", text.removeprefix("δ"))
    if match is None:
        return text, None
    parts = (match[2] or match[3]).split(",")
    if parts[-1] not in ("t", "t-1", "t+1"):
        return text, None
    return mark + "_".join([match[1], *parts[:-1]]), parts[-1]


class Calculator:
    """Value of a printed expression, given the value of each name."""

    def __init__(self, text: str, value: Callable[[str], float]) -> None:
        self.value = value
        self.tokens: list[tuple[str, str, bool]] = []  # kind, text, directly before an opening parenthesis
        at = 0
        while at < len(text.rstrip()):
            match = TOKEN.match(text, at)
            assert match is not None, f"can't read {text[at:]!r} in {text!r}"
            at = match.end()
            kind = match.lastgroup or ""
            self.tokens.append((kind, match[kind], text[at : at + 1] == "("))
        self.tokens.append(("end", "", False))
        self.at = 0

    def take(self, *signs: str) -> str | None:
        kind, text, _ = self.tokens[self.at]
        if kind == "sign" and text in signs:
            self.at += 1
            return text
        return None

    def whole(self) -> float:
        total = self.sum()
        assert self.tokens[self.at][0] == "end", self.tokens[self.at :]
        return total

    def sum(self) -> float:
        total = self.product()
        while sign := self.take("+", "-"):
            total = total + self.product() if sign == "+" else total - self.product()
        return total

    def product(self) -> float:
        total = self.factor()
        while True:
            kind, text, _ = self.tokens[self.at]
            if self.take("⊙"):
                total *= self.factor()
            elif self.take("/"):
                total /= self.factor()
            elif kind in ("name", "number", "slope") or text == "(":  # side by side: a matrix and a vector
                total *= self.factor()
            else:
                return total

    def factor(self) -> float:
        if self.take("-"):
            return -self.factor()
        base = self.atom()
        while sign := self.take(*EXPONENTS):
            base **= EXPONENTS[sign]
        return base

    def atom(self) -> float:
        if self.take("("):
            inner = self.sum()
            assert self.take(")")
            return inner
        if self.take("|"):
            inner = self.sum()
            assert self.take("|")
            return abs(inner)
        kind, text, called = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return float(text)
        assert kind in ("name", "slope"), (kind, text)
        if not (called and text in FUNCTIONS):
            return self.value(text)
        assert self.take("(")
        arguments = [self.sum()]
        while self.take(","):
            arguments.append(self.sum())
        assert self.take(")")
        return FUNCTIONS[text](*arguments)
