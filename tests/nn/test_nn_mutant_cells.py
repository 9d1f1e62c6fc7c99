"""Deliberate defects in the equations of a cell: the comparison with torch.nn must see each."""

from __future__ import annotations

import pytest
import torch
from mutant_bench import H, config, seen, values_only
from nn_grid import make_case, reference, run

from elman.equations import cell_from_text
from elman.nn import Recurrent

LSTM_LINES = {
    "i": "sigmoid(x.i + h.i)",
    "f": "sigmoid(x.f + h.f)",
    "o": "sigmoid(x.o + h.o)",
    "g": "tanh(x.g + h.g)",
    "c": "f * s.c + i * g",
    "h": "o * tanh(c)",
}
GRU_LINES = {
    "r": "sigmoid(x.r + h.r)",
    "z": "sigmoid(x.z + h.z)",
    "n": "tanh(x.n + r * h.n)",
    "h": "(1 - z) * n + z * s.h",
}
RNN_LINES = {"h": "tanh(x.h + h.h)"}
LINES = {
    "lstm": (LSTM_LINES, "i, f, g, o", "h, c"),
    "gru": (GRU_LINES, "r, z, n", "h"),
    "rnn_tanh": (RNN_LINES, "h", "h"),
}

CELLS: list[tuple[str, str, str]] = [
    ("lstm", "i", "tanh(x.i + h.i)"),
    ("lstm", "f", "tanh(x.f + h.f)"),
    ("lstm", "o", "tanh(x.o + h.o)"),
    ("lstm", "g", "sigmoid(x.g + h.g)"),
    ("lstm", "g", "x.g + h.g"),
    ("lstm", "g", "tanh(x.g - h.g)"),
    ("lstm", "i", "sigmoid(x.i)"),
    ("lstm", "f", "sigmoid(h.f)"),
    ("lstm", "f", "sigmoid(x.f + h.f + 1)"),
    ("lstm", "i", "1 - sigmoid(x.f + h.f)"),
    ("lstm", "c", "f * s.c + g"),
    ("lstm", "c", "s.c + i * g"),
    ("lstm", "c", "(1 - f) * s.c + i * g"),
    ("lstm", "c", "f * s.h + i * g"),
    ("lstm", "c", "f * s.c - i * g"),
    ("lstm", "c", "i * s.c + f * g"),
    ("lstm", "c", "f * (s.c + i * g)"),
    ("lstm", "h", "o * c"),
    ("lstm", "h", "o * sigmoid(c)"),
    ("lstm", "h", "o * tanh(s.c)"),
    ("lstm", "h", "tanh(o * c)"),
    ("lstm", "h", "tanh(c)"),
    ("gru", "r", "tanh(x.r + h.r)"),
    ("gru", "z", "tanh(x.z + h.z)"),
    ("gru", "n", "sigmoid(x.n + r * h.n)"),
    ("gru", "n", "tanh(x.n + h(r * s.h).n)"),
    ("gru", "n", "tanh(r * (x.n + h.n))"),
    ("gru", "n", "tanh(x.n + h.n)"),
    ("gru", "n", "tanh(x.n + z * h.n)"),
    ("gru", "n", "tanh(x.n + (1 - r) * h.n)"),
    ("gru", "h", "z * n + (1 - z) * s.h"),
    ("gru", "h", "(1 - z) * n + z * n"),
    ("gru", "h", "n + z * s.h"),
    ("gru", "h", "(1 - r) * n + r * s.h"),
    ("rnn_tanh", "h", "sigmoid(x.h + h.h)"),
    ("rnn_tanh", "h", "softsign(x.h + h.h)"),
    ("rnn_tanh", "h", "relu(x.h + h.h)"),
    ("rnn_tanh", "h", "tanh(x.h - h.h)"),
    ("rnn_tanh", "h", "tanh(x.h) + tanh(h.h)"),
    ("rnn_tanh", "h", "tanh(x.h + h.h + s.h)"),
]


@pytest.mark.parametrize(("kind", "name", "line"), CELLS, ids=[f"{k}: {n} = {line}" for k, n, line in CELLS])
def test_wrong_cells(kind: str, name: str, line: str) -> None:
    lines, gates, state = LINES[kind]
    c = config(kind)
    theirs, case = reference(c), make_case(c)
    results = []
    for wrong in (lines[name], line):
        equations = "\n".join(f"{k} = {wrong if k == name else v}" for k, v in lines.items())
        cell = cell_from_text(f"gates {gates}\nstate {state}\n{equations}\n")
        module = Recurrent(cell, c.inputs, c.units, c.layers, bidirectional=True, engine="loop", dtype=torch.float64)
        weights = theirs.state_dict()
        for key, parameter in module.state_dict().items():
            if (
                parameter.shape != weights[key].shape
            ):  # a gate whose map the wrong line does not use: take the blocks of those that it does
                used = module.trace.x_gates if "_ih" in key else module.trace.h_gates
                blocks = dict(zip(gates.split(", "), weights[key].split(H), strict=True))
                weights[key] = torch.cat([blocks[g] for g in used])
        module.load_state_dict(weights)
        results.append(seen(values_only(run(module, case)), case, theirs))
    assert results[0] < 1e-12
    assert results[1] > 1e-3
