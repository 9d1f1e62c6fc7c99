"""Wrong arguments: the type of exception that torch.nn raises, and a message that says the axes.

Every case is run on torch.nn first; what it raises is what code written for it catches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from nn_grid import HERE
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import elman.nn
from elman.errors import ElmanError, ShapeError
from elman.nn import Recurrent

NAMES = ("RNN", "LSTM", "GRU")

CONSTRUCTORS: dict[str, dict[str, Any]] = {
    "input_size 0": {"input_size": 0},
    "input_size negative": {"input_size": -3},
    "input_size float": {"input_size": 3.0},
    "input_size text": {"input_size": "3"},
    "input_size None": {"input_size": None},
    "hidden_size 0": {"hidden_size": 0},
    "hidden_size negative": {"hidden_size": -1},
    "hidden_size float": {"hidden_size": 4.0},
    "hidden_size None": {"hidden_size": None},
    "num_layers 0": {"num_layers": 0},
    "num_layers negative": {"num_layers": -2},
    "num_layers float": {"num_layers": 1.5},
    "num_layers text": {"num_layers": "2"},
    "bias int": {"bias": 1},
    "bias None": {"bias": None},
    "bias text": {"bias": "yes"},
    "batch_first int": {"batch_first": 0},
    "batch_first None": {"batch_first": None},
    "dropout negative": {"dropout": -0.1},
    "dropout above one": {"dropout": 1.5},
    "dropout bool": {"dropout": True},
    "dropout text": {"dropout": "half"},
    "dropout number as text": {"dropout": "0.5"},
    "dropout None": {"dropout": None},
    "dropout nan": {"dropout": float("nan")},
    "unknown argument": {"hidden": 3},
    "dtype int": {"dtype": torch.int64},
    "dtype text": {"dtype": "float32"},
    "device unknown": {"device": "nowhere"},
}


def raised(call: Callable[[], Any]) -> BaseException:
    with pytest.raises(Exception) as caught:  # whatever it is, it is compared
        call()
    return caught.value


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", CONSTRUCTORS.values(), ids=CONSTRUCTORS)
def test_constructors(name: str, change: dict[str, Any]) -> None:
    arguments = {"input_size": 3, "hidden_size": 4, **change}
    theirs = raised(lambda: getattr(nn, name)(**arguments))
    own = raised(lambda: getattr(elman.nn, name)(**arguments))
    assert isinstance(own, type(theirs)), f"torch.nn raises {theirs!r}, ours {own!r}"
    (argument,) = change
    if argument not in ("hidden", "dtype", "device"):
        assert isinstance(own, ElmanError)
        assert argument in str(own)


@pytest.mark.parametrize("wrong", ["gelu", "", "TANH", None, 3])
def test_nonlinearity(wrong: object) -> None:
    theirs = raised(lambda: nn.RNN(3, 4, nonlinearity=wrong))
    own = raised(lambda: elman.nn.RNN(3, 4, nonlinearity=wrong))
    assert isinstance(own, type(theirs))
    assert "nonlinearity" in str(own)


def test_missing_arguments() -> None:
    for name in NAMES:
        for arguments in ((), (3,)):
            theirs = raised(lambda a=arguments, n=name: getattr(nn, n)(*a))
            assert isinstance(raised(lambda a=arguments, n=name: getattr(elman.nn, n)(*a)), type(theirs))


def zeros(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.zeros(shape, dtype=dtype)


PACKED = pack_padded_sequence(zeros(5, 2, 3), torch.tensor([5, 3]))
WIDE = pack_padded_sequence(zeros(5, 2, 6), torch.tensor([5, 3]))
SINGLE = PackedSequence(PACKED.data.float(), PACKED.batch_sizes)
GOOD = (4, 2, 5)  # 2 layers x 2 directions, B = 2, H = 5
# (input, state or None, words that the message must have); the model: 3 inputs, 5 units, 2 layers, 2 directions, float64
CALLS: dict[str, tuple[Any, tuple[int, ...] | None, str]] = {
    "input of rank 1": (zeros(3), None, "[steps, sequences, inputs]"),
    "input of rank 4": (zeros(1, 5, 2, 3), None, "[steps, sequences, inputs]"),
    "input of rank 0": (zeros(), None, "[steps, sequences, inputs]"),
    "inputs": (zeros(5, 2, 4), None, "[steps, sequences, inputs] = [5, 2, 4]"),
    "no inputs": (zeros(5, 2, 0), None, "[5, 2, 0]"),
    "inputs without batch": (zeros(5, 4), None, "[steps, inputs] = [5, 4]"),
    "inputs packed": (WIDE, None, "inputs"),
    "float32": (zeros(5, 2, 3, dtype=torch.float32), None, "float32"),
    "int64": (zeros(5, 2, 3, dtype=torch.int64), None, "int64"),
    "packed float32": (SINGLE, None, "float32"),
    "layers": (zeros(5, 2, 3), (2, 2, 5), "[layers x directions, batch, units] = [4, 2, 5]"),
    "batch": (zeros(5, 2, 3), (4, 3, 5), "batch of 3"),
    "units": (zeros(5, 2, 3), (4, 2, 6), "[layers x directions, batch, units] = [4, 2, 5]"),
    "batch first": (zeros(5, 2, 3), (2, 4, 5), "layer axis comes first"),
    "rank 2": (zeros(5, 2, 3), (2, 5), "is the layer axis missing?"),
    "rank 1": (zeros(5, 2, 3), (5,), "[layers x directions, batch, units]"),
    "rank 4": (zeros(5, 2, 3), (1, 4, 2, 5), "[layers x directions, batch, units]"),
    "batch with unbatched input": (zeros(5, 3), (4, 1, 5), "[layers x directions, units] = [4, 5]"),
    "layers with unbatched input": (zeros(5, 3), (2, 5), "[layers x directions, units] = [4, 5]"),
    "rank 1 with unbatched input": (zeros(5, 3), (5,), "[layers x directions, units] = [4, 5]"),
    "batch packed": (PACKED, (4, 5, 5), "[layers x directions, batch, units] = [4, 2, 5]"),
    "one sequence packed": (PACKED, (4, 1, 5), "[layers x directions, batch, units] = [4, 2, 5]"),
    "rank 2 packed": (PACKED, (4, 5), "[layers x directions, batch, units] = [4, 2, 5]"),
}


def two_layers(library: Any, name: str) -> nn.Module:
    return getattr(library, name)(3, 5, num_layers=2, bidirectional=True, dtype=torch.float64)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("value", "shape", "words"), CALLS.values(), ids=CALLS)
def test_calls(name: str, value: Any, shape: tuple[int, ...] | None, words: str) -> None:
    hx = None if shape is None else zeros(*shape)
    if name == "LSTM" and hx is not None:
        hx = (hx, hx)
    theirs = raised(lambda: two_layers(nn, name)(value, hx))
    own = raised(lambda: two_layers(elman.nn, name)(value, hx))
    if isinstance(
        theirs, IndexError
    ):  # torch.nn.LSTM stumbles over its own indexing here; its RNN and GRU raise RuntimeError
        theirs = RuntimeError()
    if (
        value is SINGLE and name == "LSTM"
    ):  # it leaves its check of the dtype out for packed input; RNN and GRU raise ValueError
        theirs = ValueError()
    assert isinstance(own, type(theirs)), f"torch.nn raises {theirs!r}, ours {own!r}"
    assert isinstance(own, ElmanError)
    assert words in str(own)
    assert name in str(own) or "dtype" in str(own)


@pytest.mark.parametrize("engine", ["auto", *HERE])
@pytest.mark.parametrize("name", NAMES)
def test_state_of_another_dtype(name: str, engine: str) -> None:
    hx = zeros(*GOOD, dtype=torch.float32)
    hx = (hx, hx) if name == "LSTM" else hx
    theirs = raised(lambda: two_layers(nn, name)(zeros(5, 2, 3), hx))
    module = two_layers(elman.nn, name)
    module.engine = engine
    own = raised(lambda: module(zeros(5, 2, 3), hx))
    assert isinstance(own, (type(theirs), ValueError))  # another dtype of the input is a ValueError
    assert isinstance(own, ElmanError), repr(own)
    assert "float32" in str(own)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_states(name: str, count: int) -> None:
    """torch.nn stumbles here in several ways; ours is a ShapeError (ValueError and RuntimeError) that says what belongs there."""
    hx: Any = tuple(zeros(*GOOD) for _ in range(count))
    if name != "LSTM" and count == 1:
        return  # a single state in a tuple is one state
    with pytest.raises(ShapeError, match="h, c" if name == "LSTM" else "one tensor, h"):
        two_layers(elman.nn, name)(zeros(5, 2, 3), hx)


def test_one_tensor_where_the_lstm_wants_two() -> None:
    theirs = raised(lambda: two_layers(nn, "LSTM")(zeros(5, 2, 3), zeros(*GOOD)))
    own = raised(lambda: two_layers(elman.nn, "LSTM")(zeros(5, 2, 3), zeros(*GOOD)))
    assert isinstance(own, type(theirs))
    assert "(h, c)" in str(own)
    assert "got one tensor" in str(own)


def test_the_second_state_is_named_when_it_is_the_wrong_one() -> None:
    with pytest.raises(ShapeError, match="state c"):
        two_layers(elman.nn, "LSTM")(zeros(5, 2, 3), (zeros(*GOOD), zeros(4, 2, 6)))


@pytest.mark.parametrize("value", [None, [[1.0]], 3, "text", {"x": 1}])
def test_input_that_is_no_tensor(value: object) -> None:
    for cell in ("lstm", "mgu"):
        with pytest.raises(ElmanError, match="tensor or a PackedSequence"):
            Recurrent(cell, 3, 5)(value)


@pytest.mark.parametrize("hx", [3, 0.5, "h", [1.0, 2.0], {"h": zeros(1, 2, 5)}, object()])
def test_state_that_is_no_tensor(hx: object) -> None:
    for name in ("RNN", "LSTM"):
        with pytest.raises(ElmanError, match=r"layers x directions, batch, units"):
            getattr(elman.nn, name)(3, 5, dtype=torch.float64)(zeros(5, 2, 3), hx)


def test_batch_first_errors_name_the_axes_in_their_order() -> None:
    module = elman.nn.GRU(3, 5, batch_first=True)
    with pytest.raises(ShapeError, match=r"\[sequences, steps, inputs\] = \[2, 5, 4\]"):
        module(torch.zeros(2, 5, 4))
    with pytest.raises(ShapeError, match="layer axis comes first, also where batch_first=True"):
        module(torch.zeros(2, 5, 3), torch.zeros(2, 1, 5))


@pytest.mark.parametrize("name", ["mgu", "indrnn", "lstm-peephole"])
def test_any_cell_says_the_same(name: str) -> None:
    with pytest.raises(ShapeError, match=rf"Recurrent\({name}\).*\[steps, sequences, inputs\]"):
        Recurrent(name, 3, 5)(torch.zeros(5, 2, 4))
    with pytest.raises(TypeError, match="hidden_size"):
        Recurrent(name, 3, "5")


def test_a_failed_call_leaves_nothing_behind() -> None:
    module = elman.nn.LSTM(3, 5)
    module(torch.zeros(5, 2, 3))
    used = module.engine_used
    with pytest.raises(ShapeError):
        module(torch.zeros(5, 2, 4))
    assert module.engine_used == used
