"""Expression trees: what a step becomes when it is run on symbols.

A tree keeps the author's own order of operations, so that evaluating it gives the same numbers, to the last bit, as running the
step. Trees are interned: equal trees are one object, so `is` and `==` agree and a subexpression that occurs twice is shared.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from elman.cells.functions import apply
from elman.errors import CellError

_interned: WeakValueDictionary[tuple[object, ...], Expr] = WeakValueDictionary()
_orders: WeakKeyDictionary[Expr, list[Expr]] = (
    WeakKeyDictionary()
)  # nodes below a root, for trees evaluated at every step


class Expr:
    """A node: `operation` with `arguments`, which are nodes (also listed as `children`), names or numbers.

    Operations: "symbol" (kind, name), "number" (value), "+", "-", "*", "/" (left, right), "negative" (of), "power" (base, whole number),
    "call" (function name, arguments...), "map" (gate, vector): the recurrent affine map of a gate applied to a vector.
    """

    __slots__ = ("__weakref__", "arguments", "children", "operation")
    # NumPy scalars then leave `scalar * expression` to us.
    __array_ufunc__ = None

    operation: str
    arguments: tuple[Any, ...]
    children: tuple[Expr, ...]

    def __new__(cls, operation: str, *arguments: Any) -> Expr:
        """The one node with this operation and these arguments."""
        key = (operation, *(_identity(a) for a in arguments))
        node = _interned.get(key)
        if node is None:
            node = super().__new__(cls)
            node.operation, node.arguments = operation, arguments
            node.children = tuple(a for a in arguments if isinstance(a, Expr))
            _interned[key] = node
        return node

    def __add__(self, other: Any) -> Expr:
        return Expr("+", self, lift(other))

    def __radd__(self, other: Any) -> Expr:
        return Expr("+", lift(other), self)

    def __sub__(self, other: Any) -> Expr:
        return Expr("-", self, lift(other))

    def __rsub__(self, other: Any) -> Expr:
        return Expr("-", lift(other), self)

    def __mul__(self, other: Any) -> Expr:
        return Expr("*", self, lift(other))

    def __rmul__(self, other: Any) -> Expr:
        return Expr("*", lift(other), self)

    def __truediv__(self, other: Any) -> Expr:
        return Expr("/", self, lift(other))

    def __rtruediv__(self, other: Any) -> Expr:
        return Expr("/", lift(other), self)

    def __neg__(self) -> Expr:
        return Expr("negative", self)

    def __abs__(self) -> Expr:
        return Expr("call", "absolute", self)

    def __pow__(self, exponent: Any) -> Expr:
        if type(exponent) is not int or not 1 <= exponent <= 64:
            raise CellError(f"a power in a step is a whole number from 1 to 64; got {exponent!r}")
        return Expr("power", self, exponent)

    def __bool__(self) -> bool:
        raise CellError(
            "a step can't branch on values (no `if`, `and`, `<`): write it with maximum, minimum, relu or positive"
        )

    __lt__ = __le__ = __gt__ = __ge__ = lambda self, _other: bool(self)

    def elman_call(self, name: str, *arguments: Any) -> Expr:
        """What the functions of `elman.cells` do with a symbol."""
        return Expr("call", name, *(lift(a) for a in arguments))

    def __deepcopy__(self, _memo: Any) -> Expr:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Expr, (self.operation, *self.arguments)

    def __repr__(self) -> str:
        return f"Expr({self.operation}, {', '.join(map(str, self.arguments))})"


def _identity(argument: Any) -> Any:
    """What makes an argument the same: 1 and 1.0 compute alike but print differently, 0.0 and -0.0 are equal but divide differently."""
    return (
        ("float", argument.hex())
        if isinstance(argument, float)
        else argument
        if isinstance(argument, Expr)
        else (type(argument), argument)
    )


def lift(value: Any) -> Expr:
    """A node from a node or a number.

    Raises:
        CellError: it is neither (a tensor or array inside a step, for example).
    """
    if isinstance(value, Expr):
        return value
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, (int, float)):
        if not abs(value) <= sys.float_info.max:  # infinite, NaN, or a whole number too large for a float
            raise CellError("a step may combine its arguments with finite numbers only, up to 1.8e308")
        return Expr("number", int(value) if isinstance(value, bool) else value)
    raise CellError(f"a step may combine its arguments with numbers only; got {type(value).__name__}")


def symbol(kind: str, name: str) -> Expr:
    """A leaf. Kinds: "x", "h", "s", "p" as a step gets them; "q" a quantity of this step; "d" a gradient; "a" a sum x.k + h.k."""
    return Expr("symbol", kind, name)


def number(value: float) -> Expr:
    """A constant."""
    return Expr("number", value)


def walk(*roots: Expr) -> Iterator[Expr]:
    """Every node below the roots and themselves, once each, children before parents (without recursion: trees may be deep)."""
    seen: set[Expr] = set()
    stack: list[tuple[Expr, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(node.children))


def symbols(*roots: Expr) -> list[Expr]:
    """The leaves that are symbols, in order of first use."""
    return [node for node in walk(*roots) if node.operation == "symbol"]


def fold(root: Expr, visit: Callable[[Expr, tuple[Any, ...]], Any]) -> Any:
    """The value of `visit(node, values of its children)` at the root; each shared node is visited once."""
    order = _orders.get(root)
    if order is None:
        order = _orders[root] = [node for node in walk(root) if node is not root]
    values: dict[Expr, Any] = {}
    for node in order:
        values[node] = visit(node, tuple([values[c] for c in node.children]))
    return visit(root, tuple([values[c] for c in root.children]))


def rebuild(node: Expr, children: tuple[Any, ...]) -> Expr:
    """The same node over other children."""
    remaining = iter(children)
    return Expr(node.operation, *(next(remaining) if isinstance(a, Expr) else a for a in node.arguments))


def substitute(root: Expr, replacement: Callable[[Expr], Expr | None]) -> Expr:
    """The tree with every node for which `replacement` gives another one replaced, the largest first."""
    chosen: dict[Expr, Expr] = {}
    stack = [root]
    while stack:  # no recursion: trees may be deep
        node = stack[-1]
        if node in chosen:
            stack.pop()
            continue
        new = replacement(node)
        if new is not None:
            chosen[node] = new
        elif all(c in chosen for c in node.children):
            chosen[node] = rebuild(node, tuple(chosen[c] for c in node.children))
        else:
            stack.extend(c for c in node.children if c not in chosen)
    return chosen[root]


def evaluate(root: Expr, leaf: Callable[[str, str], Any], recurrent: Callable[[str, Any], Any] | None = None) -> Any:
    """The value of a tree over any kind of numbers.

    Args:
        root: the tree.
        leaf: value of a symbol by kind and name.
        recurrent: for "map" nodes, the recurrent affine map of a gate applied to a vector.
    """

    def visit(node: Expr, values: tuple[Any, ...]) -> Any:
        match node.operation:
            case "symbol":
                return leaf(*node.arguments)
            case "number":
                return node.arguments[0]
            case "negative":
                return -values[0]
            case "power":
                return values[0] ** node.arguments[1]
            case "call":
                return apply(node.arguments[0], *values)
            case "map":
                if recurrent is None:
                    raise CellError("this expression holds a matrix product in mid-step")
                return recurrent(node.arguments[0], values[0])
        return _ARITHMETIC[node.operation](*values)

    return fold(root, visit)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
