"""Runs that take a fraction of a second, on sixty names or a page of text."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import elman
from elman.data import Part, Split, load_corpus, split
from elman.data.locating import EMBEDDED
from elman.recipes.recipe import Recipe
from elman.runs import Model
from elman.training import Silent

KINDS = (
    "lines",
    "categories",
    "line bytes",
    "line words",
    "text",
    "text bytes",
    "text words",
    "text words unknown",
)
"""One example a line or one running text, in every unit."""


def names_of(language: str, count: int = 60) -> list[str]:
    """Names out of the package: the longer a test is read, the nicer real ones are."""
    return (EMBEDDED / f"{language}.txt").read_text("utf-8").splitlines()[:count]


def page() -> str:
    """Running text with sentences, marks, line ends and letters beyond ASCII."""
    people = [*names_of("Italian"), *names_of("Czech")]
    sentences = [f"{a} wrote to {b}, and {a} waits." for a, b in zip(people, people[7:], strict=False)]
    return "".join(s + ("\n" if k % 4 == 3 else " ") for k, s in enumerate(sentences))


def write_data(folder: Path, kind: str) -> dict[str, Any]:
    """The data of a kind, and the section [data] of its recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    section: dict[str, Any] = {"source": "file", "units": "characters"}
    if kind == "categories":
        for language in ("Italian", "Russian", "Greek"):
            (folder / f"{language}.txt").write_text("\n".join(names_of(language, 30)) + "\n", "utf-8")
        return {"source": "names", "path": str(folder), "categories": True}
    if kind == "line words":
        people = names_of("English", 64)
        lines = [f"{a} and {b} met {c}." for a in people[:4] for b in people[4:8] for c in people[8:12]]
    else:
        lines = names_of("Italian")
    file = folder / "data.txt"
    file.write_text(page() if kind.startswith("text") else "\n".join(lines) + "\n", "utf-8")
    section |= {"path": str(file), "kind": "continuous" if kind.startswith("text") else "lines"}
    for units in ("bytes", "words"):
        if units in kind:
            section["units"] = units
    if "unknown" in kind:
        section["max_symbols"] = 20
    return section


def recipe(folder: Path, kind: str = "lines", **changes: Any) -> Recipe:
    """A recipe for the data of this kind, which is written into `folder`; changes are `section__key=value`."""
    values: dict[str, Any] = {
        "title": "Tiny",
        "data": write_data(folder, kind),
        "model": {"cell": "gru", "hidden": 8, "dropout": 0.1},
        "training": {
            "epochs": 2,
            "batch_size": 16 if "text" not in kind else 4,
            "steps": 16,
            "rate": 0.02,
            "clip_norm": 1.0,
        },
        "sample": {"count": 3, "length": 12, "top_k": [1, 3]},
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        values[section][name] = value
    return Recipe.model_validate(values)


def train(made: Recipe | str | Path, **more: Any) -> elman.runs.training.Run:
    """`elman.train` without a progress bar."""
    return elman.train(made, **{"listener": Silent(), **more})


def parts_of(made: Recipe) -> Split:
    """The parts that a run of this recipe has, from the data room alone."""
    return split(load_corpus(made.data), made.data, made.training.seed)


def pieces(part: Part) -> Sequence[str]:
    """What is scored: lines, or one text."""
    return part.lines or (part.text,)


def read_all(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, the lock aside."""
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name != "lock"
    }


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of all that must not depend on how often a run was stopped, nor on the day."""
    there = {name: hashlib.sha256(data).hexdigest() for name, data in read_all(folder).items()}
    for of_the_day in ("timing.jsonl", "environment.json", "results.json", "report.html"):
        there.pop(of_the_day, None)
    return there


def weights(folder: Path) -> str:
    """SHA-256 of the best weights."""
    return hashlib.sha256((folder / "best" / "model.safetensors").read_bytes()).hexdigest()


def check_sentence(error: Exception) -> str:
    """One line for people, not a page."""
    text = str(error)
    assert text.strip()
    assert "\n" not in text
    return text


class StopAt(Silent):
    """Sends this process a signal after some step, as Ctrl-C would."""

    def __init__(self, step: int, number: signal.Signals = signal.SIGTERM) -> None:
        self.step, self.number = step, number
        self.steps: list[int] = []

    def stepped(self, step: int, loss: float, rate: float, symbols: int) -> None:
        self.steps.append(step)
        if step == self.step:
            os.kill(os.getpid(), self.number)


class Counting(Silent):
    """Keeps the steps and the epochs."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self.rows: list[Mapping[str, Any]] = []

    def stepped(self, step: int, loss: float, rate: float, symbols: int) -> None:
        self.steps.append(step)

    def epoch_ended(self, row: Mapping[str, Any], samples: Sequence[str]) -> None:
        self.rows.append(row)


@torch.no_grad()
def log_probabilities(model: Model, tokens: Sequence[int], category: int | None = None) -> Tensor:
    """ln p of every symbol after each of these, one step of the network at a time, in float64: [len(tokens), V]."""
    told = None if category is None else torch.tensor([category])
    state: Any = None
    rows = []
    for token in tokens:
        logits, state = model.network.step(torch.tensor([token]), state, told)
        rows.append(logits[0].double().log_softmax(-1))
    return torch.stack(rows)
