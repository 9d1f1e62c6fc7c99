"""A cell as text and back is the same cell, to the last bit."""

from __future__ import annotations

import ast
import math
import operator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from random_layers import ALL_CELLS, as_module, cell_of, hx_of, random_layer

from elman.cells import Cell, tanh
from elman.equations import cell_from_text, cell_to_text, trace
from elman.equations.expression import Expr, evaluate, number, symbol
from elman.equations.grammar import parse, render
from elman.errors import CellError


@pytest.mark.parametrize("name", ALL_CELLS)
def test_text_and_trace_are_the_same_again(name: str) -> None:
    text = cell_to_text(cell_of(name))
    again = cell_from_text(text)
    assert cell_to_text(again) == text
    assert trace(again) == trace(cell_of(name))
    assert cell_to_text(trace(cell_of(name))) == text
    assert text.isascii()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", ALL_CELLS)
def test_the_same_numbers_to_the_last_bit(name: str, dtype: torch.dtype) -> None:
    layer = random_layer(name, steps=7)
    again = layer._replace(cell=cell_from_text(cell_to_text(layer.cell)))
    results = []
    for each in (layer, again):
        module = as_module(each).to(dtype)
        xs = torch.tensor(each.xs, dtype=dtype, requires_grad=True)
        output, hx = module(xs, hx_of(tuple(torch.tensor(s, dtype=dtype) for s in each.state)))
        output.sum().backward()
        results.append(
            [output, *(hx if isinstance(hx, tuple) else (hx,)), xs.grad, *(p.grad for p in module.parameters())]
        )
    for a, b in zip(*results, strict=True):
        assert (a is None and b is None) or torch.equal(a, b)


def test_what_the_text_looks_like() -> None:
    assert cell_to_text(cell_of("lstm")) == (
        "cell lstm\n"
        "gates i, f, g, o\n"
        "state h, c\n"
        "forget f\n"
        "i = sigmoid(x.i + h.i)\n"
        "f = sigmoid(x.f + h.f)\n"
        "g = tanh(x.g + h.g)\n"
        "o = sigmoid(x.o + h.o)\n"
        "c = f * s.c + i * g\n"
        "h = o * tanh(c)\n"
    )
    assert "n = tanh(x.n + h(r * s.h).n)" in cell_to_text(cell_of("gru-cho"))
    assert "vectors i, f, o" in cell_to_text(cell_of("lstm-peephole"))


NAMES = ("i", "f", "g2", "a_b", "tanh", "e1", "x", "h", "inf", "nan", "mean")
LEAVES = st.one_of(
    st.builds(symbol, st.sampled_from("xhspq"), st.sampled_from(NAMES)),
    st.builds(number, st.integers(-(10**20), 10**20)),
    st.builds(
        number, st.floats(allow_nan=False, allow_infinity=False).filter(lambda v: v != 0 or math.copysign(1, v) > 0)
    ),
)
UNARY = (
    "sigmoid",
    "tanh",
    "relu",
    "softsign",
    "softplus",
    "exp",
    "log",
    "sqrt",
    "absolute",
    "sign",
    "positive",
    "mean",
)


def grow(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    return st.one_of(
        st.builds(Expr, st.sampled_from("+-*/"), inner, inner),
        st.builds(Expr, st.just("negative"), inner),
        st.builds(lambda f, a: Expr("call", f, a), st.sampled_from(UNARY), inner),
        st.builds(lambda f, a, b: Expr("call", f, a, b), st.sampled_from(("maximum", "minimum")), inner, inner),
        st.builds(lambda g, a: Expr("map", g, a), st.sampled_from(NAMES), inner),
    )


TREES = st.recursive(LEAVES, grow, max_leaves=24)


@settings(max_examples=400, deadline=None)
@given(TREES)
def test_any_tree_is_read_back_as_it_was_written(tree: Expr) -> None:
    assert parse(render(tree)) is tree


PYTHONS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def by_python(node: ast.expr, values: dict[str, float]) -> float:
    """Value of what Python's own parser made of a text."""
    match node:
        case ast.Name(id=name):
            return values[name]
        case ast.Constant(value=value):
            return value
        case ast.BinOp(left=left, op=op, right=right):
            return PYTHONS[type(op)](by_python(left, values), by_python(right, values))
    raise AssertionError(ast.dump(node))


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["a", "b", "c", "2", "0.5", "1e-3"]),
        lambda t: st.builds("({} {} {})".format, t, st.sampled_from("+-*/"), t),
        max_leaves=16,
    )
)
def test_precedence_is_that_of_python(text: str) -> None:
    """Python's own evaluation of the same text, with and without parentheses, as the oracle."""
    values = {"a": 1.25, "b": -0.75, "c": 3.5}
    for form in (text, text.replace("(", "").replace(")", "")):
        try:
            wanted = by_python(ast.parse(form, mode="eval").body, values)
        except ZeroDivisionError:
            continue
        assert evaluate(parse(form), lambda _kind, name: values[name]) == wanted
        assert evaluate(parse(render(parse(form))), lambda _kind, name: values[name]) == wanted


@pytest.mark.parametrize("name", ["my cell", "two\nlines", "a = b", "", "state h, c", "ä", "x" * 70000])
def test_any_name_of_a_cell_is_written_so_that_it_can_be_read(name: str) -> None:
    """Or refused when it is written, not when somebody loads the model a year later."""

    class Named(Cell):
        def step(self, x, h, s):
            return {"h": tanh(x.h + h.h)}

    Named.name = name
    try:
        text = cell_to_text(Named())
    except CellError:
        return
    assert trace(cell_from_text(text)) == trace(Named())


@pytest.mark.parametrize("value", [-0.0, 1e-320, 1e308, 2**70, 0.1, 1 / 3, -5, 1e22])
def test_constants_keep_their_last_bit(value: float) -> None:
    class Constant(Cell):
        def step(self, x, h, s):
            return {"h": s.h * value, "k": value}

    again = trace(cell_from_text(cell_to_text(Constant())))
    wanted = trace(Constant())
    found = [evaluate(dict(t.assignments)["k"], lambda *_: 1.0) for t in (again, wanted)]
    assert found[0] == found[1] == value
    assert math.copysign(1, found[0]) == math.copysign(1, value)
    assert type(found[0]) is type(value)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_constants_that_are_no_numbers(value: float) -> None:
    class Constant(Cell):
        def step(self, x, h, s):
            return {"h": s.h * value}

    try:
        text = cell_to_text(Constant())
    except CellError:
        return
    with np.errstate(invalid="ignore"):
        np.testing.assert_equal(evaluate(dict(trace(cell_from_text(text)).assignments)["h"], lambda *_: 1.0), value)


def test_minus_zero_is_not_zero() -> None:
    """1 / -0.0 is -inf: equal numbers may not be one node if they compute differently."""
    zero, minus = number(0.0), number(-0.0)
    assert math.copysign(1, evaluate(zero, lambda *_: None)) == 1
    assert math.copysign(1, evaluate(minus, lambda *_: None)) == -1
    assert parse(render(minus)) is minus
