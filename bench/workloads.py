"""What is computed: sizes that people really train, and how many operations they take."""

from __future__ import annotations

from typing import NamedTuple

import torch

CELLS = {"RNN": 1, "GRU": 3, "LSTM": 4}  # blocks of the affine maps


class Workload(NamedTuple):
    """Sizes of a layer and its input. `ragged`: sequences of different lengths, `steps` at most."""

    batch: int
    steps: int
    inputs: int
    units: int
    layers: int = 1
    bidirectional: bool = False
    ragged: bool = False
    bf16: bool = False

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def lengths(self) -> torch.Tensor:
        """All `steps`; ragged: drawn log-normally, 176 steps in the mean of many for `steps` = 256."""
        if not self.ragged:
            return torch.full((self.batch,), self.steps)
        drawn = torch.empty(self.batch).log_normal_(5.2, 0.55, generator=torch.Generator().manual_seed(1))
        return (drawn * self.steps / 256).clamp(min(8, self.steps), self.steps).long()

    def operations(self, cell: str, *, training: bool) -> int:
        """Multiplications and additions of the matrix products. Going back takes twice as many, but nobody wants the input's gradient."""
        rows = int(self.lengths().sum()) * self.directions
        gates = CELLS[cell] * self.units
        first = 2 * rows * gates * self.inputs
        others = 2 * rows * gates * (self.units + (self.layers - 1) * (self.directions + 1) * self.units)
        return first * 2 + others * 3 if training else first + others

    def shrunk(self) -> Workload:
        """The same in kind, in no time."""
        batch, steps, inputs, units = (min(a, b) for a, b in zip(self[:4], (3, 5, 6, 16), strict=True))
        return self._replace(batch=batch, steps=steps, inputs=inputs, units=units)


WORKLOADS = {
    "tiny": Workload(32, 16, 64, 128),
    "charrnn": Workload(50, 50, 65, 128, layers=2),
    "imdb": Workload(64, 256, 128, 256, bf16=True),
    "imdb-both": Workload(64, 256, 128, 256, bidirectional=True),
    "charrnn512": Workload(50, 50, 65, 512),
    "names": Workload(1, 8, 59, 128),
    "ragged": Workload(64, 256, 128, 256, ragged=True),
}
