"""A problem small enough to train hundreds of times: synthetic documents in chunks, shuffled, with carried state and dropout."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from elman.data import Batch
from elman.randomness import Generators, named_generator
from elman.storage import tensors_to_bytes
from elman.training import Loss, Outcome, RunFolder, Silent, TrainingSettings, fit

SYMBOLS, UNITS, SEQUENCES, STEPS = 7, 6, 3, 5

SETTINGS = TrainingSettings(
    epochs=3,
    optimiser="adam",
    rate=0.02,
    schedule="cosine",
    warmup=4,
    clip_norm=0.3,
    l1=1e-4,
    weight_decay=1e-3,
    seed=5,
)
"""24 steps: 3 epochs of 4 documents in 2 chunks each."""


class Documents:
    """Batches of text where the next symbol follows from the last one: shuffled documents, each in chunks with carried state."""

    def __init__(self, documents: int = 4, chunks: int = 2, seed: int = 0) -> None:
        self.chunks = chunks
        draw = named_generator(seed, "toy")
        start = torch.randint(SYMBOLS, (documents, SEQUENCES, 1), generator=draw)
        noise = torch.randint(2, (documents, SEQUENCES, chunks * STEPS + 1), generator=draw)
        self.text = (start + 2 * torch.arange(chunks * STEPS + 1) + noise) % SYMBOLS
        self.symbols = documents * SEQUENCES * chunks * STEPS

    def plan(self, generator: torch.Generator | None) -> list[list[int]]:
        documents = len(self.text)
        order = range(documents) if generator is None else torch.randperm(documents, generator=generator).tolist()
        return [[document, chunk] for document in order for chunk in range(self.chunks)]

    def batch(self, key: list[int]) -> Batch:
        document, chunk = key
        span = self.text[document][:, chunk * STEPS : (chunk + 1) * STEPS + 1]
        lengths = torch.full((SEQUENCES,), STEPS)
        return Batch(span[:, :-1].contiguous(), span[:, 1:].contiguous(), lengths, None, chunk > 0)


class Net(nn.Module):
    def __init__(self, generators: Generators, recurrent: str = "RNN", dropout: float = 0.2) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, UNITS)
        self.recurrent = getattr(nn, recurrent)(UNITS, UNITS, batch_first=True)
        self.head = nn.Linear(UNITS, SYMBOLS)
        self.dropout, self.generators = dropout, generators
        for weight in self.parameters():
            nn.init.uniform_(weight, -0.4, 0.4, generator=generators.init)

    def forward(self, inputs: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        hidden, state = self.recurrent(self.embedding(inputs), state)
        if self.training and self.dropout:
            keep = torch.empty(hidden.shape).bernoulli_(1 - self.dropout, generator=self.generators.dropout)
            hidden = hidden * keep / (1 - self.dropout)
        return self.head(hidden), state


class ToyTask:
    def __init__(self, recurrent: str = "RNN", dropout: float = 0.2, seed: int = SETTINGS.seed) -> None:
        self.generators = Generators(seed)
        self.module = Net(self.generators, recurrent, dropout)

    def loss(self, batch: Batch, state: Any) -> Loss:
        logits, state = self.module(batch.inputs, state)
        nats = nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), reduction="sum")
        return Loss(nats, batch.targets.numel(), state)


class Recorder(Silent):
    """Keeps what it is told; `at` maps a step to something to do then."""

    def __init__(self, at: Mapping[int, Any] | None = None) -> None:
        self.at, self.steps, self.rows, self.bad, self.closed = dict(at or {}), [], [], [], 0
        self.rates: list[float] = []

    def stepped(self, step: int, loss: float, rate: float, symbols: int) -> None:
        self.steps.append(step)
        self.rates.append(rate)
        if step in self.at:
            self.at[step]()

    def nonfinite(self, row: Mapping[str, Any]) -> None:
        self.bad.append(dict(row))

    def epoch_ended(self, row: Mapping[str, Any], samples: Sequence[str]) -> None:
        self.rows.append(dict(row))

    def ended(self) -> None:
        self.closed += 1


def train(
    path: Path,
    settings: TrainingSettings = SETTINGS,
    *,
    resume: bool = False,
    listener: Any = None,
    recurrent: str = "RNN",
    task: Any = None,
    documents: Documents | None = None,
    validation: Documents | None = None,
    test: Documents | None = None,
) -> Outcome:
    """Train the toy in `path` with everything new: what a new process would do."""
    task = task or ToyTask(recurrent, seed=settings.seed)
    generators = task.generators

    def samples() -> list[str]:
        return [str(torch.randint(100, (4,), generator=generators.sampling).tolist())]

    with RunFolder(path) as run:
        return fit(
            task,
            documents or Documents(),
            validation or Documents(documents=2, seed=1),
            settings,
            test=test,
            generators=generators,
            run=run,
            model_files=lambda: {
                "model.safetensors": tensors_to_bytes(dict(task.module.state_dict())),
                "config.json": b"{}\n",
            },
            listener=listener,
            samples=samples,
            resume=resume,
        )


def digest(path: Path) -> dict[str, str]:
    """SHA-256 of all that a run leaves and that must not depend on how often it was stopped."""
    files = sorted(file for folder in ("best", "last") for file in (path / folder).iterdir())
    files += [path / "metrics.jsonl", path / "samples.txt"]
    return {str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
