"""The coach's visit at the end of a training: gathers its evidence from the parts of the run and what it left in the folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from elman.coaching import Evidence, advise, entropy, probe
from elman.data import Batches, LabelledCorpus, TextBatches
from elman.models.finding import stored_model
from elman.runs.assembly import Assembly
from elman.storage import read_lines
from elman.training.rows import Epoch, Refused


def advice(parts: Assembly, run: Path, measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the coach says of a finished training, most severe first, as results.json keeps it; empty: nothing wrong was found."""
    return [finding.model_dump() for finding in advise(gather(parts, run, measured))]


def gather(parts: Assembly, run: Path, measured: Mapping[str, Any]) -> Evidence:
    """The evidence of a finished training: its log, what `parts.measure` found, and a probe. The model gets its best weights back."""
    log = run / "metrics.jsonl"
    rows = read_lines(log) if log.exists() else []  # none was begun where the minutes were over before the first step
    parts.model.load_state_dict(stored_model(run)[1].model.state_dict())
    classes = predicted = None
    if (confusion := measured.get("validation_confusion")) is not None:
        classes, predicted = [sum(row) for row in confusion], [sum(column) for column in zip(*confusion, strict=True)]
    chance = entropy(classes if classes is not None else _targets(parts.validation))
    return Evidence(
        rows=[Epoch.model_validate(row) for row in rows if row["kind"] in ("epoch", "stop")],
        refused=[Refused.model_validate(row) for row in rows if row["kind"] == "nonfinite"],
        training=parts.recipe.training,
        model=parts.recipe.model.model_dump(),
        parameters=sum(weight.numel() for weight in parts.model.parameters() if weight.requires_grad),
        targets=parts.train.symbols,
        tokens=parts.train.tokens if isinstance(parts.train, TextBatches) else parts.train.symbols,
        chance=chance,
        classes=classes,
        predicted=predicted,
        names=parts.corpus.classes if isinstance(parts.corpus, LabelledCorpus) else (),
        probe=probe(parts.model, parts.validation.batch(parts.validation.plan(None)[0]), parts.task),
    )


def _targets(batches: Batches) -> list[int]:
    """How often each symbol is asked for in a part of a text."""
    counts: Counter[int] = Counter()
    for key in batches.plan(None):
        batch = batches.batch(key)
        real = torch.arange(batch.targets.shape[1]) < batch.lengths[:, None]
        counts.update(batch.targets[real].tolist())
    return list(counts.values())
