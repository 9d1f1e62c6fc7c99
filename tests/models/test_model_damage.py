"""Model folders that are damaged, contradict themselves or ask for too much: one sentence, and nothing is built."""

from __future__ import annotations

import json
import random
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from model_folders import VOCABULARY, check_sentence, files_of, make_model, with_config, with_tensors, write

import elman
from elman.errors import ElmanError, FolderError
from elman.models import ModelSettings, load_model
from elman.storage import bytes_to_tensors, to_json

FILES = files_of(make_model(), categories=())
TENSORS = bytes_to_tensors(FILES["model.safetensors"])


def refused(folder: Path) -> str:
    """The sentence with which a folder is refused."""
    with pytest.raises(FolderError) as caught:
        elman.load(folder)
    return check_sentence(caught.value)


@contextmanager
def little_memory(more: int) -> Iterator[None]:
    """The process may map this many bytes more than it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")], ids=str)
@pytest.mark.parametrize("name", sorted(TENSORS))
def test_a_weight_that_is_no_number(name: str, value: float, tmp_path: Path) -> None:
    spoilt = TENSORS[name].clone()
    spoilt.view(-1)[spoilt.numel() // 2] = value
    message = refused(write(tmp_path / "model", with_tensors(FILES, {**TENSORS, name: spoilt})))
    assert name in message
    assert "NaN" in message


@pytest.mark.parametrize(
    "other",
    [
        torch.full((12, 4), 1e300, dtype=torch.float64),  # finite there, infinite here
        torch.zeros(12, 4, dtype=torch.float8_e4m3fn),
        torch.zeros(12, 4, dtype=torch.int32),
        torch.zeros(12, 4, dtype=torch.bool),
        torch.zeros(12, 4, dtype=torch.complex64),
        torch.zeros(4, 12),
        torch.zeros(48),
        torch.zeros(12, 5),
        torch.zeros(0),
    ],
    ids=lambda t: f"{t.dtype}{list(t.shape)}",
)
def test_a_weight_of_another_kind(other: torch.Tensor, tmp_path: Path) -> None:
    message = refused(write(tmp_path / "model", with_tensors(FILES, {**TENSORS, "recurrent.weight_hh_l0": other})))
    assert "recurrent.weight_hh_l0" in message


def test_a_weight_too_many_and_one_too_few(tmp_path: Path) -> None:
    extra = {**TENSORS, "recurrent.weight_p_l0": torch.zeros(4)}
    assert "recurrent.weight_p_l0" in refused(write(tmp_path / "model", with_tensors(FILES, extra)))
    fewer = {name: value for name, value in TENSORS.items() if name != "output.bias"}
    assert "output.bias" in refused(write(tmp_path / "model", with_tensors(FILES, fewer)))


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_cut_off_emptied_or_gone(name: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "model", FILES)
    file = folder / name
    whole = file.read_bytes()
    for rest in (whole[:-1], whole[: len(whole) // 2], b""):
        file.write_bytes(rest)
        assert name in refused(folder)
    file.unlink()
    assert name in refused(folder)
    file.mkdir()
    assert name in refused(folder)


def test_any_flipped_byte_is_noticed(tmp_path: Path) -> None:
    """Each file at its ends and at random places; the storage room tries them all."""
    folder = write(tmp_path / "model", FILES)
    draw = random.Random(1)
    for file in sorted(folder.iterdir()):
        whole = file.read_bytes()
        for place in {0, 1, 8, len(whole) - 1, *draw.sample(range(len(whole)), 40)}:
            changed = bytearray(whole)
            changed[place] ^= 1 << draw.randrange(8)
            file.write_bytes(changed)
            refused(folder)
        file.write_bytes(whole)
    elman.load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "vocabulary.json"])
def test_a_folder_of_ours_without_a_file(name: str, tmp_path: Path) -> None:
    files = {key: value for key, value in FILES.items() if key != name}
    assert name in refused(write(tmp_path / "model", files))


def test_no_folder_a_file_an_empty_folder(tmp_path: Path) -> None:
    assert "nowhere" in refused(tmp_path / "nowhere")
    file = tmp_path / "file"
    file.write_text("not a model")
    assert "file" in refused(file)
    assert str(tmp_path) in refused(tmp_path)
    refused(tmp_path / ("x" * 300))


def test_a_newer_format(tmp_path: Path) -> None:
    message = refused(write(tmp_path / "model", with_config(FILES, format=2, model=..., cell=5)))
    assert "newer" in message
    assert "format 2" in message
    assert "upgrade" in message.lower()


CONTRADICTIONS: list[dict[str, Any]] = [
    {"symbols": 4},
    {"symbols": 6},
    {"model__hidden": 5},
    {"model__layers": 2},
    {"model__embedding": 5},
    {"model__bias": False},
    {"categories": ["x"], "category_counts": [1]},
    {"cell": "cell lstm\ngates i\nstate h\nh = tanh(x.i + h.i)\n"},
]
NOT_VALID: list[dict[str, Any]] = [
    {"format": ...},
    {"format": "1"},
    {"format": 0},
    {"format": -1},
    {"format": True},
    {"shape": "classifier"},
    {"shape": ...},
    {"model": ...},
    {"model": []},
    {"model": None},
    {"model__hidden": 0},
    {"model__hidden": -4},
    {"model__hidden": "many"},
    {"model__hidden": 4.5},
    {"model__hidden": 10**30},
    {"model__layers": 10**9},
    {"model__dropout": 2},
    {"model__dropout": float("nan")},
    {"model__init_scale": float("inf")},
    {"model__forget_bias": 1e99},
    {"model__init": "best"},
    {"model__engine": "magic"},
    {"model__learned": True},
    {"model__cell": "no-such-cell", "cell": None},
    {"cell": ...},
    {"cell": 5},
    {"cell": ["gru"]},
    {"symbols": ...},
    {"symbols": 0},
    {"symbols": -5},
    {"symbols": True},
    {"symbols": "5"},
    {"symbols": 5.0},
    {"symbols": None},
    {"categories": "xy"},
    {"categories": {"x": 1}},
    {"categories": None},
]


@pytest.mark.parametrize("changes", [*CONTRADICTIONS, *NOT_VALID], ids=str)
def test_a_configuration_that_does_not_hold_together(changes: dict[str, Any], tmp_path: Path) -> None:
    message = refused(write(tmp_path / "model", with_config(FILES, **changes)))
    assert str(tmp_path / "model") in message


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"7", b'"x"', b"\xff\xfe", b"[" * 100_000], ids=repr)
@pytest.mark.parametrize("name", ["config.json", "vocabulary.json"])
def test_not_json_or_json_of_another_kind(name: str, content: bytes, tmp_path: Path) -> None:
    message = refused(write(tmp_path / "model", {**FILES, name: content}))
    assert "config" in message or "vocabulary" in message


@pytest.mark.parametrize("content", [b"", b"\0" * 8, b"\xff" * 64, b"PK\x03\x04" * 9, b"\x80\x04\x95" * 20], ids=repr)
def test_weights_that_are_no_safetensors(content: bytes, tmp_path: Path) -> None:
    message = refused(write(tmp_path / "model", {**FILES, "model.safetensors": content}))
    assert "safetensors" in message


@pytest.mark.parametrize(
    "changes",
    [
        {"symbols": ["", "a", "b", "c"]},
        {"symbols": ["", "a", "b", "c", "d", "e"]},
        {"symbols": ["", "a", "b", "c", "c"]},
        {"symbols": ["a", "b", "c", "d", "e"]},
        {"symbols": ["", "a", "b", "c", 5]},
        {"symbols": ["", "a", "b", "c", None]},
        {"symbols": ["", "a", "b", "c", "dd"]},
        {"boundary": False},
        {"units": "bytes"},
        {"units": "letters"},
        {"units": ["characters"]},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_vocabulary_that_is_not_the_models(changes: dict[str, Any], tmp_path: Path) -> None:
    message = refused(write(tmp_path / "model", {**FILES, "vocabulary.json": to_json(VOCABULARY | changes)}))
    assert "vocabulary" in message


CATEGORIES = files_of(make_model(categories=2), categories=("x", "y"))


@pytest.mark.parametrize(
    "changes",
    [
        {"categories": [1, 2]},
        {"categories": [None, {}]},
        {"categories": ["x", ["y"]]},
        {"categories": ["x", "x"]},
        {"category_counts": [0, 0]},
        {"category_counts": [-1, 2]},
        {"category_counts": [1]},
        {"category_counts": [1, 2, 3]},
        {"category_counts": ["1", "2"]},
        {"category_counts": [float("nan"), 1]},
        {"category_counts": [10**400, 1]},
        {"category_counts": "12"},
        {"category_counts": {"x": 1}},
        {"category_counts": 5},
        {"corpus": []},
        {"corpus": None},
        {"title": {"x": 1}},
        {"equations": None},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_facts_that_are_not_of_their_kind(changes: dict[str, Any], tmp_path: Path) -> None:
    """Refused when loaded, or not needed; never a crash when the model is used."""
    folder = write(tmp_path / "model", with_config(CATEGORIES, **changes))
    try:
        model = elman.load(folder)
        assert len(set(model.categories)) == 2
        for seed in range(20):
            text = model.sample(seed=seed, count=3)
            assert len(text) == 3
        with pytest.raises(ElmanError):
            model.sample(category="nobody's")
    except ElmanError as error:
        check_sentence(error)


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory that a process maps")


def many_gates(count: int) -> str:
    gates = [f"g{k}" for k in range(count)]
    terms = " + ".join(f"x.{g} + h.{g}" for g in gates)
    return f"cell many\ngates {', '.join(gates)}\nstate h\nh = {terms}\n"


@needs_linux
@pytest.mark.parametrize(
    "changes",
    [
        {"model__hidden": 16384, "model__layers": 16},
        {"model__hidden": 16000},
        {"symbols": 10**12},
        {"symbols": 10**6, "model__embedding": 16384},
        {"symbols": 10**400},
        {"model__hidden": 4096, "model__layers": 3, "cell": many_gates(250)},  # 25 billion parameters
    ],
    ids=lambda changes: re.sub(r"cell.*", "cell of 250 gates", str(changes))[:70],
)
def test_too_large_is_refused_before_anything_is_allocated(changes: dict[str, Any], tmp_path: Path) -> None:
    folder = write(tmp_path / "model", with_config(FILES, **changes))
    with little_memory(more=2 * 10**9):
        message = refused(folder)
    assert "parameters" in message or "weights" in message


@needs_linux
def test_large_settings_over_small_weights_cost_no_memory(tmp_path: Path) -> None:
    """230 million parameters may be loaded, but a file of a kilobyte does not hold them: it says so before making room for them."""
    folder = write(tmp_path / "model", with_config(FILES, model__hidden=6000, model__layers=1))
    with little_memory(more=400 * 10**6):
        message = refused(folder)
    assert "weight" in message


def test_settings_are_kept_where_they_are_right(tmp_path: Path) -> None:
    """The other side of all these refusals."""
    settings = ModelSettings(
        cell="lstm", hidden=4, layers=2, dropout=0.5, forget_bias=1.0, init="orthogonal", init_scale=0.9
    )
    stored = load_model(write(tmp_path / "model", files_of(make_model(settings))))
    assert stored.model.settings.model_dump(exclude={"cell_text"}) == settings.model_dump(exclude={"cell_text"})
    assert (
        json.loads(files_of(stored.model)["config.json"])["cell"]
        == json.loads(files_of(make_model(settings))["config.json"])["cell"]
    )
