"""The coach's visit at the end of a training: gathers its evidence from the parts of the run and what it left in the folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import torch

from elman.coaching import Evidence, advise, entropy, probe
from elman.data import Batches, LabelledCorpus, TextBatches
from elman.models import ClassificationModel, LanguageModel
from elman.models.finding import stored_model
from elman.runs.assembly import Assembly
from elman.runs.classifier import judge
from elman.runs.tasks import ClassificationTask, LanguageTask
from elman.storage import read_lines
from elman.training import Task
from elman.training.rows import Epoch, Refused


def advice(parts: Assembly, run: Path) -> list[dict[str, Any]]:
    """What the coach says of a finished training, most severe first, as results.json keeps it; empty: nothing wrong was found."""
    return [finding.model_dump() for finding in advise(gather(parts, run))]


def gather(parts: Assembly, run: Path) -> Evidence:
    """The evidence of a finished training; the model inside is the one with the best weights."""
    log = run / "metrics.jsonl"
    rows = read_lines(log) if log.exists() else []  # none was begun where the minutes were over before the first step
    network = stored_model(run)[1].model
    task: Task = (
        ClassificationTask(network) if isinstance(network, ClassificationModel) else LanguageTask(_language(network))
    )
    classes = predicted = None
    if isinstance(network, ClassificationModel) and isinstance(parts.validation, TextBatches):
        judged = judge(network, parts.validation, "validation part (texts)")
        classes, predicted = (_counts(numbers, network.classes) for numbers in (judged.labels, judged.predicted))
    chance = entropy(classes if classes is not None else _targets(parts.validation))
    return Evidence(
        rows=[Epoch.model_validate(row) for row in rows if row["kind"] in ("epoch", "stop")],
        refused=[Refused.model_validate(row) for row in rows if row["kind"] == "nonfinite"],
        training=parts.recipe.training,
        model=parts.recipe.model.model_dump(),
        parameters=sum(weight.numel() for weight in network.parameters() if weight.requires_grad),
        targets=parts.train.symbols,
        tokens=parts.train.tokens if isinstance(parts.train, TextBatches) else parts.train.symbols,
        chance=chance,
        classes=classes,
        predicted=predicted,
        names=parts.corpus.classes if isinstance(parts.corpus, LabelledCorpus) else (),
        probe=probe(network, parts.validation.batch(parts.validation.plan(None)[0]), task),
    )


def _counts(numbers: Any, classes: int) -> list[int]:
    counted: list[int] = torch.bincount(torch.as_tensor(numbers, dtype=torch.int64), minlength=classes).tolist()
    return counted


def _targets(batches: Batches) -> list[int]:
    """How often each symbol is asked for in a part of a text."""
    counts: Counter[int] = Counter()
    for key in batches.plan(None):
        batch = batches.batch(key)
        real = torch.arange(batch.targets.shape[1]) < batch.lengths[:, None]
        counts.update(batch.targets[real].tolist())
    return list(counts.values())


def _language(network: Any) -> LanguageModel:
    if not isinstance(network, LanguageModel):
        raise TypeError(f"the coach knows no task for {type(network).__name__}")
    return network
