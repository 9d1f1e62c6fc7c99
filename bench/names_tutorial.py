"""End to end: names a second of the recipe `names`, beside a plain torch loop that takes one name at a time, as tutorials write it."""

from __future__ import annotations

import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn

import elman
from bench.options import Options
from elman.data import DataSettings, load_corpus
from elman.runs import Run
from elman.storage import read_lines
from elman.training.listener import Silent


class Tutorial(nn.Module):
    """One Elman step at a time, on one-hot rows: category, letter and old state side by side."""

    def __init__(self, categories: int, letters: int, hidden: int = 128) -> None:
        super().__init__()
        self.hidden = hidden
        self.to_hidden = nn.Linear(categories + letters + hidden, hidden)
        self.to_letters = nn.Linear(hidden, letters)

    def forward(self, category: Tensor, letter: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh(self.to_hidden(torch.cat((category, letter, h), dim=1)))
        return torch.log_softmax(self.to_letters(h), dim=1), h


class TutorialTraining:
    """A name, its loss letter by letter, a step of SGD; and the next name."""

    def __init__(self, names: tuple[str, ...], labels: tuple[int, ...], categories: int) -> None:
        self.names, self.labels = names, labels
        self.letters = {letter: k for k, letter in enumerate(sorted(set("".join(names))))}
        self.end = len(self.letters)
        self.model = Tutorial(categories, self.end + 1)
        self.categories = torch.eye(categories)
        self.one_hot = torch.eye(self.end + 1)
        self.loss = nn.NLLLoss()
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=0.0005)
        self.order = torch.Generator().manual_seed(1)

    def one(self, name: str, label: int) -> None:
        letters = [self.letters[letter] for letter in name]
        category, h = self.categories[label : label + 1], torch.zeros(1, self.model.hidden)
        loss = torch.zeros(())
        self.optimiser.zero_grad()
        for letter, after in zip(letters, [*letters[1:], self.end], strict=True):
            output, h = self.model(category, self.one_hot[letter : letter + 1], h)
            loss = loss + self.loss(output, torch.tensor([after]))
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()

    def names_per_second(self, seconds: float) -> float:
        order = torch.randperm(len(self.names), generator=self.order).tolist()
        began, done = time.perf_counter(), 0
        for k in order:
            self.one(self.names[k], self.labels[k])
            done += 1
            if time.perf_counter() - began > seconds:
                break
        return done / (time.perf_counter() - began)


def run(options: Options) -> list[dict[str, Any]]:
    """The tutorial's loop takes its turn before and after the recipe."""
    corpus = load_corpus(DataSettings(source="names", categories=True))
    assert corpus.labels is not None
    tutorial = TutorialTraining(corpus.lines, corpus.labels, len(corpus.categories))
    seconds, epochs = (0.05, 1) if options.small else (10.0, 20)
    before = tutorial.names_per_second(seconds)
    with tempfile.TemporaryDirectory() as folder:
        left = elman.train(
            "names",
            run=Path(folder) / "names",
            listener=Silent(),
            settings={"training.epochs": epochs, "training.sample_every": epochs + 1},
        )
        ours = _names_per_second(left)
    after = tutorial.names_per_second(seconds)
    theirs = (before + after) / 2
    table = Table(
        title=f"Training on {corpus.title}, {options.threads} threads: names a second",
        caption="The recipe's time has its validation and checkpoints in it.",
    )
    for heading in ("recipe names", "torch, one name at a time", "ratio"):
        table.add_column(heading, justify="right")
    table.add_row(f"{ours:,.0f}", f"{theirs:,.0f}", f"{ours / theirs:.0f}")
    options.console.print(table)
    return [
        {"corpus": corpus.title, "epochs": epochs, "elman": ours, "tutorial": [before, after], "ratio": ours / theirs}
    ]


def _names_per_second(run: Run) -> float:
    """Without the first epoch where there are others: it has what is done once in it."""
    lines = run.results["corpus"]["train"]
    rows = read_lines(run.path / "timing.jsonl")
    counted = list(islice(rows, 1, None)) or rows
    rate: float = lines * len(counted) / sum(row["seconds"] for row in counted)
    return rate
