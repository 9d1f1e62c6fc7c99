"""Folders of models that classify: they come back to the last bit; damaged, contradicting or hostile ones are one sentence."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import model_folders
import pytest
import torch
from classifier_folders import CLASSES, SHAPES, TERMS, WORDS, files_of, model_of, vocabulary_of
from model_folders import check_sentence, with_config, with_tensors, write

import elman
from elman.cells import names
from elman.errors import FolderError
from elman.models import load_model
from elman.runs.classifier import load_classifier
from elman.runs.loaded import load_language
from elman.storage import bytes_to_tensors, to_json

TEXTS = ["the night", "bang bang still the night", "", "nothing that it knows", "Still!"]


def refused(folder: Path) -> str:
    with pytest.raises(FolderError) as caught:
        elman.load(folder)
    return check_sentence(caught.value)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_round_trip(shape: str, tmp_path: Path) -> None:
    model = model_of(shape)
    folder = write(tmp_path / "model", files_of(shape))
    stored = load_model(folder)
    there, back = model.state_dict(), stored.model.state_dict()
    assert list(there) == list(back)
    assert all(torch.equal(there[name], back[name]) for name in there)
    assert type(stored.model) is type(model)
    assert stored.vocabulary == vocabulary_of(shape)
    assert stored.config["classes"] == list(CLASSES)
    assert not stored.model.training
    assert not any(value.is_meta for value in back.values())
    inputs, lengths = torch.tensor([[2, 1, 2], [1, 0, 0]]), torch.tensor([3, 1])
    with torch.no_grad():
        assert torch.equal(stored.model(inputs, lengths), model(inputs, lengths))
    loaded = elman.load(folder)
    said = loaded.predict(TEXTS)
    assert [p.label for p in said] == [max(p.probabilities, key=lambda name: p.probabilities[name]) for p in said]
    for prediction in said:
        assert tuple(prediction.probabilities) == CLASSES
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert prediction.probability == prediction.probabilities[prediction.label]
    assert [p.tokens for p in said] == [2, 5, 0, 4, 1]
    known = {"the", "bang"} if shape == "bag-of-words" else {"the", "bang", "still", "night"}
    assert [p.known for p in said] == [sum(w in known for w in text.lower().strip("!").split()) for text in TEXTS]


@pytest.mark.parametrize("cell", names())
def test_every_cell_comes_back(cell: str, tmp_path: Path) -> None:
    model = model_of("classifier", cell=cell)
    stored = load_model(write(tmp_path / "model", files_of("classifier", cell=cell))).model
    inputs, lengths = torch.tensor([[2, 1, 3], [5, 0, 0]]), torch.tensor([3, 1])
    with torch.no_grad():
        assert torch.equal(stored(inputs, lengths), model(inputs, lengths))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_card_says_what_it_is_and_how_to_ask_it(shape: str) -> None:
    card = files_of(shape)["README.md"].decode()
    assert "elman predict FOLDER" in card
    assert "Classes: calm, loud, odd." in card
    assert ("Equations" in card) == (shape == "classifier")


@pytest.mark.parametrize("shape", SHAPES)
def test_any_flipped_byte_is_noticed(shape: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "model", files_of(shape))
    draw = random.Random(1)
    for file in sorted(folder.iterdir()):
        whole = file.read_bytes()
        for place in {0, len(whole) - 1, *draw.sample(range(len(whole)), 15)}:
            changed = bytearray(whole)
            changed[place] ^= 1 << draw.randrange(8)
            file.write_bytes(changed)
            refused(folder)
        file.write_bytes(whole[: len(whole) // 2])
        assert file.name in refused(folder)
        file.write_bytes(whole)
    elman.load(folder)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_weight_is_checked(shape: str, tmp_path: Path) -> None:
    files = files_of(shape)
    tensors = bytes_to_tensors(files["model.safetensors"])
    for name, value in tensors.items():
        spoilt = value.clone()
        spoilt.view(-1)[-1] = math.nan
        message = refused(write(tmp_path / "model", with_tensors(files, {**tensors, name: spoilt})))
        assert name in message
        assert "NaN" in message
        for wrong in (value.double(), value[..., :-1].contiguous()):
            assert name in refused(write(tmp_path / "model", with_tensors(files, {**tensors, name: wrong})))
        fewer = {other: tensor for other, tensor in tensors.items() if other != name}
        assert name in refused(write(tmp_path / "model", with_tensors(files, fewer)))


RECURRENT_CHANGES: list[dict[str, Any]] = [
    {"model__pooling": "last"},
    {"model__pooling": "concat"},
    {"model__bidirectional": False},
    {"model__embedding": 0},
    {"model__normalise": False},
    {"model__hidden": 16384, "model__layers": 16},
    {"model__hidden_layers": [3]},
    {"model__features": "counts"},
    {"cell": ...},
    {"cell": "cell x\nstate h\nh = 1 / 0 *\n"},
    {"cell": "x" * 10_000},
]
DEEP_CHANGES: list[dict[str, Any]] = [
    {"model__hidden_layers": []},
    {"model__hidden_layers": [16384] * 16},
    {"model__hidden_layers": [4]},
    {"model__hidden_layers": "3"},
    {"model__hidden_layers": [-3]},
    {"model__ngrams": 99},
    {"model__cell": "gru"},
]


def configurations() -> Iterator[tuple[str, dict[str, Any]]]:
    for shape in SHAPES:
        for other in ("language-model", *SHAPES, "seq2seq", None, 5):
            if other != shape:
                yield shape, {"shape": other}
                yield shape, {"shape": other, "model__shape": other}
        for classes in (
            ...,
            [],
            ["calm"],
            ["calm", "calm", "odd"],
            ["calm", "loud"],
            [*CLASSES, "more"],
            "calm",
            None,
            [1, 2, 3],
        ):
            yield shape, {"classes": classes}
        for symbols in (2, 99, 0, -1, True, "6", None, 10**12, 10**400):
            yield shape, {"symbols": symbols}
    for change in RECURRENT_CHANGES:
        yield "classifier", change
    for change in DEEP_CHANGES:
        for shape in ("average", "bag-of-words"):
            yield shape, change


@pytest.mark.parametrize(("shape", "changes"), list(configurations()), ids=lambda v: str(v)[:60])
def test_a_configuration_that_does_not_hold_together(shape: str, changes: dict[str, Any], tmp_path: Path) -> None:
    message = refused(write(tmp_path / "model", with_config(files_of(shape), **changes)))
    assert str(tmp_path / "model") in message


def vocabularies() -> Iterator[tuple[str, dict[str, Any]]]:
    for change in (
        {"terms": TERMS["terms"][:2], "idf": [1.0, 1.0]}, {"terms": [*TERMS["terms"], "more"], "idf": [1.0] * 4},
        {"terms": ["the", "the", "bang"]}, {"terms": ["the", "", "bang"]}, {"terms": ["the", 5, "bang"]}, {"terms": "the"}, {"terms": []},
        {"terms": ["the", "bang", "\ud800"]}, {"idf": []}, {"idf": [1.0, 2.0]}, {"idf": [1.0, 2.0, math.nan]}, {"idf": [1.0, 2.0, "3"]},
        {"idf": [1.0, 2.0, None]}, {"idf": [1.0, 2.0, 1e300]}, {"idf": [1.0, 2.0, 0.0]}, {"idf": [1.0, 2.0, -1.0]}, {"idf": {}},
        {"features": "words"}, {"features": None}, {"features": []}, {"features": "binary"}, {"ngrams": 0}, {"ngrams": 6}, {"ngrams": True},
        {"ngrams": "2"}, {"normalise": 1}, {"normalise": None}, {"tokeniser": None}, {"tokeniser": {}}, {"more": 1},
        {"tokeniser": {**TERMS["tokeniser"], "cut_at": 0}}, {"tokeniser": {**TERMS["tokeniser"], "units": "lines"}},
    ):  # fmt: skip
        yield "bag-of-words", {**TERMS, **change}
    yield "bag-of-words", WORDS
    for key in TERMS:
        yield "bag-of-words", {name: value for name, value in TERMS.items() if name != key}
    for change in (
        {"symbols": WORDS["symbols"][:-1]}, {"symbols": [*WORDS["symbols"], "more"]}, {"symbols": ["", "a", "b", "c", "d", "e"]},
        {"tokeniser": None}, {"tokeniser": {}}, {"units": "characters"}, {"boundary": False},
        {"symbols": ["", "<unknown>", "the", "two words", "still", "night"]},
    ):  # fmt: skip
        for shape in ("classifier", "average"):
            yield shape, {**WORDS, **change}
    yield "classifier", TERMS
    yield "average", {name: value for name, value in WORDS.items() if name != "tokeniser"}


@pytest.mark.parametrize(("shape", "vocabulary"), list(vocabularies()), ids=lambda v: str(v)[-60:])
def test_a_vocabulary_that_is_not_the_models(shape: str, vocabulary: dict[str, Any], tmp_path: Path) -> None:
    spoilt = json.dumps(vocabulary).encode()
    refused(write(tmp_path / "model", {**files_of(shape), "vocabulary.json": spoilt}))


def test_settings_that_name_files_open_none(tmp_path: Path) -> None:
    """Vectors were read when the model was made; a stranger's folder makes nobody read anything."""
    files = with_config(files_of("average"), model__vectors=str(tmp_path / "nowhere.txt"), model__train_embedding=False)
    assert elman.load(write(tmp_path / "model", files)).predict("the").tokens == 1


def test_a_language_models_folder_is_no_classifier(tmp_path: Path) -> None:
    language = write(tmp_path / "language", model_folders.files_of(model_folders.make_model()))
    with pytest.raises(FolderError, match="does not classify") as caught:
        load_classifier(language)
    check_sentence(caught.value)
    for shape in SHAPES:
        with pytest.raises(FolderError, match="elman predict") as caught:
            load_language(write(tmp_path / shape, files_of(shape)))
        check_sentence(caught.value)


def test_names_of_classes_may_be_anything(tmp_path: Path) -> None:
    hostile = ["</script><b>", "[/bold]", "\x1b[2J\n"]
    loaded = elman.load(write(tmp_path / "model", with_config(files_of("average"), classes=hostile)))
    assert set(loaded.predict("the night").probabilities) == set(hostile)
    assert to_json({"classes": list(loaded.classes)})
