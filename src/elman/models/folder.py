"""Model folders: weights as safetensors, everything else as text. A stranger's folder loads without running any code of theirs.

model.safetensors   weights, torch.nn's names
config.json         shape of the model, its cell as text, rendered equations, categories
vocabulary.json     symbols
README.md           card for people
manifest.json       sizes and SHA-256 of every file, written last
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError

from elman.equations import cell_to_text, explain
from elman.errors import CellError, FolderError, InputError
from elman.models.language_model import LanguageModel, make_cell
from elman.models.settings import ModelSettings
from elman.storage import bytes_to_tensors, from_json, read_folder, tensors_to_bytes, to_json

FORMAT = 1
MAX_PARAMETERS = 500_000_000


@dataclass(frozen=True)
class StoredModel:
    """What a model folder holds, checked and built."""

    model: LanguageModel
    config: dict[str, Any]
    vocabulary: dict[str, Any]


def model_files(model: LanguageModel, vocabulary: dict[str, Any], facts: dict[str, Any]) -> dict[str, bytes]:
    """The files of a model folder (without the manifest, which `storage.write_folder` adds).

    Args:
        model: whose weights are written.
        vocabulary: `Vocabulary.to_json()`.
        facts: what else `config.json` should say: "title", "categories" (names), "corpus", ...
    """
    cell = model.recurrent.cell
    explained = explain(cell, bias=model.settings.bias)
    config = {
        "format": FORMAT,
        "shape": "language-model",
        "model": model.settings.model_dump(mode="json"),
        "cell": cell_to_text(cell),
        "equations": [{"name": e.name, "text": e.text, "mathml": e.mathml} for e in explained.equations],
        "symbols": model.symbols,
        **facts,
    }
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    return {
        "model.safetensors": tensors_to_bytes(tensors, {"format": "elman"}),
        "config.json": to_json(config),
        "vocabulary.json": to_json(vocabulary),
        "README.md": _card(model, config).encode(),
    }


def load_model(folder: Path) -> StoredModel:
    """Read a model folder.

    Raises:
        FolderError: missing, truncated, altered, of a newer format, or its files contradict each other; the message says which.
    """
    files = read_folder(folder)
    for name in ("model.safetensors", "config.json", "vocabulary.json"):
        if name not in files:
            raise FolderError(f"{folder} is no model folder: it has no {name}")
    config = from_json(files["config.json"], str(folder / "config.json"))
    vocabulary = from_json(files["vocabulary.json"], str(folder / "vocabulary.json"))
    settings, symbols, categories = _shape(config, folder)
    try:
        model = LanguageModel(settings, symbols, categories)
    except (CellError, InputError) as error:
        raise FolderError(f"{folder / 'config.json'}: {error}") from None
    _fill(model, bytes_to_tensors(files["model.safetensors"]), folder)
    model.eval()
    return StoredModel(model, config, vocabulary)


def _shape(config: Any, folder: Path) -> tuple[ModelSettings, int, int]:
    """Settings, number of symbols and of categories, checked before anything is allocated."""
    where = folder / "config.json"
    if not isinstance(config, dict) or not isinstance(config.get("format"), int):
        raise FolderError(f"{where}: not a model's configuration (no format number)")
    if config["format"] > FORMAT:
        raise FolderError(
            f"{where}: made by a newer Elman (format {config['format']}); this one reads up to {FORMAT}: upgrade Elman"
        )
    try:
        settings = ModelSettings.model_validate({**config["model"], "cell_text": config["cell"]})
    except (ValidationError, KeyError, TypeError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else f"no {error}"
        raise FolderError(f"{where}: the model's settings are not valid: {first}") from None
    symbols, categories = config.get("symbols"), config.get("categories", [])
    if not isinstance(symbols, int) or symbols < 1 or not isinstance(categories, list):
        raise FolderError(f"{where}: symbols must be a whole number above 0, and categories a list of names")
    width = (settings.embedding or symbols) + len(categories)
    rough = symbols * (settings.hidden + settings.embedding) + 4 * settings.hidden * (
        width + (2 * settings.layers - 1) * settings.hidden
    )
    if rough > MAX_PARAMETERS:
        raise FolderError(
            f"{where}: the model would have about {rough:,} parameters; more than {MAX_PARAMETERS:,} are not loaded"
        )
    return settings, symbols, len(categories)


def _fill(model: LanguageModel, tensors: dict[str, torch.Tensor], folder: Path) -> None:
    """Put the weights in, and refuse what does not fit or is not finite."""
    where = folder / "model.safetensors"
    expected = model.state_dict()
    different = sorted(set(expected) ^ set(tensors))
    if different:
        raise FolderError(f"{where}: the weights don't belong to the configuration: {', '.join(different[:3])}")
    for name, value in tensors.items():
        if value.shape != expected[name].shape or not value.is_floating_point():
            shape = list(expected[name].shape)
            raise FolderError(
                f"{where}: {name} should be {shape} of floats; it is {list(value.shape)} of {value.dtype}"
            )
        if not bool(torch.isfinite(value).all()):
            raise FolderError(f"{where}: {name} holds NaN or infinite numbers; this model can't be used")
    model.load_state_dict(tensors)


def _card(model: LanguageModel, config: dict[str, Any]) -> str:
    s = model.settings
    parameters = sum(p.numel() for p in model.parameters())
    equations = "\n".join(f"    {e['text']}" for e in config["equations"])
    return (
        f"# {config.get('title', 'Language model')}\n\n"
        f"A recurrent language model made with Elman: cell {make_cell(s).title}, {s.layers} layer(s) of {s.hidden} units, "
        f"{parameters:,} parameters, {model.symbols} symbols.\n\n"
        f"Equations of a step (W: matrices, b: biases, ⊙ unit by unit):\n\n{equations}\n\n"
        "Load it with `elman.load(FOLDER)`, or from a terminal: `elman sample FOLDER`. `manifest.json` holds the checksums.\n"
    )
