"""What the laws are asked of: any recurrent module behind one face, whatever it is called with and whatever it returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

#: Sequences of one batch, each [T] of symbols or [T, I] of numbers; lengths may differ.
Sequences = Sequence[Tensor]


@dataclass(frozen=True)
class Answer:
    """What a call gives, sequence by sequence and without padding.

    Attributes:
        outputs: for each sequence [T, ...] if there is an output for every step, else [...]: one for the whole.
        state: the final state as the module returned it; None where it returns none.
        changed: names of the arguments that the call changed in place.
    """

    outputs: list[Tensor]
    state: Any = None
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A module and how it is called.

    Attributes:
        name: for sentences.
        module: in evaluation mode, a copy in float64 where it can be.
        ask: (sequences, state or None, padding) -> Answer. `padding` is what stands beyond a sequence's length where the
            module is given lengths, or None for the usual one.
        symbols: how many symbols it knows, if it reads symbols.
        features: how many numbers a step has, if it reads numbers.
        stepwise: an output for every step.
        carries: returns a state, and takes one to start from.
        ragged: takes sequences of different lengths, with their lengths.
        both: reads in both directions.
        causal: an output may not depend on what comes later.
        coarse: why it is asked in float32; empty where it can compute in float64.
        called: how it is called, where that had to be found out.
    """

    name: str
    module: nn.Module
    ask: Callable[[Sequences, Any, int | None], Answer]
    symbols: int | None
    features: int | None
    stepwise: bool
    carries: bool
    ragged: bool
    both: bool
    causal: bool
    coarse: str = ""
    called: str = ""

    def draw(self, lengths: Sequence[int], seed: int = 1) -> list[Tensor]:
        """Sequences of these lengths: symbols, or normal numbers. Symbol 0 may be padding, so it is in no text."""
        generator = torch.Generator().manual_seed(seed)
        if self.symbols is not None:
            return [torch.randint(self.lowest, self.symbols, (n,), generator=generator) for n in lengths]
        dtype = self.dtype
        return [torch.randn(n, self.features or 1, generator=generator, dtype=torch.float64).to(dtype) for n in lengths]

    @property
    def lowest(self) -> int:
        """The first symbol that texts are drawn from."""
        return 1 if self.symbols is not None and self.symbols > 2 else 0

    def other(self, sequence: Tensor, step: int, seed: int = 2) -> Tensor:
        """The sequence with another value at one step, counted from 0."""
        changed = sequence.clone()
        if self.symbols is None:
            changed[step] = self.draw([len(sequence)], seed)[0][step]
        else:
            following = changed[step] + 1
            changed[step] = torch.where(following < self.symbols, following, torch.full_like(following, self.lowest))
        return changed

    @property
    def dtype(self) -> torch.dtype:
        """Of the parameters."""
        floating = (p.dtype for p in self.module.parameters() if p.is_floating_point())
        return next(floating, torch.float32)

    @property
    def tolerance(self) -> float:
        """How far apart two ways to compute the same may be, relative to the size of the numbers."""
        return 1e-9 if self.dtype == torch.float64 else 3e-4 if self.dtype == torch.bfloat16 else 2e-5

    def outputs(self, sequences: Sequences, state: Any = None, padding: int | None = None) -> list[Tensor]:
        """Just the outputs."""
        return self.ask(sequences, state, padding).outputs

    def distance(self, one: Tensor, other: Tensor) -> float:
        """The largest difference, relative to the largest number; infinite where shapes or NaN differ."""
        if one.shape != other.shape:
            return float("inf")
        if not torch.equal(one.isnan(), other.isnan()):
            return float("inf")
        if not one.numel():
            return 0.0
        scale = max(one.nan_to_num().abs().max().item(), other.nan_to_num().abs().max().item(), 1e-3)
        return (one - other).nan_to_num().abs().max().item() / scale

    def same(self, one: Tensor, other: Tensor) -> bool:
        """Whether two outputs are the same, but for rounding."""
        return self.distance(one, other) <= self.tolerance
