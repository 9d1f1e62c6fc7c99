"""What a run of the bench was asked for, and what it has to say besides its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console

from bench.workloads import WORKLOADS, Workload


@dataclass
class Options:
    """Given to every part.

    `small` asks for a rehearsal: every kind of row in seconds, with figures that mean nothing.
    `epochs`: so many of each whole training, with `seeds` seeds, where a part has such; 0: it is timed on some batches instead.
    """

    threads: int
    rounds: int = 7
    small: bool = False
    minutes: float = 3.0
    epochs: int = 0
    seeds: int = 1
    flush_denormals: bool = False
    workloads: Mapping[str, Workload] = field(default_factory=lambda: dict(WORKLOADS))
    console: Console = field(default_factory=Console)
    notes: list[str] = field(default_factory=list)
    failed: bool = False

    @property
    def burst(self) -> float:
        """Seconds that an action is repeated for in one round."""
        return 0.0 if self.small else 0.1

    def note(self, sentence: str) -> None:
        """Say once what was left out, and keep it for the JSON file."""
        if sentence not in self.notes:
            self.notes.append(sentence)
            self.console.print(sentence, style="dim", markup=False)

    def fail(self, sentence: str) -> None:
        """Numbers that should agree do not: whatever was timed, the run as a whole did not hold."""
        self.failed = True
        self.note(sentence)
