"""`RNN`, `LSTM` and `GRU` with the constructor, parameters and behaviour of their namesakes in torch.nn."""

from __future__ import annotations

from typing import Any

import torch

from elman import cells
from elman.errors import InputError
from elman.nn.recurrent import Recurrent


class RNN(Recurrent):
    """Elman network, `torch.nn.RNN`: h_t = f(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh).

    `nonlinearity` is "tanh" or "relu" as in torch.nn, or "softsign" or "sigmoid". Everything else is
    told by `Recurrent`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        engine: str = "auto",
        precision: str = "float32",
        proj_size: int | None = None,
    ) -> None:
        _no_projection(proj_size, "RNN")
        super().__init__(
            cells.Elman(nonlinearity), input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            engine=engine, precision=precision, device=device, dtype=dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(Recurrent):
    """Long short-term memory, `torch.nn.LSTM`; states (h, c), gates in the order i, f, g, o. Everything else is told by `Recurrent`.

    Raises:
        NotImplementedError: `proj_size` other than 0; torch.nn.LSTM has it.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        engine: str = "auto",
        precision: str = "float32",
    ) -> None:
        if proj_size:
            raise NotImplementedError("elman.nn.LSTM has no projections (proj_size); torch.nn.LSTM has")
        super().__init__(
            cells.LSTM(), input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            engine=engine, precision=precision, device=device, dtype=dtype,
        )  # fmt: skip
        self.proj_size = 0


class GRU(Recurrent):
    """Gated recurrent unit, `torch.nn.GRU`; gates in the order r, z, n. Everything else is told by `Recurrent`."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        *,
        engine: str = "auto",
        precision: str = "float32",
        proj_size: int | None = None,
    ) -> None:
        _no_projection(proj_size, "GRU")
        super().__init__(
            cells.GRU(), input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            engine=engine, precision=precision, device=device, dtype=dtype,
        )  # fmt: skip


def _no_projection(proj_size: Any, name: str) -> None:
    if proj_size is not None:
        raise InputError(
            f"proj_size argument is only supported for LSTM, not RNN or GRU (and by torch.nn.LSTM alone); got it for {name}"
        )
