"""Layers and models to stream, with weights that are all different, and their steps on the loop engine to compare with."""

from __future__ import annotations

import copy
import zlib
from typing import Any

import torch
from random_layers import ALL_CELLS, cell_of
from torch import Tensor

from elman.engines import fused
from elman.equations import cell_to_text, trace
from elman.models import LanguageModel, ModelSettings
from elman.nn import Recurrent

HAVE_KERNELS = bool(fused.instruction_sets())
POINTWISE = [name for name in ALL_CELLS if trace(cell_of(name)).obstacle is None]
V = 11


def layers_of(
    name: str, inputs: int = 5, units: int = 7, layers: int = 1, dtype: torch.dtype = torch.float64, **more: Any
) -> Recurrent:
    module = Recurrent(cell_of(name), inputs, units, layers, dtype=torch.float64, **more)
    module.reset_parameters(torch.Generator().manual_seed(zlib.crc32(f"{name} {inputs} {units} {layers}".encode())))
    return module.to(dtype)


def model_of(
    name: str, *, dtype: torch.dtype = torch.float64, categories: int = 0, seed: int = 1, **settings: Any
) -> LanguageModel:
    chosen = ModelSettings(cell=name, **{"hidden": 7, "cell_text": cell_to_text(cell_of(name)), **settings})
    model = LanguageModel(chosen, V, categories, torch.Generator().manual_seed(seed)).double()
    with torch.no_grad():
        for parameter in model.parameters():  # the logits should matter
            parameter.mul_(2.5)
    return model.to(dtype)


def on_the_loop(module: Any) -> Any:
    """A copy that streams on the loop engine."""
    other = copy.deepcopy(module)
    getattr(other, "recurrent", other).engine = "loop"
    return other


def parts(state: Any) -> tuple[Tensor, ...]:
    return state if isinstance(state, tuple) else (state,)


def random(*shape: int, seed: int = 3, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def hx(stream: Any, seed: int = 5, dtype: torch.dtype = torch.float64) -> Any:
    """A state for a stream of layers."""
    like = parts(stream.state)
    made = tuple(random(*s.shape, seed=seed + k, dtype=dtype) for k, s in enumerate(like))
    return made if len(made) > 1 else made[0]


def worst(a: Any, b: Any) -> float:
    return max(
        ((x.double() - y.double()).abs().max() / (1 + y.double().abs().max())).item()
        for x, y in zip(parts(a), parts(b), strict=True)
    )
