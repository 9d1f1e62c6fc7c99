"""Who wants to know how the training goes: a progress bar, a web page, or nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from elman.training.settings import TrainingSettings


class Listener(Protocol):
    """Told what happens, in this order; `ended` comes last, whatever happened."""

    def started(self, settings: TrainingSettings, batches: int, step: int) -> None:
        """Training begins, or goes on, at `step`; an epoch has `batches` steps."""

    def stepped(self, step: int, loss: float, rate: float, symbols: int) -> None:
        """Step number `step` was applied; `loss`: nats per target in this epoch so far; `symbols`: targets in this batch."""

    def nonfinite(self, row: Mapping[str, Any]) -> None:
        """A batch was left out; the row of metrics.jsonl says where and why."""

    def epoch_ended(self, row: Mapping[str, Any], samples: Sequence[str]) -> None:
        """An epoch was validated and saved; its row of metrics.jsonl, and samples if there were any."""

    def ended(self) -> None:
        """No more will come."""


class Silent:
    """The listener that does nothing."""

    def started(self, settings: TrainingSettings, batches: int, step: int) -> None:
        """Nothing."""

    def stepped(self, step: int, loss: float, rate: float, symbols: int) -> None:
        """Nothing."""

    def nonfinite(self, row: Mapping[str, Any]) -> None:
        """Nothing."""

    def epoch_ended(self, row: Mapping[str, Any], samples: Sequence[str]) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""
