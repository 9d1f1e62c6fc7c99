"""What the coach looks at: everything that a training left, gathered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elman.coaching.probe import Probe
from elman.training import TrainingSettings
from elman.training.rows import Epoch, Refused


@dataclass(frozen=True)
class Evidence:
    """A training, as far as the coach needs it.

    Attributes:
        rows: of metrics.jsonl that close an epoch or a part of one.
        training: its settings.
        model: the recipe's section [model]; what kind of model it is of does not matter.
        parameters: numbers that were trained.
        targets: in an epoch of the training part.
        tokens: that the model reads in it.
        refused: rows of metrics.jsonl about steps that were not applied.
        chance: nats per target of someone who only knows how often each answer comes; see `entropy`. None: not known.
        classes: how often each class comes in the validation part; None for models that do not classify.
        predicted: how often the best weights predict each class there.
        names: of the classes; they come from the data, so whoever shows them takes care.
        probe: what goes on inside, with the best weights; None for a model without recurrent layers.
    """

    rows: Sequence[Epoch]
    training: TrainingSettings
    model: Mapping[str, Any]
    parameters: int
    targets: int
    tokens: int
    refused: Sequence[Refused] = ()
    chance: float | None = None
    classes: Sequence[int] | None = None
    predicted: Sequence[int] | None = None
    names: Sequence[str] = ()
    probe: Probe | None = None

    @property
    def epochs(self) -> list[Epoch]:
        """Finished epochs."""
        return [row for row in self.rows if row.kind == "epoch"]

    @property
    def training_losses(self) -> list[float]:
        """Nats per target of each finished epoch, while the weights changed; epochs without a finite one are left out."""
        return [row.training.per_symbol for row in self.epochs if row.training]

    @property
    def validation_losses(self) -> list[float]:
        """The same after each epoch, on the validation part."""
        return [row.validation.per_symbol for row in self.epochs if row.validation]

    @property
    def forgets(self) -> bool:
        """Whether the cell has a forget gate, whose bias can be set."""
        return self.probe is not None and any(gate.forgets for gate in self.probe.gates)

    def name_of(self, k: int) -> str:
        """The class with this number."""
        return repr(self.names[k]) if k < len(self.names) else f"class {k}"


def entropy(counts: Sequence[int]) -> float | None:
    """The chance level in nats, -Σ p ln p, of answers that come so often; None without any."""
    total = sum(counts)
    if total <= 0:
        return None
    return -sum(n / total * math.log(n / total) for n in counts if n > 0)
