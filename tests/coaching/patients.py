"""Models that are trained in a second: healthy ones, and some with an illness given on purpose."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence

from elman.coaching import Evidence, entropy, probe
from elman.data import Batch
from elman.data.locating import EMBEDDED
from elman.models import LanguageModel, ModelSettings
from elman.nn import Recurrent
from elman.randomness import Generators, named_generator
from elman.training import Loss, TrainingSettings, evaluate, make_optimiser
from elman.training.position import Position
from elman.training.rows import Epoch, Refused
from elman.training.step import Applied, train_step

HEALTHY: dict[str, Any] = {"epochs": 12, "batch_size": 32, "rate": 0.01, "clip_norm": 1.0, "optimiser": "adam"}


class Texts:
    """Sequences of numbers with a class each, as batches; those of one batch may have different lengths."""

    def __init__(self, sequences: Sequence[Sequence[int]], classes: Sequence[int], batch_size: int = 32) -> None:
        self.sequences, self.classes, self.batch_size = sequences, torch.tensor(classes), batch_size
        self.symbols = len(sequences)
        self.tokens = sum(map(len, sequences))

    def plan(self, generator: torch.Generator | None) -> list[list[int]]:
        count = len(self.sequences)
        order = (torch.arange(count) if generator is None else torch.randperm(count, generator=generator)).tolist()
        return [order[k : k + self.batch_size] for k in range(0, count, self.batch_size)]

    def batch(self, key: list[int]) -> Batch:
        rows = [torch.tensor(self.sequences[k]) for k in key]
        inputs = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        return Batch(inputs, self.classes[key], torch.tensor([len(r) for r in rows]), None, carry=False)


def languages(
    names: Sequence[str] = ("Japanese", "Russian", "Italian"), each: int = 130, least: int | None = None
) -> tuple[Texts, Texts]:
    """Family names and their language; `least`: of the last language only so many."""
    letters: dict[str, int] = {}
    rows, classes = [], []
    for label, language in enumerate(names):
        count = least if least is not None and label == len(names) - 1 else each
        for name in (EMBEDDED / f"{language}.txt").read_text("utf-8").splitlines()[:count]:
            rows.append([letters.setdefault(sign, len(letters)) for sign in name])
            classes.append(label)
    order = torch.randperm(len(rows), generator=named_generator(1, "patients")).tolist()
    cut = len(order) * 3 // 4
    return tuple(Texts([rows[k] for k in o], [classes[k] for k in o]) for o in (order[:cut], order[cut:]))  # type: ignore[return-value]


def first_symbol(steps: int, count: int = 400) -> tuple[Texts, Texts]:
    """Which of four symbols came first, before `steps` others that tell nothing: the gradient has to come all the way."""
    draw = named_generator(2, "patients")
    rows = torch.randint(4, 8, (count, steps), generator=draw)
    rows[:, 0] %= 4
    classes = rows[:, 0].tolist()
    cut = count * 3 // 4
    return Texts(rows[:cut].tolist(), classes[:cut]), Texts(rows[cut:].tolist(), classes[cut:])


def nonsense(count: int = 120) -> tuple[Texts, Texts]:
    """Classes that have nothing to do with the sequence: all that can be learned is by heart."""
    draw = named_generator(3, "patients")
    rows = torch.randint(8, (count, 6), generator=draw).tolist()
    classes = torch.randint(3, (count,), generator=draw).tolist()
    cut = count * 2 // 3
    return Texts(rows[:cut], classes[:cut]), Texts(rows[cut:], classes[cut:])


class Classifier(nn.Module):
    """Embedding, recurrent layers, the last real state, an affine output."""

    def __init__(
        self,
        settings: ModelSettings,
        generator: torch.Generator,
        symbols: int = 64,
        classes: int = 4,
        both: bool = False,
    ) -> None:
        super().__init__()
        s = settings
        width = s.embedding or 16
        self.embedding = nn.Embedding(symbols, width, _weight=torch.randn(symbols, width, generator=generator))
        self.recurrent = Recurrent(
            s.cell, width, s.hidden, s.layers, batch_first=True, bidirectional=both, generator=generator
        )
        self.output = nn.Linear(s.hidden * (1 + both), classes)
        for parameter in self.output.parameters():
            nn.init.uniform_(parameter, -0.1, 0.1, generator=generator)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, state = self.recurrent(packed)
        h = state[0] if isinstance(state, tuple) else state
        logits: Tensor = self.output(torch.cat(list(h[-self.recurrent.directions :]), -1))
        return logits


class Classifying:
    def __init__(self, module: Classifier) -> None:
        self.module = module

    def loss(self, batch: Batch, state: Any) -> Loss:
        logits = self.module(batch.inputs, batch.lengths)
        return Loss(functional.cross_entropy(logits, batch.targets, reduction="sum"), len(batch.targets))


class Writing:
    """A language model of the same sequences."""

    def __init__(self, module: LanguageModel) -> None:
        self.module = module

    def loss(self, batch: Batch, state: Any) -> Loss:
        inputs, targets, lengths = batch.inputs[:, :-1], batch.inputs[:, 1:], batch.lengths - 1
        nats, count, _ = self.module.nats(inputs, targets, lengths)
        return Loss(nats, count, None)


@dataclass(frozen=True)
class Patient:
    """A trained model and what its training left."""

    task: Any
    evidence: Evidence


def treat(
    data: tuple[Texts, Texts],
    model: dict[str, Any] | None = None,
    *,
    language: bool = False,
    both: bool = False,
    before: Any = None,
    **training: Any,
) -> Patient:
    """Train a model; `before` may do something to it first."""
    settings = TrainingSettings(**{**HEALTHY, **training})
    shape = ModelSettings(**{"cell": "gru", "hidden": 24, "embedding": 16, **(model or {})})
    generators = Generators(settings.seed)
    module: Any = (
        LanguageModel(shape, 64, 0, generators.init) if language else Classifier(shape, generators.init, both=both)
    )
    module.recurrent.dropout_generator = generators.dropout
    if before is not None:
        with torch.no_grad():
            before(module)
    task: Any = Writing(module) if language else Classifying(module)
    train, validation = (replace_size(part, settings.batch_size) for part in data)
    rows, refused = cared_for(task, train, validation, settings, generators)
    tokens = Counter(symbol for row in train.sequences for symbol in row)
    chance = entropy(list(tokens.values())) if language else entropy(train.classes.bincount().tolist())
    evidence = Evidence(
        rows=[Epoch.model_validate(r) for r in rows],
        refused=[Refused.model_validate(r) for r in refused],
        training=settings,
        model=shape.model_dump(),
        parameters=sum(p.numel() for p in module.parameters()),
        targets=train.tokens - train.symbols if language else train.symbols,
        tokens=train.tokens,
        chance=chance,
        probe=probe(module, validation.batch(validation.plan(None)[0]), task),
    )
    if not language:
        whole = validation.batch(list(range(validation.symbols)))
        module.eval()
        with torch.no_grad():
            said = module(whole.inputs, whole.lengths).argmax(-1)
        evidence = replace(
            evidence,
            classes=whole.targets.bincount(minlength=4).tolist(),
            predicted=said.bincount(minlength=4).tolist(),
        )
    return Patient(task, evidence)


def cared_for(
    task: Any, train: Texts, validation: Texts, settings: TrainingSettings, generators: Generators
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The training loop without its files; leaves the best weights, returns the rows of its log."""
    optimiser = make_optimiser(settings, task.module.parameters())
    here, rows, refused = Position(shuffle=torch.zeros(0)), [], []
    best = copy.deepcopy(task.module.state_dict())
    for epoch in range(1, settings.epochs + 1):
        task.module.train()
        for number, key in enumerate(train.plan(generators.shuffle)):
            result = train_step(task, train.batch(key), None, optimiser, settings, settings.rate)
            here.step += 1
            if isinstance(result, Applied):
                here.sums.add(result)
            else:
                row = {
                    "epoch": epoch,
                    "step": here.step,
                    "batch": number,
                    "tensor": result.tensor,
                    "value": str(result.value),
                }
                refused.append(row)
        totals = evaluate(task, validation)
        nats, count = totals.nats, totals.count
        improved = here.judge(nats if math.isfinite(nats) else None, count)
        if improved:
            best = copy.deepcopy(task.module.state_dict())
        found = {"validation_nats": nats if math.isfinite(nats) else None, "validation_count": count, "best": improved}
        rows.append({"kind": "epoch", "epoch": epoch, "step": here.step, **here.sums.figures(), **found})
        here.next_epoch(here.shuffle)
    task.module.load_state_dict(best)
    return rows, refused


def replace_size(part: Texts, batch_size: int) -> Texts:
    return Texts(part.sequences, part.classes.tolist(), batch_size)
