"""A folder as a user has it: some data, a recipe, trained runs, cells of their own, and everything that can be wrong with these."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

import torch

import elman
from elman.data.locating import EMBEDDED
from elman.storage import bytes_to_tensors, read_folder, tensors_to_bytes, to_json, write_folder
from elman.training import Silent

RECIPE = """\
title = "Tiny"

[data]
source = "file"
path = "names.txt"

[model]
cell = "gru"
hidden = 8

[training]
epochs = 2
batch_size = 16
rate = 0.02

[sample]
count = 3
length = 12
top_k = [1, 3]
"""

TONES = """\
title = "Tones"

[data]
source = "file"
path = "tones.csv"
units = "words"
validation = 0.2
test = 0.2

[model]
shape = "classifier"
cell = "gru"
embedding = 8
hidden = 8

[training]
epochs = 4
batch_size = 8
rate = 0.05
"""

CELLS = {
    "good.py": """\
from elman.cells import Cell, sigmoid, tanh


class MyCell(Cell):
    gates = ("k", "n")

    def step(self, x, h, s):
        keep, new = sigmoid(x.k + h.k), tanh(x.n + h.n)
        return dict(keep=keep, new=new, h=keep * s.h + (1 - keep) * new)


mine = MyCell()
number = 5
""",
    "syntax.py": "from elman.cells import Cell\n\nclass MyCell(Cell:\n    pass\n",
    "raises.py": """\
from elman.cells import Cell, tanh


class MyCell(Cell):
    def step(self, x, h, s):
        scale = [1, 2][5]
        return dict(h=scale * tanh(x.h + h.h))
""",
    "branching.py": """\
from elman.cells import Cell, tanh


class MyCell(Cell):
    def step(self, x, h, s):
        new = tanh(x.h + h.h)
        if new > 0:
            return dict(h=new)
        return dict(h=s.h)
""",
    "undeclared.py": """\
from elman.cells import Cell, tanh


class MyCell(Cell):
    def step(self, x, h, s):
        return dict(h=tanh(x.gate))
""",
    "imports.py": "import no_such_module\nfrom elman.cells import Cell\n\nclass MyCell(Cell):\n    pass\n",
    "tensors.py": """\
import torch
from elman.cells import Cell


class MyCell(Cell):
    def step(self, x, h, s):
        return dict(h=torch.tanh(x.h + h.h))
""",
    "none.py": """\
from elman.cells import Cell


class MyCell(Cell):
    def step(self, x, h, s):
        h = x.h + h.h
""",
    "arguments.py": """\
from elman.cells import Cell, tanh


class MyCell(Cell):
    def __init__(self, size):
        self.size = size

    def step(self, x, h, s):
        return dict(h=tanh(x.h + h.h))
""",
    "exits.py": "import sys\nsys.exit('leaving')\n",
    "bytes.py": "",
}


def names(language: str, count: int) -> str:
    return "\n".join((EMBEDDED / f"{language}.txt").read_text("utf-8").splitlines()[:count]) + "\n"


def furnish(home: Path) -> None:
    """Everything that the tests of the command line read; they change nothing of it."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "names.txt").write_text(names("Italian", 60), "utf-8")
    (home / "tiny.toml").write_text(RECIPE)
    text = " ".join(
        f"{a} met {b}." for a, b in zip(names("Italian", 60).split(), names("Czech", 60).split(), strict=False)
    )
    (home / "text.txt").write_text(text, "utf-8")
    languages = home / "languages"
    languages.mkdir()
    for language in ("Greek", "Italian"):
        (languages / f"{language}.txt").write_text(names(language, 30), "utf-8")
    for file, content in CELLS.items():
        (home / file).write_text(content)
    (home / "bytes.py").write_bytes(b"\xff\xfe\x00")
    write_wrong_data(home)
    write_wrong_recipes(home)
    data = {"data": home / "names.txt", "listener": Silent()}
    elman.train(home / "tiny.toml", run=home / "run", **data)
    told = {"data.source": "names", "data.categories": True}
    elman.train(home / "tiny.toml", run=home / "told", **{**data, **told, "data": languages})
    elman.train(
        home / "tiny.toml", run=home / "prose", **{**data, "data": home / "text.txt", "data.kind": "continuous"}
    )
    write_wrong_models(home)
    write_strange_categories(home)
    write_texts(home)


def write_strange_categories(home: Path) -> None:
    """A model that is sound but for the names of its categories, which are printed."""
    files = read_folder(home / "told" / "best")
    config = json.loads(files["config.json"])
    files["config.json"] = to_json({**config, "categories": ["Greek\x1b[2J\nelman: fine", "Italian"]})
    write_folder(home / "strange", files, kind="model")


def write_wrong_data(home: Path) -> None:
    (home / "empty.txt").write_bytes(b"")
    (home / "blank.txt").write_bytes(b" \n\n\t\n")
    (home / "latin.txt").write_bytes("Zoë\nJosé\n".encode("latin-1") * 40)
    (home / "one-line.txt").write_text("Maria\n")
    (home / "one-symbol.txt").write_text("".join("a" * k + "\n" for k in range(1, 60)))
    (home / "long.txt").write_text("".join(f"{k:060}\n" for k in range(60)))
    (home / "empty-folder").mkdir()
    (home / "other-folder").mkdir()
    (home / "other-folder" / "notes.md").write_text("nothing of use")


def write_wrong_recipes(home: Path) -> None:
    (home / "key.toml").write_text("[training]\nepohcs = 3\n")
    (home / "type.toml").write_text("[training]\n\nepochs = 'many'\n")
    (home / "broken.toml").write_text("[training\n")
    (home / "latin.toml").write_bytes(b"title = 'Jos\xe9'\n")


def write_wrong_models(home: Path) -> None:
    files = read_folder(home / "run" / "best")
    config = json.loads(files["config.json"])

    def write(name: str, **changes: bytes) -> Path:
        write_folder(
            home / name, {**files, **{key.replace("_", "."): value for key, value in changes.items()}}, kind="model"
        )
        return home / name

    tensors = bytes_to_tensors(files["model.safetensors"])
    tensors["output.bias"][3] = torch.nan
    write("nan", model_safetensors=tensors_to_bytes(tensors))
    strange = {"\x1b[2Jbias\nelman: fine": torch.zeros(2), **bytes_to_tensors(files["model.safetensors"])}
    write("escape", model_safetensors=tensors_to_bytes(strange))
    write("newer", config_json=to_json({**config, "format": 2}))
    write(
        "hostile",
        config_json=to_json(
            {**config, "cell": "cell x\ngates h\nstate h\nh = __import__('os').system('touch pwned')\n"}
        ),
    )
    write("contradicting", config_json=to_json({**config, "symbols": 999}))
    truncated = write("truncated") / "model.safetensors"
    truncated.write_bytes(truncated.read_bytes()[:-100])
    flipped = write("flipped") / "vocabulary.json"
    data = bytearray(flipped.read_bytes())
    data[30] ^= 4
    flipped.write_bytes(data)
    (write("unlisted") / "extra.json").write_text("{}")
    (write("without") / "config.json").unlink()
    damaged = home / "damaged-run"
    shutil.copytree(home / "run", damaged)
    resume = damaged / "last" / "resume.safetensors"
    resume.write_bytes(resume.read_bytes()[:-1])
    (damaged / "best" / "model.safetensors").write_bytes(b"")


def tones(count: int = 60) -> list[tuple[str, str]]:
    """Texts that say their class."""
    said = {"calm": ("still", "quiet", "slow"), "loud": ("bang", "roar", "drum")}
    return [
        (f"the {said[tone][k % 3]} night {k} was {said[tone][k % 2]}", tone)
        for k, tone in ((k, list(said)[k % 2]) for k in range(count))
    ]


def table(rows: Iterable[tuple[str, str]], head: str = "text,label") -> str:
    return head + "\n" + "".join(f'"{text}",{label}\n' for text, label in rows)


def write_texts(home: Path) -> None:
    """Texts with labels in order and out of it, and models that classify."""
    (home / "tones.csv").write_text(table(tones()))
    (home / "tones.toml").write_text(TONES)
    (home / "stars.csv").write_text(table(tones(20), "review,tone"))
    for text, label in tones(8):
        folder = home / "tone-folder" / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{len(list(folder.iterdir()))}.txt").write_text(text)
    wrong: dict[str, str | bytes] = {
        "one-class.csv": table((text, "calm") for text, _ in tones(20)),
        "lonely.csv": table([*tones(40), ("only one of these", "odd")]),
        "blank-texts.csv": table((("" if k < 5 else text), label) for k, (text, label) in enumerate(tones(40))),
        "all-blank.csv": table((" ", label) for _, label in tones(20)),
        "quote.csv": table(tones(20)) + '"never closed,calm\n' + table(tones(3), ""),
        "columns.csv": table(tones(20)) + "one,two,three\n",
        "mixed.csv": table(tones(20)).encode() + "caf\xe9,calm\n".encode("latin-1"),
        "zero.csv": table(tones(20)).encode() + b"a\0b,calm\n",
        "unknown-label.csv": table([*tones(6), ("odd words", "odd")]),
        "no-label.csv": "text\n" + "".join(f"{text}\n" for text, _ in tones(6)),
        "broken.jsonl": '{"text": "a", "label": "calm"}\n{"text":\n',
        "header-only.csv": "text,label\n",
        "few.csv": table(tones(2)),
        "vectors-7.txt": "".join(f"{word} {' '.join('0.5' for _ in range(7))}\n" for word in ("bang", "still")),
        "vectors-other.txt": "".join(f"{word} {' '.join('0.5' for _ in range(8))}\n" for word in ("zig", "zag")),
        "vectors-bad.txt": "bang 1 2 3 4 5 6 7 8\nstill 1 2 x 4 5 6 7 8\n",
    }
    for name, content in wrong.items():
        (home / name).write_bytes(content.encode() if isinstance(content, str) else content)
    quiet = {"data": home / "tones.csv", "listener": Silent()}
    elman.train(home / "tones.toml", run=home / "tones", **quiet)
    bag = home / "bag.toml"
    bag.write_text(TONES.replace('"classifier"\ncell = "gru"\nembedding = 8\nhidden = 8', '"bag-of-words"\nngrams = 2'))
    elman.train(bag, run=home / "bag", **quiet)
    write_strange_classes(home)


def write_strange_classes(home: Path) -> None:
    """A model that is sound but for the names of its classes, which are printed."""
    files = read_folder(home / "tones" / "best")
    config = json.loads(files["config.json"])
    files["config.json"] = to_json({**config, "classes": ["[/bold]\x1b[2Jcalm\nelman: fine", "[red]loud"]})
    write_folder(home / "strange-classes", files, kind="model")
