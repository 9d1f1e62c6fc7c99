"""Recurrent cells: each one a few lines of equations that are written down here and nowhere else."""

from elman.cells.cell import Cell, Names
from elman.cells.cho_gru import ChoGRU
from elman.cells.elman import Elman
from elman.cells.functions import (
    absolute,
    exp,
    log,
    maximum,
    mean,
    minimum,
    positive,
    relu,
    sigmoid,
    sign,
    softplus,
    softsign,
    sqrt,
    tanh,
)
from elman.cells.gru import GRU
from elman.cells.indrnn import IndRNN
from elman.cells.lstm import LSTM
from elman.cells.mgu import MGU
from elman.cells.mingru import MinGRU
from elman.cells.minlstm import MinLSTM
from elman.cells.peephole_lstm import PeepholeLSTM
from elman.cells.registry import get, names

__all__ = [
    "GRU",
    "LSTM",
    "MGU",
    "Cell",
    "ChoGRU",
    "Elman",
    "IndRNN",
    "MinGRU",
    "MinLSTM",
    "Names",
    "PeepholeLSTM",
    "absolute",
    "exp",
    "get",
    "log",
    "maximum",
    "mean",
    "minimum",
    "names",
    "positive",
    "relu",
    "sigmoid",
    "sign",
    "softplus",
    "softsign",
    "sqrt",
    "tanh",
]
