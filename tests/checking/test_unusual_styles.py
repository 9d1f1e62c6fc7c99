# ruff: noqa: E501 - as people write them
"""Right solutions as people write them: all accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

import elman

RIGHT = {
    "rnn-step, plain lists": (
        "rnn-step",
        """
import math
class RNN:
    def step(self, x):
        n = len(self.h)
        self.h = [math.tanh(sum(self.W_hh[i][j] * self.h[j] for j in range(n)) + sum(w * v for w, v in zip(self.W_xh[i], x))) for i in range(n)]
        print("h is now", self.h)
        return [sum(w * v for w, v in zip(row, self.h)) for row in self.W_hy]
""",
    ),
    "rnn-step, column vectors": (
        "rnn-step",
        """
import numpy as np
class RNN:
    def step(self, x):
        h, x = np.reshape(self.h, (-1, 1)), np.reshape(x, (-1, 1))
        self.h = np.tanh(self.W_hh @ h + self.W_xh @ x)
        return self.W_hy @ self.h
""",
    ),
    "rnn-step, float32 and a constructor": (
        "rnn-step",
        """
import numpy as np
class RNN:
    def __init__(self, W_hh, W_xh, W_hy):
        self.W_hh, self.W_xh, self.W_hy, self.h = W_hh, W_xh, W_hy, np.zeros(len(W_hh))
    def step(self, x):
        f = np.float32
        self.h = np.tanh(self.W_hh.astype(f) @ np.asarray(self.h, f) + self.W_xh.astype(f) @ x.astype(f))
        return self.W_hy.astype(f) @ self.h
""",
    ),
    "rnn-step, torch": (
        "rnn-step",
        """
import torch
class RNN:
    def step(self, x):
        t = lambda v: torch.as_tensor(v, dtype=torch.float32)
        self.h = torch.tanh(t(self.W_hh) @ t(self.h) + t(self.W_xh) @ t(x)).requires_grad_()
        return t(self.W_hy) @ self.h
""",
    ),
    "vanilla-rnn, einsum and one concatenated product": (
        "vanilla-rnn",
        """
import numpy as np
class VanillaRNN:
    def __init__(self):
        r = np.random.default_rng(0)
        self.W_hh, self.W_xh, self.W_hy = (r.normal(size=(3, 3)) for _ in range(3))
        self.Bh, self.By, self.hidden_state = r.normal(size=3), r.normal(size=3), np.zeros(3)
    def forward(self, x):
        self.hidden_state = np.tanh(np.einsum("ij,j->i", np.hstack([self.W_hh, self.W_xh, self.Bh[:, None]]), np.r_[self.hidden_state, x, 1]))
        return np.einsum("ij,j", self.W_hy, self.hidden_state) + self.By
""",
    ),
    "rnn-forward, a dict in another order": (
        "rnn-forward",
        """
import numpy as np
def rnn_forward(xs, targets, h0, W_xh, W_hh, W_hy, b_h, b_y):
    hs = []
    for x in xs: hs += [np.tanh(x @ W_xh.T + (hs[-1] if hs else h0) @ W_hh.T + b_h)]
    z = np.stack(hs) @ W_hy.T + b_y
    logs = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    return {"loss": -logs[targets.astype(bool)].sum(), "ys": np.exp(logs), "hs": hs}
""",
    ),
    "rnn-forward, a tuple in another order": (
        "rnn-forward",
        """
import torch
def rnn_forward(*given):
    xs, targets, h, W_xh, W_hh, W_hy, b_h, b_y = map(torch.tensor, given)
    hs = [h := torch.tanh(W_xh @ x + W_hh @ h + b_h) for x in xs]
    z = torch.stack(hs) @ W_hy.T + b_y
    return z.softmax(1), hs, torch.nn.functional.cross_entropy(z, targets, reduction="sum")
""",
    ),
    "torch-cell, two matrices and an empty name": (
        "torch-cell",
        """
import torch
import torch.nn as nn
import torch.nn.functional as F
class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size, self.input_size = hidden_size, input_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.h2o = nn.Linear(hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=-1)
    def forward(self, x, hidden):
        W = self.i2h.weight
        hidden = (F.linear(x, W[:, : self.input_size]) + F.linear(hidden, W[:, self.input_size :], self.i2h.bias)).tanh()
        return self.softmax(self.h2o(hidden)), hidden
    def init_hidden(self):
        return torch.zeros(1, self.hidden_size)
def read_name(rnn, xs):
    h, found = rnn.init_hidden(), []
    for x in xs:
        y, h = rnn(x, h)
        found.append(y)
    return found
""",
    ),
    "lstm-step, one product for all gates, tuples": (
        "lstm-step",
        """
import numpy as np
def lstm_step(x, h, C, U, W):
    f, i, o, g = np.split(np.concatenate([x, h]) @ np.vstack([np.hstack([M[k] for k in "fiog"]) for M in (U, W)]), 4)
    f, i, o = (0.5 * (1 + np.tanh(a / 2)) for a in (f, i, o))
    g = np.tanh(g)
    C = C * f + g * i
    return f, i, o, g, C, o * np.tanh(C)
def lstm_forward(xs, h0, C0, U, W):
    h, C, all_steps = h0, C0, []
    for x in xs:
        all_steps.append(lstm_step(x, h, C, U, W)); C, h = all_steps[-1][-2:]
    return tuple(np.array(column) for column in zip(*all_steps))
""",
    ),
    "lstm-step, only h and C": (
        "lstm-step",
        """
import numpy as np
s = lambda a: 1 / (1 + np.exp(-a))
def lstm_step(x, h, C, U, W):
    a = {k: x @ U[k] + h @ W[k] for k in "fiog"}
    C = s(a["f"]) * C + s(a["i"]) * np.tanh(a["g"])
    return s(a["o"]) * np.tanh(C), C
def lstm_forward(xs, h, C, U, W):
    hs = []
    for x in xs: hs.append((h, C) if False else (p := lstm_step(x, h, C, U, W))); h, C = p
    return {"h": [h for h, _ in hs], "c": [C for _, C in hs]}
""",
    ),
    "lstm-step, a list of dicts": (
        "lstm-step",
        """
import torch
def lstm_step(x, h, C, U, W):
    t = lambda v: torch.as_tensor(v, dtype=torch.float64)
    a = {k: t(x) @ t(U[k]) + t(h) @ t(W[k]) for k in U}
    f, i, o, g = a["f"].sigmoid(), a["i"].sigmoid(), a["o"].sigmoid(), a["g"].tanh()
    C = torch.addcmul(f * t(C), i, g)
    return dict(h=o * C.tanh(), C=C, g=g, o=o, i=i, f=f)
def lstm_forward(xs, h, C, U, W, *rest):
    return [lstm_step(xs[0], h, C, U, W)] + (lstm_forward(xs[1:], *(lstm_step(xs[0], h, C, U, W)[k] for k in "hC"), U, W) if len(xs) > 1 else [])
""",
    ),
    "gru-step, a recursion": (
        "gru-step",
        """
import numpy as np
def gru_step(x, h, W, b):
    s = lambda k: 1 / (1 + np.exp(-(W[k] @ np.r_[h, x] + b[k])))
    z, r = s("z"), s("r")
    n = np.tanh(W["n"][:, :len(h)] @ (r * h) + W["n"][:, len(h):] @ x + b["n"])
    return z, r, n, h + z * (n - h)
def gru_forward(xs, h0, W, b):
    steps = []
    for x in xs: steps.append(gru_step(x, steps[-1][3] if steps else h0, W, b))
    return steps
""",
    ),
    "bptt, by autograd": (
        "bptt",
        """
import torch
def bptt(xs, targets, *given):
    names = ("dh0", "dW_xh", "dW_hh", "dW_hy", "db_h", "db_y")
    leaves = [torch.tensor(g, requires_grad=True) for g in given]
    h, W_xh, W_hh, W_hy, b_h, b_y = leaves
    loss = 0
    for x, e in zip(torch.tensor(xs), torch.tensor(targets)):
        h = torch.tanh(W_xh @ x + W_hh @ h + b_h)
        loss = loss - (e * torch.log_softmax(W_hy @ h + b_y, 0)).sum()
    return dict(zip(names, torch.autograd.grad(loss, leaves)))
""",
    ),
    "bptt, einsum over all steps": (
        "bptt",
        """
import numpy as np
def bptt(xs, targets, h0, W_xh, W_hh, W_hy, b_h, b_y):
    hs = [h0]
    for x in xs: hs.append(np.tanh(W_xh @ x + W_hh @ hs[-1] + b_h))
    H = np.array(hs[1:]); z = H @ W_hy.T + b_y; p = np.exp(z - z.max(1)[:, None]); dz = p / p.sum(1)[:, None] - targets
    das, up = [], np.zeros_like(h0)
    for t in range(len(xs) - 1, -1, -1):
        das.insert(0, (dz[t] @ W_hy + up) * (1 - H[t] ** 2)); up = das[0] @ W_hh
    A = np.array(das)
    return np.einsum("ti,tj->ij", dz, H), dz.sum(0), A.T @ xs, A.T @ np.array(hs[:-1]), A.sum(0), up
""",
    ),
    "clipping, torch and generators": (
        "clipping",
        """
import torch
def clip_by_threshold(gradients, threshold):
    return tuple(torch.tensor(g).clamp(-threshold, threshold) for g in gradients)
def clip_by_norm(gradients, max_norm):
    ps = [torch.zeros(g.shape, dtype=torch.float64, requires_grad=True) for g in gradients]
    for p, g in zip(ps, gradients): p.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_(ps, max_norm)
    return [p.grad for p in ps]
def sgd_step(weights, gradients, rate, max_norm):
    return [(w - rate * g.numpy()).tolist() for w, g in zip(weights, clip_by_norm(gradients, max_norm))]
""",
    ),
    "sampling, other ways": (
        "sampling",
        """
import numpy as np
from scipy.special import softmax
def probabilities(logits, temperature=1.0, k=None):
    z = logits / temperature
    if k: z = np.where(z >= np.sort(z)[-k], z, -np.inf)
    return softmax(z).tolist()
def sample(logits, temperature, k, rng):
    return int(np.searchsorted(np.cumsum(probabilities(logits, temperature, k)), rng.random() * (1 - 1e-12)))
""",
    ),
    "bag-of-words, loops": (
        "bag-of-words",
        """
def vocabulary(texts):
    words = []
    for text in texts:
        for word in text.split():
            word = word.lower()
            if word not in words: words.append(word)
    words.sort()
    return tuple(words)
def encode(text, vocabulary):
    return [int(word in [w.lower() for w in text.split()]) for word in vocabulary]
""",
    ),
    "shapes, gather": (
        "shapes",
        """
import torch
def last_state(outputs, lengths):
    o, n = torch.tensor(outputs), torch.tensor(lengths)
    return o.gather(1, (n - 1)[:, None, None].expand(-1, 1, o.shape[-1]))
def mean_state(outputs, lengths):
    o, n = torch.tensor(outputs), torch.tensor(lengths)
    real = torch.arange(o.shape[1]) < n[:, None]
    return (o * real[..., None]).sum(1) / n[:, None]
def both_directions(outputs, lengths):
    u = outputs.shape[-1] // 2
    return torch.cat([last_state(outputs[..., :u], lengths)[:, 0], torch.tensor(outputs[:, 0, u:])], 1)
def mean_loss(losses, lengths):
    return float(sum(losses[i, t] for i in range(len(losses)) for t in range(lengths[i])) / sum(lengths))
shape_of = dict(zip(
    ["what is in this picture", "a sentence about this picture", "is this review positive", "the part of speech of each word",
     "this sentence in another language", "the next letter, at every letter"],
    ["one-to-one", "one-to-many", "many-to-one", "many-to-many", "encoder-decoder", "many-to-many"]))
""",
    ),
    "irnn, a dict of lists": (
        "irnn",
        """
import numpy as np
def initialise(inputs, units, scale, rng):
    return (rng.standard_normal((units, inputs)) * 0.01).astype("float32"), np.diag([scale] * units), [0] * units
def irnn_forward(xs, h0, W_xh, W_hh, b):
    out = [h0]
    for x in xs: out.append((lambda a: a * (a > 0))(W_xh @ x + W_hh @ out[-1] + b))
    return out[1:]
def kept(h0, steps):
    h = h0
    for _ in range(steps): h = np.maximum(h, 0)
    return np.sqrt((h**2).sum() / (h0**2).sum())
""",
    ),
    "vanishing, autograd": (
        "vanishing",
        """
import numpy as np, torch
def elman_norms(xs, h0, W_xh, W_hh, dh):
    xs, h, W_xh, W_hh, dh = (torch.tensor(v) for v in (xs, h0, W_xh, W_hh, dh))
    hs = []
    for x in xs:
        h = torch.tanh(W_xh @ x + W_hh @ h).requires_grad_(); hs.append(h)
    return [g.norm() for g in torch.autograd.grad(hs[-1], hs, dh)]
def lstm_norms(f, dC):
    T = len(f)
    return [np.linalg.norm(np.prod(f[t + 1:], axis=0) * dC) for t in range(T)]
def steps_until(norms, share):
    small = [k for k in range(len(norms)) if norms[-1 - k] < share * norms[-1]]
    return min(small, default=len(norms))
vanishes = {"an Elman network with small weights": 1, "an LSTM whose forget gates are near 1": 0, "an LSTM whose forget gates are near 0.5": 1}
""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_in_another_style(name: str, tmp_path: Path) -> None:
    sheet, text = RIGHT[name]
    (tmp_path / "mine.py").write_text(text, "utf-8")
    verdict = elman.check(tmp_path / "mine.py", sheet)
    assert verdict.right, verdict.text
    assert elman.check(tmp_path / "mine.py").worksheet == sheet, "recognised by its names alone"


def test_a_coding_line_is_honoured(tmp_path: Path) -> None:
    """PEP 263: a file in latin-1 that says so."""
    text = "# -*- coding: latin-1 -*-\n# Lösung von Zoë\nNAME = 'Zoë'\nassert len(NAME) == 3\n"
    (tmp_path / "mine.py").write_bytes((text + RIGHT["bag-of-words, loops"][1]).encode("latin-1"))
    verdict = elman.check(tmp_path / "mine.py", "bag-of-words")
    assert verdict.right, verdict.text
    assert not verdict.notes


def test_a_state_that_is_a_tensor_and_truth_values_of_libraries(tmp_path: Path) -> None:
    """What the constructor made of torch gets its numbers as torch; np.bool_ and tensors are truth values."""
    (tmp_path / "a.py").write_text(
        """
import torch
class VanillaRNN:
    def __init__(self):
        self.W_hh, self.W_xh, self.W_hy = (torch.randn(3, 3) for _ in range(3))
        self.Bh, self.By, self.hidden_state = torch.randn(3), torch.randn(3), torch.zeros(3)
    def forward(self, x):
        self.hidden_state = torch.tanh(self.W_hh @ self.hidden_state + self.W_xh @ torch.as_tensor(x, dtype=torch.float32) + self.Bh)
        return self.W_hy @ self.hidden_state + self.By
"""
    )
    assert elman.check(tmp_path / "a.py", "vanilla-rnn").right
    (tmp_path / "b.py").write_text(
        RIGHT["vanishing, autograd"][1]
        + "vanishes = {k.upper(): (np.bool_ if n else torch.tensor)(bool(v)) for n, (k, v) in enumerate(vanishes.items())}\n"
    )
    verdict = elman.check(tmp_path / "b.py", "vanishing")
    assert verdict.right, verdict.text
