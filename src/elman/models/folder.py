"""Model folders: weights as safetensors, everything else as text. A stranger's folder loads without running any code of theirs.

model.safetensors   weights, torch.nn's names
config.json         shape of the model, its cell as text, rendered equations, categories or classes
vocabulary.json     symbols: characters or words, or the features of a bag of words
README.md           card for people
manifest.json       sizes and SHA-256 of every file, written last
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from elman.equations import cell_from_text, cell_to_text, explain
from elman.errors import CellError, FolderError, InputError
from elman.models.averaging import AveragingNetwork
from elman.models.bag_of_words import BagOfWords
from elman.models.language_model import LanguageModel
from elman.models.making import make_cell
from elman.models.settings import ModelSettings, Shape
from elman.models.text_classifier import TextClassifier
from elman.storage import bytes_to_tensors, from_json, read_folder, tensors_to_bytes, to_json

FORMAT = 1
AnyModel = LanguageModel | TextClassifier | AveragingNetwork | BagOfWords
BY_SHAPE: dict[Shape, type[AnyModel]] = {
    "language-model": LanguageModel,
    "classifier": TextClassifier,
    "average": AveragingNetwork,
    "bag-of-words": BagOfWords,
}


def make_model(settings: ModelSettings, symbols: int, kinds: int, generator: torch.Generator | None = None) -> AnyModel:
    """A model of the shape that the settings name; `kinds`: categories of a language model (or 0), else classes.

    Raises:
        InputError, CellError: unknown cell, or a cell text that does not hold together.
    """
    return BY_SHAPE[settings.shape](settings, symbols, kinds, generator)


@dataclass(frozen=True)
class StoredModel:
    """What a model folder holds, checked and built."""

    model: AnyModel
    config: dict[str, Any]
    vocabulary: dict[str, Any]


def model_files(model: AnyModel, vocabulary: dict[str, Any], facts: dict[str, Any]) -> dict[str, bytes]:
    """The files of a model folder (without the manifest, which `storage.write_folder` adds).

    Args:
        model: whose weights are written.
        vocabulary: `Vocabulary.to_json()`, or `Features.to_json()`.
        facts: what else `config.json` should say: "title", "categories" (names), "classes" (names), "corpus", ...
    """
    config = {
        "format": FORMAT,
        "shape": model.settings.shape,
        "model": model.settings.model_dump(mode="json"),
        **_equations(model),
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


def _equations(model: AnyModel) -> dict[str, Any]:
    """The cell as text and rendered; nothing for a model without one."""
    if not isinstance(model, (LanguageModel, TextClassifier)):
        return {}
    text = cell_to_text(model.recurrent.cell)
    return {"cell": text, "equations": _rendered(text, bias=model.settings.bias)}


@lru_cache(maxsize=64)
def _rendered(text: str, *, bias: bool) -> list[dict[str, str]]:
    """Once for a cell: a training writes its model after every epoch, and to derive what is not shown takes longer than to write it."""
    explained = explain(cell_from_text(text), bias=bias)
    return [{"name": e.name, "text": e.text, "mathml": e.mathml} for e in explained.equations]


class Config(BaseModel):
    """What `config.json` must say; anything else in it is kept as it is."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)

    format: Annotated[int, Field(ge=1)]
    shape: Shape
    model: ModelSettings
    cell: Annotated[str, Field(min_length=1)] | None = None
    symbols: Annotated[int, Field(ge=1)]
    title: str = ""
    categories: list[str] = []
    category_counts: list[Annotated[int, Field(ge=0, le=1 << 53)]] = []
    classes: list[str] = []

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.symbols > 10_000_000:
            raise ValueError("so many symbols would need too many parameters")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("a category is named twice")
        if self.category_counts and (
            len(self.category_counts) != len(self.categories) or not sum(self.category_counts)
        ):
            raise ValueError("category_counts must be one number a category, not all of them 0")
        if self.shape != self.model.shape:
            raise ValueError(f"the shape is {self.shape}, but the model's settings are of a {self.model.shape}")
        if self.cell is None and self.shape in ("language-model", "classifier"):
            raise ValueError(f"a {self.shape} has a cell")
        if self.shape != "language-model" and len(set(self.classes)) < max(2, len(self.classes)):
            raise ValueError("a model that classifies needs at least two classes, each named once")
        return self

    @property
    def kinds(self) -> int:
        """Categories of a language model, else classes."""
        return len(self.categories if self.shape == "language-model" else self.classes)


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
    checked = _checked(config, folder / "config.json")
    settings = checked.model.model_copy(update={"cell_text": checked.cell})
    try:
        with torch.device("meta"):  # shapes alone: nothing is allocated before the weights are known to fit
            model = make_model(settings, checked.symbols, checked.kinds)
    except (CellError, InputError) as error:
        raise FolderError(f"{folder / 'config.json'}: {error}") from None
    _fill(model, bytes_to_tensors(files["model.safetensors"]), folder)
    model.eval()
    return StoredModel(model, config, vocabulary)


def _checked(config: Any, where: Path) -> Config:
    if isinstance(config, dict) and type(config.get("format")) is int and config["format"] > FORMAT:
        found = config["format"]
        raise FolderError(
            f"{where}: made by a newer Elman (format {found}); this one reads up to {FORMAT}: upgrade Elman"
        )
    try:
        return Config.model_validate(config)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise FolderError(f"{where} is not a model's configuration: {key}: {first['msg']}") from None


def _fill(model: AnyModel, tensors: dict[str, torch.Tensor], folder: Path) -> None:
    """Put the weights in, and refuse what does not fit or is not finite."""
    where = folder / "model.safetensors"
    expected = model.state_dict()
    different = sorted(set(expected) ^ set(tensors))
    if different:
        raise FolderError(f"{where}: the weights don't belong to the configuration: {', '.join(different[:3])}")
    for name, value in tensors.items():
        if value.shape != expected[name].shape or value.dtype != torch.float32:
            wanted, found = list(expected[name].shape), f"{list(value.shape)} of {value.dtype}"
            raise FolderError(
                f"{where}: the weights don't fit the configuration: {name} should be {wanted} of float32; it is {found}"
            )
        if not bool(torch.isfinite(value).all()):
            raise FolderError(f"{where}: {name} holds NaN or infinite numbers; this model can't be used")
    model.load_state_dict(tensors, assign=True)


def _card(model: AnyModel, config: dict[str, Any]) -> str:
    s = model.settings
    parameters = sum(p.numel() for p in model.parameters())
    lines = "\n".join(f"    {e['text']}" for e in config.get("equations", []))
    equations = f"Equations of a step (W: matrices, b: biases, ⊙ unit by unit):\n\n{lines}\n\n" if lines else ""
    classes = f" Classes: {', '.join(config['classes'])}." if config.get("classes") else ""
    verb = "sample FOLDER" if isinstance(model, LanguageModel) else 'predict FOLDER "a text"'
    return (
        f"# {config.get('title') or _KINDS[s.shape].capitalize()}\n\n"
        f"A {_KINDS[s.shape]} made with Elman: {_inside(s)}, {parameters:,} parameters, {model.symbols:,} symbols.{classes}\n\n"
        f"{equations}"
        f"Load it with `elman.load(FOLDER)`, or from a terminal: `elman {verb}`. `manifest.json` holds the checksums.\n"
    )


_KINDS: dict[Shape, str] = {
    "language-model": "recurrent language model",
    "classifier": "recurrent classifier",
    "average": "averaging network",
    "bag-of-words": "bag-of-words classifier",
}


def _inside(s: ModelSettings) -> str:
    if s.shape in ("language-model", "classifier"):
        both = ", both directions" if s.bidirectional else ""
        return f"cell {make_cell(s).title}, {s.layers} layer(s) of {s.hidden} units{both}"
    hidden = f"hidden layers of {', '.join(map(str, s.hidden_layers))} units" if s.hidden_layers else "no hidden layer"
    return (
        f"embeddings of {s.embedding} numbers, {hidden}" if s.shape == "average" else f"{s.features} features, {hidden}"
    )
