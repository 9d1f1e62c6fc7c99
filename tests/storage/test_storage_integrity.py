"""Folders that were damaged, forged or mixed up: each gives one clear FolderError, and nothing outside is read."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from folder_states import NEW, OLD, previous

from elman.errors import FolderError, StorageError
from elman.storage import read_folder, to_json, write_folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    previous(tmp_path / "model")
    return tmp_path / "model"


def forge(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest and make its checksum right again, as an attacker would."""
    content = json.loads((folder / "manifest.json").read_text())
    del content["checksum"]
    change(content)
    checksum = hashlib.sha256(to_json(content)).hexdigest()
    (folder / "manifest.json").write_bytes(to_json(content | {"checksum": checksum}))


def test_round_trip(model: Path) -> None:
    assert read_folder(model) == OLD
    assert read_folder(model, kind="model") == OLD
    assert read_folder(str(model)) == OLD  # type: ignore[arg-type] # a string does no harm
    assert read_folder(model, names=["config.json"]) == {"config.json": OLD["config.json"]}
    assert read_folder(model, names=[]) == {}
    write_folder(model, {}, kind="empty")
    assert read_folder(model) == {}


def test_through_a_link_and_a_relative_path(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (model.parent / "link").symlink_to(model)
    write_folder(model.parent / "link", NEW, kind="model")
    assert read_folder(model) == read_folder(model.parent / "link") == NEW
    assert (model.parent / "link").is_symlink()
    monkeypatch.chdir(model)
    write_folder(Path(), OLD, kind="model")
    assert read_folder(model) == OLD


def test_every_flipped_bit_is_found(model: Path) -> None:
    for file in sorted(model.iterdir()):
        with file.open("r+b", buffering=0) as opened:
            for place, byte in enumerate(file.read_bytes()):
                for bit in range(8):
                    os.pwrite(opened.fileno(), bytes([byte ^ 1 << bit]), place)
                    with pytest.raises(FolderError, match=file.name):
                        read_folder(model)
                os.pwrite(opened.fileno(), bytes([byte]), place)
    assert read_folder(model) == OLD


def test_every_truncation_and_extension_is_found(model: Path) -> None:
    for file in sorted(model.iterdir()):
        data = file.read_bytes()
        for longer in (b"\n", b"\0", data):
            file.write_bytes(data + longer)
            with pytest.raises(FolderError, match=file.name):
                read_folder(model)
        for length in reversed(range(len(data))):
            os.truncate(file, length)
            with pytest.raises(FolderError, match=file.name):
                read_folder(model)
        file.write_bytes(data)
    assert read_folder(model) == OLD


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda m: (m / "extra.py").write_text("x"), "extra.py is not in the folder's manifest: move it away"),
        (lambda m: (m / "sub").mkdir(), "sub is not in the folder's manifest"),
        (lambda m: (m / "config.json").unlink(), "config.json is missing"),
        (lambda m: (m / "manifest.json").unlink(), "it has no usable manifest.json"),
        (lambda m: shutil.rmtree(m), "there is no .*model: check the path"),
        (lambda m: (m / "config.json").replace(m / "weights.bin"), "config.json is missing"),
        (lambda m: (m / "manifest.json").write_bytes(b""), "manifest.json is not JSON"),
        (lambda m: (m / "manifest.json").write_bytes(b"[1]\n"), "manifest.json is not a manifest"),
        (lambda m: (m / "manifest.json").write_bytes(b"{}\n"), "manifest.json is not valid"),
        (lambda m: (m / "manifest.json").write_bytes(b"[" * 100_000), "manifest.json is nested deeper"),
        (lambda m: os.truncate(m / "manifest.json", 2**24 + 1), "it has no usable manifest.json"),
        (
            lambda m: ((m / "weights.bin").unlink(), (m / "weights.bin").mkdir()),
            "weights.bin is missing or no plain file",
        ),
        (lambda m: ((m / "weights.bin").unlink(), os.mkfifo(m / "weights.bin")), "weights.bin is missing or no plain"),
        (lambda m: ((m / "weights.bin").unlink(), (m / "weights.bin").symlink_to("/etc/passwd")), "no plain file"),
        (
            lambda m: ((m / "manifest.json").unlink(), (m / "manifest.json").symlink_to("/dev/zero")),
            "no usable manifest",
        ),
        (lambda m: (shutil.rmtree(m), m.write_text("file")), "model is not a folder"),
    ],
)
def test_damaged_folders(model: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(model)
    with pytest.raises(FolderError, match=message):
        read_folder(model)


NAMES = [
    "../out",
    "a/b",
    "/etc/passwd",
    "..",
    ".",
    "",
    ".hidden",
    "a\\b",
    "a\0b",
    "a\nb",
    "manifest.json",
    "x" * 101,
    "é",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_leave_the_folder(model: Path, name: str) -> None:
    (model.parent / "out").write_bytes(OLD["config.json"])
    with pytest.raises(FolderError, match="not a plain file name"):
        write_folder(model, {name: b""}, kind="model")
    assert read_folder(model) == OLD
    forge(model, lambda content: content["files"].update({name: content["files"]["config.json"]}))
    with pytest.raises(FolderError, match=r"manifest.json is not valid: .*not a plain file name"):
        read_folder(model)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(files=[]),
        lambda c: c.update(files={"a": 1}),
        lambda c: c["files"]["config.json"].update(size="14"),
        lambda c: c["files"]["config.json"].update(size=14.0),
        lambda c: c["files"]["config.json"].update(size=True),
        lambda c: c["files"]["config.json"].update(size=-1),
        lambda c: c["files"]["config.json"].update(sha256="0" * 63),
        lambda c: c["files"]["config.json"].update(more=1),
        lambda c: c["files"]["config.json"].pop("sha256"),
        lambda c: c.update(more=1),
        lambda c: c.update(kind="\x1b[31m"),
        lambda c: c.pop("kind"),
        lambda c: c.pop("format"),
        lambda c: c.update(format=0),
        lambda c: c.update(format="1"),
        lambda c: c.update(format=True),
        lambda c: c.update(format=1.0),
        lambda c: c.update(format=[2]),
    ],
)
def test_forged_manifests(model: Path, change: Callable[[dict[str, Any]], object]) -> None:
    forge(model, change)
    with pytest.raises(FolderError, match=r"(manifest|config).json (is not valid|was altered|has 14 bytes)"):
        read_folder(model)


def test_forged_sizes_and_digests(model: Path) -> None:
    forge(model, lambda content: content["files"]["config.json"].update(size=2**62))
    with pytest.raises(FolderError, match=f"config.json has 14 bytes, not {2**62}"):
        read_folder(model)
    forge(model, lambda content: content["files"]["config.json"].update(size=14, sha256="0" * 64))
    with pytest.raises(FolderError, match=r"config.json was altered: its SHA-256"):
        read_folder(model)


def test_a_manifest_has_one_spelling(model: Path) -> None:
    data = (model / "manifest.json").read_bytes()
    other = [data.replace(b"kind", b"k\\u0069nd"), data[:-1], json.dumps(json.loads(data)).encode()]
    other.append(data.replace(b'"format": 1', b'"format": 1,\n "format": 1'))
    for spelling in other:
        assert json.loads(spelling) == json.loads(data)
        (model / "manifest.json").write_bytes(spelling)
        with pytest.raises(FolderError, match=r"manifest.json was altered: its checksum does not fit"):
            read_folder(model)


def test_a_newer_format_says_so_whatever_else_it_changed(model: Path) -> None:
    message = r"manifest.json: made by a newer Elman \(format 2\); this one reads up to 1: upgrade"
    forge(model, lambda content: content.update(format=2))
    with pytest.raises(FolderError, match=message):
        read_folder(model)
    (model / "manifest.json").write_text('{"format": 2, "content": []}')
    with pytest.raises(FolderError, match=message):
        read_folder(model)


def test_another_kind_and_missing_names(model: Path) -> None:
    with pytest.raises(FolderError, match="holds a model, not a checkpoint"):
        read_folder(model, kind="checkpoint")
    with pytest.raises(FolderError, match=r"model has no a, b$"):
        read_folder(model, names=["b", "config.json", "a"])
    with pytest.raises(FolderError, match="kind"):
        write_folder(model, {}, kind="Not A Kind")


def test_a_desktops_hidden_file_does_no_harm(model: Path) -> None:
    (model / ".DS_Store").write_bytes(b"\0")
    assert read_folder(model) == OLD
    write_folder(model, NEW, kind="model")
    assert read_folder(model) == NEW


@pytest.mark.parametrize("inside", ["notes.txt", "sub/deep.txt"])
def test_somebody_elses_folder_is_not_replaced(tmp_path: Path, inside: str) -> None:
    file = tmp_path / "thesis" / inside
    file.parent.mkdir(parents=True)
    file.write_text("mine")
    with pytest.raises(FolderError, match="Elman did not write"):
        write_folder(tmp_path / "thesis", NEW, kind="model")
    assert file.read_text() == "mine"
    with pytest.raises(FolderError, match="Elman did not write"):
        write_folder(file, NEW, kind="model")
    assert file.read_text() == "mine"


def test_an_empty_folder_and_copies_by_hand_are_respected(model: Path) -> None:
    for name in ("model.old", "model.new"):
        shutil.copytree(model, model.parent / name)
    (model.parent / "empty").mkdir()
    write_folder(model.parent / "empty", NEW, kind="model")
    write_folder(model, NEW, kind="model")
    assert read_folder(model.parent / "model.old") == read_folder(model.parent / "model.new") == OLD


def test_no_parent(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"can't write .*: No such file or directory"):
        write_folder(tmp_path / "no" / "model", NEW, kind="model")
    with pytest.raises(FolderError, match="there is no"):
        read_folder(tmp_path / "no" / "model")
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match="is not a folder"):
        read_folder(tmp_path / "file" / "model")
