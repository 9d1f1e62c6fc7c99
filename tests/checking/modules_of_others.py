"""More recurrent modules as people write them, of other shapes: layers with states, taggers, both directions by hand."""

from __future__ import annotations

import torch
from torch import Tensor, nn

V, E, F, H = 9, 4, 5, 6


class Layer(nn.Module):
    """One direction by hand, with a state; `fault` names what is wrong with it."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.i2h, self.h2h = nn.Linear(F, H), nn.Linear(H, H, bias=False)

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = x.new_zeros(len(x), H) if h0 is None else h0
        rows = []
        for t in range(x.shape[1]):
            if self.fault == "state lost after 5 steps" and t % 5 == 0:
                h = torch.zeros_like(h)
            if self.fault == "output before the step":
                rows.append(h)
            h = torch.tanh(self.i2h(x[:, t]) + self.h2h(h))
            if self.fault == "rounded":
                h = h.half().to(x.dtype)
            if self.fault != "output before the step":
                rows.append(h)
        if self.fault == "state overwritten" and h0 is not None:
            with torch.no_grad():
                h0.copy_(h)
        return torch.stack(rows, 1), h


class TimeFirst(nn.Module):
    """Cells over time, time first, said nowhere but in the shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(F, H)

    def forward(self, x: Tensor, h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        h = x.new_zeros(x.shape[1], H) if h is None else h
        rows = []
        for step in x:
            h = self.cell(step, h)
            rows.append(h)
        return torch.stack(rows), h


class Turned(nn.Module):
    """Batch first outside, time first inside."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.rnn, self.out = nn.GRU(F, H), nn.Linear(H, 2)

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, width = x.shape
        turned = x.reshape(steps, batch, width) if self.fault == "reshape" else x.transpose(0, 1)
        found: Tensor = self.out(self.rnn(turned)[0]).transpose(0, 1)
        return found


class BothWays(nn.Module):
    """Both directions by hand."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.fwd, self.bwd = nn.RNN(F, H, batch_first=True), nn.RNN(F, H, batch_first=True)
        self.out = nn.Linear(2 * H, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        f, b = self.fwd(x)[0], self.bwd(x.flip(1))[0]
        b = b if self.fault == "not turned back" else b.flip(1)
        last = b[:, -1] if self.fault == "wrong end" else b[:, 0]
        return self.out(torch.cat([f, b], -1)), torch.stack([f[:, -1], last])


class Masked(nn.Module):
    """Keeps the state at padded steps."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.cell = nn.GRUCell(F, H)

    def forward(self, x: Tensor, src_len: Tensor) -> tuple[Tensor, Tensor]:
        h, rows = x.new_zeros(len(x), H), []
        if self.fault == "input cleaned in place":
            x[torch.arange(x.shape[1]) >= src_len[:, None]] = 0.0
        for t in range(x.shape[1]):
            live = ((t <= src_len) if self.fault == "one step too many" else (t < src_len))[:, None]
            h = torch.where(live, self.cell(x[:, t], h), h)
            rows.append(h)
        return torch.stack(rows, 1), h


class Last(nn.Module):
    """Something before a GRU, and its last state; `fault` names what is wrong with it."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        width = 2 * F if fault == "differences" else E if fault in ("no gradient", "unsaved map") else F
        self.inner = nn.Linear(F, E) if fault == "no gradient" else None
        self.projection = torch.randn(F, E) if fault == "unsaved map" else None
        self.rnn = nn.GRU(width, H, batch_first=True)
        self.cells = [nn.GRUCell(H, H)] if fault == "cells in a list" else []
        self.out = nn.Linear(H, 3)

    def forward(self, x: Tensor) -> Tensor:
        if self.fault == "differences":
            d = x[:, 1:] - x[:, :-1]
            x = torch.cat([x, torch.cat([d[:, :1], d], 1)], -1)
        if self.inner is not None:
            x = torch.tanh(self.inner(x)).data
        if self.projection is not None:
            x = x @ self.projection
        if self.fault == "weights change":
            self.rnn.weight_hh_l0.data.mul_(0.9)
        start = torch.zeros(1, len(x), H) if self.fault == "single precision" else x.new_zeros(1, len(x), H)
        h = self.rnn(x, start)[1]
        h = h.squeeze() if self.fault == "squeezed" else h[-1]
        for cell in self.cells:
            h = cell(h, h)
        if self.fault == "noise":
            h = h + 0.1 * torch.randn_like(h)
        found: Tensor = self.out(h)
        return found


class Predictor(nn.Module):
    """A language model, which may not read in both directions, with a padding symbol that is not trained."""

    def __init__(self, *, both: bool = False) -> None:
        super().__init__()
        self.emb = nn.Embedding(V, E, padding_idx=0)
        self.rnn = nn.GRU(E, H, batch_first=True, bidirectional=both)
        self.out = nn.Linear(2 * H if both else H, V)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.out(self.rnn(self.emb(x))[0])
        return found


class OneNumber(nn.Module):
    """Weights of its own, and one number for a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.u = nn.Parameter(torch.eye(H)), nn.Parameter(0.3 * torch.randn(F, H))

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(len(x), H)
        for step in x.unbind(1):
            h = torch.relu(step @ self.u + h @ self.w)
        return h.sum(1)


class ByCells(nn.Module):
    """Both directions in loops over cells."""

    def __init__(self) -> None:
        super().__init__()
        self.f, self.b, self.out = nn.GRUCell(F, H), nn.GRUCell(F, H), nn.Linear(2 * H, 3)

    def forward(self, x: Tensor) -> Tensor:
        f = b = x.new_zeros(len(x), H)
        forward, backward = [], []
        for t in range(x.shape[1]):
            f, b = self.f(x[:, t], f), self.b(x[:, -1 - t], b)
            forward.append(f)
            backward.insert(0, b)
        found: Tensor = self.out(torch.cat([torch.stack(forward, 1), torch.stack(backward, 1)], -1))
        return found
