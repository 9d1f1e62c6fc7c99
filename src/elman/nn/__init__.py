"""torch modules: any cell as `Recurrent`, and drop-ins for torch.nn's `RNN`, `LSTM` and `GRU`."""

from elman.nn.dropins import GRU, LSTM, RNN
from elman.nn.dropout import dropout
from elman.nn.initialise import SCHEMES, initialise
from elman.nn.recording import Recording
from elman.nn.recurrent import Recurrent

__all__ = ["GRU", "LSTM", "RNN", "SCHEMES", "Recording", "Recurrent", "dropout", "initialise"]
