"""What a cell may say, and what a stranger hears who says it wrongly."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from elman.cells import GRU, LSTM, Cell, Elman, get, names, sigmoid, tanh
from elman.equations import trace
from elman.errors import CellError, InputError


def test_names_and_get() -> None:
    assert len(names()) == len(set(names())) == 12
    for name in names():
        assert get(name).title == name
        assert get(name.upper().replace("-", "_")).title == name
    assert isinstance(get("lstm"), LSTM)
    assert get("rnn").title == "elman"
    assert get("elman", nonlinearity="relu").title == "elman-relu"
    cell = GRU()
    assert get(cell) is cell
    assert isinstance(get(GRU), GRU)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("lsmt", "did you mean 'lstm'"), ("grü", "gru"), ("", "there are"), (3, "int"), (None, "NoneType")],
)
def test_unknown_cells(wrong: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        get(wrong)


def test_unknown_nonlinearity() -> None:
    with pytest.raises(InputError, match=r"'gelu'.*tanh, relu, softsign, sigmoid"):
        Elman("gelu")


@pytest.mark.parametrize("name", names())
def test_every_cell_states_its_equations_variant_and_source(name: str) -> None:
    words = type(get(name)).__doc__ or ""
    assert "Variant:" in words
    assert "Source:" in words
    assert "_t = " in words


def test_order_of_gates_is_torchs() -> None:
    assert get("lstm").gates == ("i", "f", "g", "o")
    assert get("lstm").state == ("h", "c")
    assert get("gru").gates == ("r", "z", "n")
    assert get("gru-cho").gates == ("r", "z", "n")


def cell_with(step: object = None, **declared: object) -> Cell:
    class Given(Cell):
        pass

    for key, value in declared.items():
        setattr(Given, key, value)
    Given.step = step or (lambda self, x, h, s: {"h": tanh(x.h + h.h)})
    return Given()


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (cell_with(gates="ifgo"), "tuple of names"),
        (cell_with(gates=("h", "h")), "twice"),
        (cell_with(gates=("a b",)), "can't be a name"),
        (cell_with(gates=(3,)), "can't be a name"),
        (cell_with(gates=("é",)), "can't be a name"),
        (cell_with(state=()), "state is empty"),
        (cell_with(state="h"), "tuple of names"),
        (cell_with(forget_gate="f"), "forget_gate"),
        (cell_with(lambda self, x, h, s: tanh(x.h)), "dict"),
        (cell_with(lambda self, x, h, s: {"c": tanh(x.h)}), "h is missing"),
        (cell_with(lambda self, x, h, s: {"h": x.k}), r"x\.k.*is: h"),
        (cell_with(lambda self, x, h, s: {"h": s.c}), r"s\.c"),
        (cell_with(lambda self, x, h, s: {"h": h(x.h).k}), "k"),
        (cell_with(lambda self, x, h, s: {"h": tanh(x.h) if x.h > 0 else x.h}), "branch"),
        (cell_with(lambda self, x, h, s: {"h": x.h and h.h}), "branch"),
        (cell_with(lambda self, x, h, s: {"h": x.h**0.5}), "power"),
        (cell_with(lambda self, x, h, s: {"h": x.h + np.ones(3)}), "ndarray"),
        (cell_with(lambda self, x, h, s: {"h": x.h + torch.ones(3)}), "Tensor"),
        (cell_with(lambda self, x, h, s: {"h": torch.tanh(x.h)}), "Expr|functions"),
        (cell_with(lambda self, x, h, s: {"h": np.tanh(x.h)}), "Expr|functions"),
        (cell_with(lambda self, x, h, s: {"h": x.h, "not a name": h.h}), "can't be a name"),
        (cell_with(lambda self, x, h, s: {"h": "x"}), "str"),
        (cell_with(lambda self, x, h, s: {"h": None}), "NoneType"),
        (cell_with(lambda self, x, h, s: {"h": x._what}), "_what"),
        (cell_with(lambda self, x, h, s: {"h": x}), "x"),
    ],
)
def test_wrong_cells(cell: Cell, words: str) -> None:
    with pytest.raises(CellError, match=words):
        trace(cell)


@pytest.mark.parametrize(
    "gate", ["_what", "_values", "_step", "__k", "values", "keys", "in", "lambda", "step", "h", "x", "s", "p"]
)
def test_a_gate_may_have_any_name_that_is_allowed(gate: str) -> None:
    """Allowed names work on symbols and on tensors; others are refused when the cell is traced."""

    class Named(Cell):
        gates = (gate,)

        def step(self, x, h, s):
            return {"h": tanh(getattr(x, gate) + getattr(h, gate))}

    from elman.nn import Recurrent

    try:
        t = trace(Named())
    except CellError:
        return
    assert t.x_gates == t.h_gates == (gate,)
    module = Recurrent(Named(), 2, 3, engine="loop")
    reference = torch.nn.RNN(2, 3)
    reference.load_state_dict(module.state_dict())
    x = torch.randn(4, 2, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(module(x)[0], reference(x)[0])


def test_what_is_used() -> None:
    class Partly(Cell):
        gates = ("a", "b", "c", "d")

        def step(self, x, h, s):
            return {"h": sigmoid(x.a + h.b) * h(s.h).c}

    t = trace(Partly())
    assert (t.x_gates, t.h_gates, t.plain_gates, t.mid_gates) == (("a",), ("b", "c"), ("b",), ("c",))
    assert "matrix product in mid-step (gate c)" in t.obstacle


def test_a_step_that_branches_on_values_is_told_what_to_write_instead() -> None:
    with pytest.raises(CellError, match="maximum"):
        trace(cell_with(lambda self, x, h, s: {"h": max(x.h, h.h)}))


def test_cells_can_be_copied() -> None:
    for name in names():
        again = copy.deepcopy(get(name))
        assert trace(again) == trace(get(name))
