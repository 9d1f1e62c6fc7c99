"""Randomness has names: one generator each for initialisation, shuffling, dropout and sampling; the global one is never used.

Each is seeded from the run's seed and its own name, so that drawing more of one (a larger model, another dropout rate) does not
change the others: the same seed still gives the same order of the data.
"""

from __future__ import annotations

import hashlib

import torch

NAMES = ("init", "shuffle", "dropout", "sampling")


def named_generator(seed: int, name: str) -> torch.Generator:
    """A CPU generator that depends on `seed` and `name` only (the first 63 bits of SHA-256 of both)."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    generator = torch.Generator()
    generator.manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    return generator


class Generators:
    """The four generators of a run; their states go into every checkpoint."""

    def __init__(self, seed: int) -> None:
        self.init = named_generator(seed, "init")
        self.shuffle = named_generator(seed, "shuffle")
        self.dropout = named_generator(seed, "dropout")
        self.sampling = named_generator(seed, "sampling")

    def state(self) -> dict[str, torch.Tensor]:
        """The state of each generator by name, uint8 tensors."""
        return {name: getattr(self, name).get_state() for name in NAMES}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Put all generators back to a `state()`."""
        for name in NAMES:
            getattr(self, name).set_state(state[name])
