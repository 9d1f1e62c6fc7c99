"""Between Elman's expression trees and SymPy, which differentiates and simplifies.

The functions of a step become SymPy functions whose derivative is written with the function's own value, as a course writes it:
σ' = σ (1 - σ), tanh' = 1 - tanh².
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import sympy

from elman.cells.functions import ARITY
from elman.equations.expression import Expr, fold, number, symbol
from elman.errors import CellError


@cache
def _function(name: str) -> Any:
    """The SymPy function of that name, with its derivative."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        return _DERIVATIVES[name](self, *self.args)[argindex - 1]

    return type(name, (sympy.Function,), {"fdiff": fdiff, "nargs": ARITY.get(name, 1)})


# Derivatives of f(v), or of f(a, b) by each argument, from the value y = f(...) and the arguments.
_DERIVATIVES: dict[str, Callable[..., tuple[Any, ...]]] = {
    "sigmoid": lambda y, _v: (y * (1 - y),),
    "tanh": lambda y, _v: (1 - y**2,),
    "relu": lambda _y, v: (_function("positive")(v),),
    "softsign": lambda y, _v: ((1 - _function("absolute")(y)) ** 2,),
    "softplus": lambda _y, v: (_function("sigmoid")(v),),
    "exp": lambda y, _v: (y,),
    "log": lambda _y, v: (1 / v,),
    "sqrt": lambda y, _v: (1 / (2 * y),),
    "absolute": lambda _y, v: (_function("sign")(v),),
    "sign": lambda _y, _v: (sympy.Integer(0),),
    "positive": lambda _y, _v: (sympy.Integer(0),),
    # At a tie both sides get a half, since sign(0) = 0.
    "maximum": lambda _y, a, b: ((1 + _function("sign")(a - b)) / 2, (1 + _function("sign")(b - a)) / 2),
    "minimum": lambda _y, a, b: ((1 + _function("sign")(b - a)) / 2, (1 + _function("sign")(a - b)) / 2),
}


def to_sympy(expr: Expr) -> Any:
    """A tree as a SymPy expression; symbols are named `kind.name`."""

    def visit(node: Expr, parts: tuple[Any, ...]) -> Any:
        match node.operation:
            case "symbol":
                return sympy.Symbol(".".join(node.arguments), real=True)
            case "number":
                value = node.arguments[0]
                return sympy.Integer(value) if isinstance(value, int) else sympy.Float(value, 17)
            case "negative":
                return -parts[0]
            case "power":
                return parts[0] ** node.arguments[1]
            case "call":
                return _function(node.arguments[0])(*parts)
            case "+":
                return parts[0] + parts[1]
            case "-":
                return parts[0] - parts[1]
            case "*":
                return parts[0] * parts[1]
            case "/":
                return parts[0] / parts[1]
        raise CellError(f"{node.operation} has no derivative unit by unit")

    return fold(expr, visit)


def from_sympy(expression: Any) -> Expr:
    """The tree of a SymPy expression, written the way people write it: a - b rather than a + (-1) b, a / b rather than a b^-1."""
    e = expression
    if e.is_Symbol:
        kind, _, name = e.name.partition(".")
        return symbol(kind, name)
    if e.is_Integer:
        return number(int(e))
    if e.is_Rational:
        return number(e.p / e.q) if _exact(e.q) else number(int(e.p)) / number(int(e.q))
    if e.is_Number:
        return number(float(e))
    if e.is_Add:
        terms = sorted(
            e.args, key=lambda a: a.could_extract_minus_sign()
        )  # what is added first, then what is taken away
        total = from_sympy(terms[0])
        for term in terms[1:]:
            total = total - from_sympy(-term) if term.could_extract_minus_sign() else total + from_sympy(term)
        return total
    if e.is_Mul:
        return _product(e)
    if e.is_Pow:
        base, exponent = e.args
        if exponent.is_Integer and exponent > 0:
            return Expr("power", from_sympy(base), int(exponent))
        if exponent.is_Integer:
            below = from_sympy(base)
            return number(1) / (below if exponent == -1 else Expr("power", below, int(-exponent)))
        raise CellError(f"a derivative holds the power {exponent}, which a step can't compute")
    if not isinstance(e, sympy.Function):  # infinity, for example: something was divided by zero
        raise CellError(f"a derivative holds {e}, which a step can't compute")
    return Expr("call", type(e).__name__, *(from_sympy(a) for a in e.args))


def _product(e: Any) -> Expr:
    numerator, denominator = (
        e.as_numer_denom() if any(a.is_Pow and a.args[1].is_negative for a in e.args) else (e, sympy.Integer(1))
    )
    if denominator != 1:
        return from_sympy(numerator) / from_sympy(denominator)
    coefficient, rest = e.as_coeff_Mul()
    if coefficient == -1:
        return -from_sympy(rest)
    if coefficient.is_negative:
        return -from_sympy(-e)
    # Gradients first, then plain names, then sums: δh · o · (1 - tanh²(c)).
    factors = sorted(
        e.args,
        key=lambda a: (not (a.is_Symbol and a.name.startswith("d.")), not a.is_Symbol and not a.is_Number, a.is_Add),
    )
    product = from_sympy(factors[0])
    for factor in factors[1:]:
        product = product * from_sympy(factor)
    return product


def _exact(denominator: Any) -> bool:
    return bool(denominator & (denominator - 1) == 0)
