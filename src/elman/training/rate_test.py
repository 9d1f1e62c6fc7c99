"""The learning-rate range test: a short training whose rate grows at every step shows which rates a task bears."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import torch

from elman.data import Batch, Batches
from elman.data.progress import watched
from elman.errors import InputError
from elman.randomness import Generators, named_generator
from elman.training.carry import detach
from elman.training.optimisers import make_optimiser
from elman.training.settings import TrainingSettings
from elman.training.step import Applied, train_step
from elman.training.task import Task

DIVERGED = 3.0
"""The test ends where a batch loses more than this factor of the lowest smoothed loss: beyond, only the damage grows."""
RISEN = 1.2
"""A smoothed loss this factor above the lowest one counts as diverging; batches of one part differ by less."""
FALLEN = 0.98
"""The smoothed loss has to fall below this share of where it began; else nothing was learned, and there is no suggestion."""
MARGIN = 4.0
"""The suggestion stays this factor below the rate at which the loss diverges, and no more than its square above the steepest fall."""
WIDTH = 0.12
"""Width of the smoothing, in decades of the rate."""


@dataclass(frozen=True)
class RateRange:
    """What a range test found.

    Attributes:
        rates: tried, each for one step, growing by the same factor.
        losses: nats per target of the batch of each step, before the step.
        smoothed: means of neighbouring losses.
        steepest: rate at which the smoothed loss falls fastest per decade of the rate; None where it does not fall.
        lowest: rate at which the smoothed loss is lowest; None where no step was applied.
        diverges: lowest rate beyond which the loss rises again; None if it did not up to the highest rate.
        suggestion: the rate to set; None where the test can't tell.
        reason: why, in words.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    steepest: float | None
    lowest: float | None
    diverges: float | None
    suggestion: float | None
    reason: str

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def rate_range(
    task: Task,
    batches: Batches,
    settings: TrainingSettings,
    *,
    generators: Generators | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
) -> RateRange:
    """Train for `steps` steps while the rate grows from `low` to `high` by the same factor at each; then put everything back.

    Optimiser, clipping and penalties are those of the settings; schedule and number of epochs play no part. The test ends early where
    the loss diverges. Weights, buffers and gradients, the named `generators`, and torch's global one are afterwards as before.

    Raises:
        InputError: not 0 < low < high, or fewer than 10 steps.

    Source: Smith, Cyclical learning rates for training neural networks, 2015 (arXiv 1506.01186), section 3.3.
    """
    if not 0 < low < high < math.inf:
        raise InputError(f"a range of rates has 0 < low < high; got low = {low} and high = {high}")
    if steps < 10:
        raise InputError(f"a range test needs 10 steps or more to show a curve; got {steps}")
    rates = [low * (high / low) ** (k / (steps - 1)) for k in range(steps)]
    with _put_back(task.module, generators):
        losses = _losses(task, batches, settings, rates)
    return read_curve(rates[: len(losses)], losses, high)


def read_curve(rates: Sequence[float], losses: Sequence[float], high: float) -> RateRange:
    """What a curve of losses over rates says; `high` is the highest rate that was to be tried."""
    smoothed = smooth(rates, losses)
    if len(losses) < 2:
        reason = (
            f"the loss is not finite at the lowest rate already, {rates[0]:.2g}" if rates else "no step was applied"
        )
        return RateRange(
            tuple(rates), tuple(losses), smoothed, None, None, None, None, f"{reason}: look at the data first"
        )
    at = min(range(len(smoothed)), key=smoothed.__getitem__)
    beyond = [k for k in range(at, len(smoothed)) if smoothed[k] > RISEN * smoothed[at]]
    ended = rates[-1] if rates[-1] < high * (1 - 1e-9) else None
    diverges = rates[beyond[0]] if beyond else ended
    slopes = [_slope(rates, smoothed, k) for k in range(at + 1)]
    k = min(range(at + 1), key=slopes.__getitem__)
    known = (tuple(rates), tuple(losses), smoothed, rates[k] if slopes[k] < 0 else None, rates[at], diverges)
    if smoothed[at] > FALLEN * smoothed[0]:
        return RateRange(
            *known, None,
            f"the loss hardly falls at any rate (from {smoothed[0]:.3g} to {smoothed[at]:.3g} nats per target): "
            "try more steps, or look at the data",
        )  # fmt: skip
    bounds = [(rates[at], "the second"), (MARGIN**2 * rates[k], f"{MARGIN**2:.0f} times the first")]
    if diverges:
        bounds.append((diverges / MARGIN, f"a {MARGIN:.0f}th of the third"))
    bound, which = min(bounds)
    suggestion = _two_digits(bound)
    where = f"the loss falls fastest around {rates[k]:.2g} and is lowest around {rates[at]:.2g}"
    then = f"; beyond {diverges:.2g} it rises" if diverges else f"; it does not rise up to {high:.2g}"
    return RateRange(*known, suggestion, f"{where}{then}. {suggestion:g} is {which}")


def smooth(rates: Sequence[float], losses: Sequence[float]) -> tuple[float, ...]:
    """Weighted means of neighbours, by their distance in decades of the rate: e^(-(d / width)² / 2). Nothing lags behind."""
    places = torch.tensor([math.log10(rate) for rate in rates], dtype=torch.float64)
    weights = torch.exp(-(((places[:, None] - places) / WIDTH) ** 2) / 2)
    means = weights @ torch.tensor(list(losses), dtype=torch.float64) / weights.sum(1)
    return tuple(means.tolist())


def _losses(task: Task, batches: Batches, settings: TrainingSettings, rates: Sequence[float]) -> list[float]:
    """Nats per target of each step's batch, before the step; up to the step at which they diverge."""
    optimiser = make_optimiser(settings, task.module.parameters())
    task.module.train()
    losses: list[float] = []
    state, best, mean = None, math.inf, 0.0
    order = islice(_again_and_again(batches, settings.seed), len(rates))
    for rate, batch in zip(rates, watched(order, "trying learning rates (steps)", len(rates)), strict=True):
        result = train_step(task, batch, state if batch.carry else None, optimiser, settings, rate)
        if not isinstance(result, Applied):
            break
        state = detach(result.state)
        losses.append(result.nats / result.count)
        mean += 0.2 * (losses[-1] - mean) if len(losses) > 1 else losses[0]
        best = min(best, mean)
        if losses[-1] > DIVERGED * best:
            break
    return losses


def _again_and_again(batches: Batches, seed: int) -> Iterator[Batch]:
    """Batches of one epoch after the other, shuffled by a generator of the test's own."""
    generator = named_generator(seed, "rate range")
    while True:
        for key in batches.plan(generator):
            yield batches.batch(key)


@contextmanager
def _put_back(module: torch.nn.Module, generators: Generators | None) -> Iterator[None]:
    """Whatever happens inside leaves no trace: weights, buffers, gradients, mode and generators are as they were."""
    numbers = {name: value.clone() for name, value in module.state_dict().items()}
    gradients = [weight.grad for weight in module.parameters()]
    modes = [part.training for part in module.modules()]
    drawn = generators.state() if generators else None
    for weight in module.parameters():
        weight.grad = None  # those there are must not be written over
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        module.load_state_dict(numbers)
        for weight, gradient in zip(module.parameters(), gradients, strict=True):
            weight.grad = gradient
        for part, training in zip(module.modules(), modes, strict=True):
            part.training = training
        if generators and drawn:
            generators.restore(drawn)


def _slope(rates: Sequence[float], values: Sequence[float], k: int) -> float:
    """Change per decade of the rate around place k."""
    a, b = max(k - 1, 0), min(k + 1, len(rates) - 1)
    return (values[b] - values[a]) / (math.log10(rates[b]) - math.log10(rates[a]))


def _two_digits(rate: float) -> float:
    return float(f"{rate:.2g}")
