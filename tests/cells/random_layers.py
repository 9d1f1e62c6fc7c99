"""Weights, inputs and states of one layer: distinct random numbers, so that no two places can be swapped unseen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from written_cells import WRITTEN

from elman.cells import Cell, get, names
from elman.engines import ParameterShapes
from elman.equations import trace
from elman.nn import Recurrent

ALL_CELLS = [*names(), *WRITTEN]


def cell_of(name: str) -> Cell:
    return WRITTEN[name] if name in WRITTEN else get(name)


class RandomLayer(NamedTuple):
    cell: Cell
    weights: dict[str, np.ndarray]  # torch.nn's names with _l0
    xs: np.ndarray  # [T, B, I]
    state: tuple[np.ndarray, ...]  # [B, H] each
    grad: np.ndarray  # [T, B, H]
    grad_state: tuple[np.ndarray, ...]


def random_layer(
    name: str, *, bias: bool = True, steps: int = 5, batch: int = 3, inputs: int = 3, units: int = 4, seed: int = 0
) -> RandomLayer:
    rng = np.random.default_rng(seed)
    cell = cell_of(name)
    t = trace(cell)
    shapes = ParameterShapes(t, units).of(inputs, bias=bias)
    weights = {f"{k}_l0": rng.uniform(-0.9, 0.9, shape) for k, shape in shapes.items()}

    def states() -> tuple[np.ndarray, ...]:
        return tuple(rng.uniform(-0.8, 0.8, (batch, units)) for _ in t.state)

    xs = rng.normal(size=(steps, batch, inputs))
    return RandomLayer(cell, weights, xs, states(), rng.normal(size=(steps, batch, units)), states())


def as_module(layer: RandomLayer, engine: str = "loop") -> Recurrent:
    """A float64 module with the layer's weights."""
    units = layer.grad.shape[-1]
    bias = any(k.startswith("bias") for k in layer.weights)
    module = Recurrent(layer.cell, layer.xs.shape[-1], units, bias=bias, engine=engine, dtype=torch.float64)
    module.load_state_dict({k: torch.from_numpy(v) for k, v in layer.weights.items()})
    return module


def hx_of(parts: tuple[torch.Tensor, ...]) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """States [B, H] in torch.nn's form, [1, B, H]."""
    full = tuple(p.unsqueeze(0) for p in parts)
    return full if len(full) > 1 else full[0]


def states_of(hx: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(s[0] for s in hx) if isinstance(hx, tuple) else (hx[0],)
