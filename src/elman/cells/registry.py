"""The built-in cells by name."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import partial
from typing import Any

from elman.cells.cell import Cell
from elman.cells.cho_gru import ChoGRU
from elman.cells.elman import Elman
from elman.cells.gru import GRU
from elman.cells.indrnn import IndRNN
from elman.cells.lstm import LSTM
from elman.cells.mgu import MGU
from elman.cells.mingru import MinGRU
from elman.cells.minlstm import MinLSTM
from elman.cells.peephole_lstm import PeepholeLSTM
from elman.errors import InputError

BUILT_IN: dict[str, Callable[..., Cell]] = {
    "elman": Elman,
    "elman-relu": partial(Elman, "relu"),
    "elman-softsign": partial(Elman, "softsign"),
    "elman-sigmoid": partial(Elman, "sigmoid"),
    "lstm": LSTM,
    "lstm-peephole": PeepholeLSTM,
    "gru": GRU,
    "gru-cho": ChoGRU,
    "mgu": MGU,
    "indrnn": IndRNN,
    "mingru": MinGRU,
    "minlstm": MinLSTM,
}
ALIASES = {"rnn": "elman", "elman-tanh": "elman", "rnn-tanh": "elman", "rnn-relu": "elman-relu"}


def names() -> tuple[str, ...]:
    """The names of the built-in cells."""
    return tuple(BUILT_IN)


def get(cell: str | Cell | type[Cell], **options: Any) -> Cell:
    """The cell of that name (`options` go to its constructor); a cell object is returned as it is.

    Raises:
        InputError: an unknown name, with the nearest right one.
    """
    if isinstance(cell, Cell):
        return cell
    if isinstance(cell, type) and issubclass(cell, Cell):
        return cell(**options)
    if not isinstance(cell, str):
        raise InputError(f"a cell is a name or a Cell object; got {type(cell).__name__}")
    key = cell.lower().replace("_", "-")
    key = ALIASES.get(key, key)
    if key not in BUILT_IN:
        near = difflib.get_close_matches(key, [*BUILT_IN, *ALIASES], 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(BUILT_IN)}"
        raise InputError(f"unknown cell {cell!r}; {hint}")
    return BUILT_IN[key](**options)
