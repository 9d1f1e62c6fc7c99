"""Recurrent modules as people write them: right ones, and each with one fault that somebody really made."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

V, E, H = 20, 5, 6


class Classifier(nn.Module):
    """Embedding, LSTM, one result for a text; `read` says what of the outputs is read."""

    def __init__(self, read: str = "last", *, both: bool = True) -> None:
        super().__init__()
        self.read = read
        self.embedding = nn.Embedding(V, E, padding_idx=0)
        self.rnn = nn.LSTM(E, H, batch_first=True, bidirectional=both)
        self.out = nn.Linear(2 * H if both else H, 2)
        self.norm = nn.BatchNorm1d(2 * H if both else H, track_running_stats=False)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        order = torch.argsort(lengths, descending=True, stable=True)
        if self.read == "sorted and left so":
            x, lengths = x[order], lengths[order]
        packed = pack_padded_sequence(self.embedding(x), lengths, batch_first=True, enforce_sorted=False)
        outputs, (h, _) = self.rnn(packed)
        padded, _ = pad_packed_sequence(outputs, batch_first=True)
        last = torch.cat(list(h[-2:] if self.rnn.bidirectional else h[-1:]), 1)
        rows = torch.arange(len(padded))
        found = {
            "last": lambda: last,
            "sorted and left so": lambda: last,
            "out[:, -1]": lambda: padded[:, -1],
            "out at the last real step": lambda: padded[rows, lengths - 1],
            "mean over padding": lambda: padded.mean(1),
            "max over padding": lambda: padded.amax(1),
            "batch normalisation": lambda: self.norm(last),
        }[self.read]()
        result: Tensor = self.out(found)
        return result


class WithoutLengths(nn.Module):
    """The usual script: everything padded, the last step read."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(V, E)
        self.rnn = nn.GRU(E, H, batch_first=True)
        self.out = nn.Linear(H, 2)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.out(self.rnn(self.embedding(x))[0][:, -1])
        return result


class Characters(nn.Module):
    """A character model with a loop of its own; `fault` names what is wrong with it."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.embedding = nn.Embedding(V, E)
        self.cell = nn.GRUCell(E, H)
        self.out = nn.Linear(H, V)
        self.kept: Tensor | None = None
        self.scale = torch.linspace(0.5, 2.0, H)

    def forward(self, x: Tensor, hidden: Tensor | None = None) -> tuple[Tensor, Tensor]:
        e = self.embedding(x)
        h = torch.zeros(len(x), H, dtype=e.dtype) if hidden is None or self.fault == "state made anew" else hidden
        first = h
        if self.fault == "state kept" and self.kept is not None and self.kept.shape == h.shape:
            h = self.kept
        rows = []
        for t in range(e.shape[1]):
            h = self.cell(e[:, t], self._before(h, first, e))
            rows.append(self._after(h, e, t))
        self.kept = h.detach()
        return self.out(torch.stack(rows, 1)), h

    def _before(self, h: Tensor, first: Tensor, e: Tensor) -> Tensor:
        if self.fault == "reset at every step":
            return torch.zeros_like(h)
        if self.fault == "initial state at every step":
            return first
        if self.fault == "detached":
            return h.detach()
        return h + 0.1 * h.mean(0) if self.fault == "batch mixed" else h

    def _after(self, h: Tensor, e: Tensor, t: int) -> Tensor:
        if self.fault == "sees the future" and t + 1 < e.shape[1]:
            return h + e[:, t + 1, :1]
        if self.fault == "dropout always":
            return nn.functional.dropout(h, 0.5)
        return h * self.scale if self.fault == "unsaved tensor" else h


class Numbers(nn.Module):
    """Reads numbers, several to a step."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault, self.hidden_size = fault, H
        self.x2h, self.h2h, self.h2y = nn.Linear(3, H), nn.Linear(H, H), nn.Linear(H, 2)

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = torch.zeros(len(x), H, dtype=x.dtype) if h0 is None else h0
        if self.fault == "NaN hidden":
            x = torch.nan_to_num(x)
        rows = []
        for t in range(1 if self.fault == "begins at step 2" else 0, x.shape[1]):
            h = torch.tanh(self.x2h(x[:, t]) + self.h2h(h))
            rows.append(self.h2y(h))
        return torch.stack(rows, 1), h


class Names(nn.Module):
    """The step of a name generator, as a course writes it: one call is one step."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden_size = H
        self.i2h, self.i2o = nn.Linear(4 + H, H), nn.Linear(4 + H, 3)

    def forward(self, input: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:  # noqa: A002 - the course's name
        both = torch.cat((input, hidden), 1)
        return self.i2o(both), torch.tanh(self.i2h(both))

    def initHidden(self) -> Tensor:  # noqa: N802 - the course's name
        return torch.zeros(1, self.hidden_size)


class Transposed(nn.Module):
    """Time first, as torch.nn has it, and a head; right."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(3, H, num_layers=2)
        self.out = nn.Linear(H, 2)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        outputs, state = self.rnn(x, state)
        return self.out(outputs), state
