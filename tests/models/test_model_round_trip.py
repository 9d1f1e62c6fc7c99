"""A model folder holds the model, to the last bit, whatever its cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from model_folders import VOCABULARY, Strange, files_of, make_model, write

from elman.cells import get, names
from elman.equations import cell_to_text
from elman.models import ModelSettings, load_model, model_files
from elman.nn import Recurrent
from elman.storage import bytes_to_tensors, read_folder

TOKENS = torch.tensor([[0, 3, 2, 1, 2, 4], [0, 2, 2, 0, 4, 1]])
STRANGE = ModelSettings(cell="Strange", cell_text=cell_to_text(Strange()), hidden=4)


def settings_of(cell: str) -> ModelSettings:
    return STRANGE if cell == "Strange" else ModelSettings(cell=cell, hidden=4)


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and a.contiguous().numpy().tobytes() == b.contiguous().numpy().tobytes()
    )


@pytest.mark.parametrize("extra", [{}, {"layers": 2, "dropout": 0.3, "embedding": 3}, {"bias": False}], ids=str)
@pytest.mark.parametrize("cell", [*names(), "Strange"])
def test_weights_and_logits_come_back_bit_for_bit(cell: str, extra: dict[str, Any], tmp_path: Path) -> None:
    model = make_model(settings_of(cell).model_copy(update=extra), categories=2)
    stored = load_model(write(tmp_path / "model", files_of(model, categories=("x", "y"))))
    there, back = model.state_dict(), stored.model.state_dict()
    assert list(there) == list(back)
    assert all(same_bits(there[name], back[name]) for name in there)
    told = torch.tensor([1, 0])
    with torch.no_grad():
        assert same_bits(model(TOKENS, None, told)[0], stored.model(TOKENS, None, told)[0])
    assert not stored.model.training
    assert stored.vocabulary == VOCABULARY
    assert stored.config["categories"] == ["x", "y"]


def test_a_cell_of_ones_own_computes_the_same_without_its_python(tmp_path: Path) -> None:
    """What the class computes and what its text computes: equal to the last bit, gradients too."""
    model = make_model(STRANGE)
    stored = load_model(write(tmp_path / "model", files_of(model))).model
    assert type(stored.recurrent.cell) is not Strange
    own = Recurrent(Strange(), 5, 4, batch_first=True)
    own.load_state_dict(stored.recurrent.state_dict())
    xs = torch.randn(3, 9, 5, generator=torch.Generator().manual_seed(2))
    results = []
    for layers in (own, stored.recurrent):
        layers.zero_grad()
        outputs, (h, c) = layers(xs)
        (outputs.sum() + (h * c).sum()).backward()
        results.append([outputs.detach(), h.detach(), c.detach(), *(p.grad for p in layers.parameters())])
    assert all(same_bits(a, b) for a, b in zip(*results, strict=True))


def test_extreme_numbers_come_back_too(tmp_path: Path) -> None:
    model = make_model()
    extremes = torch.tensor([0.0, -0.0, 1e-45, -1e-40, 3.4e38, -3.4e38, 1 / 3, 1 + 2**-23])
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(extremes.repeat(p.numel() // 8 + 1)[: p.numel()].view_as(p))
    stored = load_model(write(tmp_path / "model", files_of(model))).model
    assert all(same_bits(a, b) for a, b in zip(model.state_dict().values(), stored.state_dict().values(), strict=True))


@pytest.mark.parametrize("cell", ["lstm", "gru-cho", "Strange"])
def test_a_loaded_model_writes_the_folder_it_came_from(cell: str, tmp_path: Path) -> None:
    files = files_of(make_model(settings_of(cell)))
    stored = load_model(write(tmp_path / "model", files))
    facts = {key: stored.config[key] for key in ("title", "categories", "category_counts")}
    again = model_files(stored.model, stored.vocabulary, facts)
    assert set(again) == set(files)
    for name in files:
        if name != "config.json":
            assert again[name] == files[name], name
    # The settings may now say the cell's text where they said its name; all else is the same.
    configs = [json.loads(f["config.json"]) for f in (files, again)]
    for config in configs:
        config["model"].pop("cell_text")
    assert configs[0] == configs[1]
    once_more = write(tmp_path / "again", again)
    assert model_files(load_model(once_more).model, stored.vocabulary, facts) == again


def test_what_lies_in_the_folder(tmp_path: Path) -> None:
    """Weights under torch.nn's names, the cell as text, equations for people, a card; no pickle, no Python."""
    model = make_model(ModelSettings(cell="lstm", hidden=4, layers=2))
    folder = write(tmp_path / "model", files_of(model))
    assert sorted(p.name for p in folder.iterdir()) == [
        "README.md", "config.json", "manifest.json", "model.safetensors", "vocabulary.json",
    ]  # fmt: skip
    files = read_folder(folder, kind="model")
    names_there = set(bytes_to_tensors(files["model.safetensors"]))
    assert {"recurrent.weight_ih_l0", "recurrent.weight_hh_l1", "recurrent.bias_ih_l1", "output.weight"} <= names_there
    config = json.loads(files["config.json"])
    assert config["cell"] == cell_to_text(get("lstm"))
    assert config["format"] == 1
    assert [e["name"] for e in config["equations"]][-1] == "h"
    assert all(e["mathml"].startswith("<math") for e in config["equations"])
    card = files["README.md"].decode()
    assert "lstm" in card
    assert "2 layer(s) of 4 units" in card
    assert f"{sum(p.numel() for p in model.parameters()):,} parameters" in card
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["files"]) == set(files)


def test_the_same_model_makes_the_same_bytes() -> None:
    assert files_of(make_model()) == files_of(make_model())
    assert files_of(make_model(seed=1))["model.safetensors"] != files_of(make_model(seed=2))["model.safetensors"]
