"""Recurrent cells in loops written from the papers, by hand, in torch float64: an oracle that shares no line with the package.

Each takes W (parameters by torch.nn's name without layer), xs [T, B, I] and the states [B, H], and returns all outputs and the
final states. Gradients come from autograd over these lines.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Weights = dict[str, Tensor]
States = tuple[Tensor, ...]
Step = Callable[[Weights, Tensor, States], States]


def zeros(W: Weights, name: str, like: str) -> Tensor:
    return W[name] if name in W else torch.zeros(W[like].shape[0], dtype=torch.float64)


def maps(W: Weights, x: Tensor, h: Tensor, n: int) -> tuple[list[Tensor], list[Tensor]]:
    """n blocks of the input's map and n of the recurrent one."""
    ih = (x @ W["weight_ih"].T + zeros(W, "bias_ih", "weight_ih")).chunk(n, dim=1)
    hh = (h @ W["weight_hh"].T + zeros(W, "bias_hh", "weight_hh")).chunk(n, dim=1)
    return list(ih), list(hh)


def logistic(v: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-v))


def elman(f: Callable[[Tensor], Tensor]) -> Step:
    def step(W: Weights, x: Tensor, s: States) -> States:
        (a,), (r,) = maps(W, x, s[0], 1)
        return (f(a + r),)

    return step


def lstm(W: Weights, x: Tensor, s: States) -> States:
    h, c = s
    (xi, xf, xg, xo), (hi, hf, hg, ho) = maps(W, x, h, 4)
    c = logistic(xf + hf) * c + logistic(xi + hi) * torch.tanh(xg + hg)
    return logistic(xo + ho) * torch.tanh(c), c


def peephole(W: Weights, x: Tensor, s: States) -> States:
    """Gers et al. 2002: input and forget gate see c_{t-1}, the output gate c_t."""
    h, c = s
    pi, pf, po = W["weight_p"].chunk(3)
    (xi, xf, xg, xo), (hi, hf, hg, ho) = maps(W, x, h, 4)
    c_new = logistic(xf + hf + pf * c) * c + logistic(xi + hi + pi * c) * torch.tanh(xg + hg)
    return logistic(xo + ho + po * c_new) * torch.tanh(c_new), c_new


def gru(W: Weights, x: Tensor, s: States) -> States:
    (xr, xz, xn), (hr, hz, hn) = maps(W, x, s[0], 3)
    r, z = logistic(xr + hr), logistic(xz + hz)
    return (torch.tanh(xn + r * hn) * (1 - z) + z * s[0],)


def gru_cho(W: Weights, x: Tensor, s: States) -> States:
    """Cho et al. 2014, equations 5 to 8: the reset state goes through the matrix."""
    h = s[0]
    (xr, xz, xn), (hr, hz, _) = maps(W, x, h, 3)
    r, z = logistic(xr + hr), logistic(xz + hz)
    units = h.shape[1]
    through = (r * h) @ W["weight_hh"][2 * units :].T + zeros(W, "bias_hh", "weight_hh")[2 * units :]
    return (z * h + (1 - z) * torch.tanh(xn + through),)


def mgu(W: Weights, x: Tensor, s: States) -> States:
    """Zhou et al. 2016, equation 8."""
    h = s[0]
    (xf, xn), (hf, _) = maps(W, x, h, 2)
    f = logistic(xf + hf)
    units = h.shape[1]
    through = (f * h) @ W["weight_hh"][units:].T + zeros(W, "bias_hh", "weight_hh")[units:]
    return ((1 - f) * h + f * torch.tanh(xn + through),)


def indrnn(W: Weights, x: Tensor, s: States) -> States:
    """Li et al. 2018, equation 2."""
    return ((x @ W["weight_ih"].T + zeros(W, "bias_ih", "weight_ih") + W["weight_p"] * s[0]).clamp(min=0),)


def mingru(W: Weights, x: Tensor, s: States) -> States:
    """Feng et al. 2024, section 3.1."""
    z, n = (x @ W["weight_ih"].T + zeros(W, "bias_ih", "weight_ih")).chunk(2, dim=1)
    z = logistic(z)
    return ((1 - z) * s[0] + z * n,)


def minlstm(W: Weights, x: Tensor, s: States) -> States:
    """Feng et al. 2024, section 3.2: f' = f / (f + i), i' = i / (f + i)."""
    i, f, n = (x @ W["weight_ih"].T + zeros(W, "bias_ih", "weight_ih")).chunk(3, dim=1)
    i, f = logistic(i), logistic(f)
    return (f / (f + i) * s[0] + i / (f + i) * n,)


HAND: dict[str, Step] = {
    "elman": elman(torch.tanh),
    "elman-relu": elman(lambda v: v.clamp(min=0)),
    "elman-softsign": elman(lambda v: v / (1 + v.abs())),
    "elman-sigmoid": elman(logistic),
    "lstm": lstm,
    "lstm-peephole": peephole,
    "gru": gru,
    "gru-cho": gru_cho,
    "mgu": mgu,
    "indrnn": indrnn,
    "mingru": mingru,
    "minlstm": minlstm,
}


def unroll(step: Step, W: Weights, xs: Tensor, state: States) -> tuple[Tensor, States]:
    """Outputs [T, B, H] and the final states."""
    outputs = []
    for x in xs:
        state = step(W, x, state)
        outputs.append(state[0])
    return torch.stack(outputs), state
