"""Model folders to use and to spoil: written as Elman writes them, so that only what a test changes is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elman.cells import Cell, sigmoid, softsign, tanh
from elman.models import LanguageModel, ModelSettings, model_files
from elman.storage import tensors_to_bytes, to_json, write_folder

SYMBOLS = ("", "a", "b", "c", "d")
VOCABULARY: dict[str, Any] = {"units": "characters", "boundary": True, "symbols": list(SYMBOLS)}


class Strange(Cell):
    """A cell of nobody's: two states, a product in mid-step, a weight for each unit, an odd number."""

    gates = ("r", "n", "k")
    state = ("h", "c")
    vectors = ("u",)

    def step(self, x: Any, h: Any, s: Any, p: Any) -> dict[str, Any]:
        r = sigmoid(x.r + h.r)
        n = tanh(x.n + h(r * s.h).n + p.u * s.c)
        c = 0.37 * s.c + (1 - r) * n / 3
        return {"r": r, "n": n, "c": c, "h": r * s.h + (1 - r) * softsign(c + x.k)}


def make_model(
    settings: ModelSettings | None = None, *, symbols: int = len(SYMBOLS), categories: int = 0, seed: int = 1
) -> LanguageModel:
    generator = torch.Generator().manual_seed(seed)
    settings = settings or ModelSettings(cell="gru", hidden=4)
    return LanguageModel(settings, symbols, categories, generator).eval()


def files_of(model: LanguageModel, *, categories: tuple[str, ...] = ()) -> dict[str, bytes]:
    facts = {"title": "Test", "categories": list(categories), "category_counts": [1] * len(categories)}
    return model_files(model, VOCABULARY, facts)


def write(path: Path, files: Mapping[str, bytes]) -> Path:
    """A folder whose checksums hold, whatever the files say."""
    shutil.rmtree(path, ignore_errors=True)
    write_folder(path, files, kind="model")
    return path


def with_config(files: Mapping[str, bytes], **changes: Any) -> dict[str, bytes]:
    """The same files with other values in config.json; `model.hidden` is spelled `model__hidden`, and `...` takes a key away."""
    config = json.loads(files["config.json"])
    for key, value in changes.items():
        *path, last = key.split("__")
        target = config
        for part in path:
            target = target[part]
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return {**files, "config.json": to_json(config)}


def with_tensors(files: Mapping[str, bytes], tensors: Mapping[str, Tensor]) -> dict[str, bytes]:
    return {**files, "model.safetensors": tensors_to_bytes(dict(tensors))}


def check_sentence(error: Exception) -> str:
    """What people get to read: a line of its own, not empty, no page."""
    text = str(error)
    assert text.strip()
    assert "\n" not in text
    assert len(text) < 1000
    return text
