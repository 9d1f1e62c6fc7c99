"""The demo's progress: says what is going to happen, once it is clear that it will."""

from __future__ import annotations

from elman.training import ProgressListener, TrainingSettings

INTRODUCTION = (
    "A recurrent network (GRU, 128 units) learns family names, letter by letter. Samples should get better:\n"
)


class Introduced(ProgressListener):
    """A progress listener with a sentence before it."""

    def started(self, settings: TrainingSettings, batches: int, step: int) -> None:
        """Say it, and go on as always."""
        self.console.print(INTRODUCTION, highlight=False)
        super().started(settings, batches, step)
