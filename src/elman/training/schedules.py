"""The learning rate as a function of the step. Only `plateau` remembers anything, and that is spelled out in `Plateau`."""

from __future__ import annotations

import math
from typing import NamedTuple

from elman.training.settings import TrainingSettings


class Plateau(NamedTuple):
    """What the schedule `plateau` carries from epoch to epoch; part of every checkpoint."""

    factor: float = 1.0
    stale: int = 0


def rate_at(
    settings: TrainingSettings, step: int, steps_per_epoch: int, plateau: Plateau, time_used: float = 0.0
) -> float:
    """The learning rate of step `step` (0 is the first), of `settings.epochs * steps_per_epoch` in all.

    - `constant`: η
    - `step`: η · factor^⌊epoch / step_every⌋
    - `cosine` (Loshchilov and Hutter 2017): final + (η - final) (1 + cos πp) / 2, p the share of the steps after the warm-up; with
      horizon "minutes" the share of the time (`time_used`) where that is larger, so that a short run ends at the final rate too
    - `plateau`: η · factor^(cuts so far), not below `final_rate`

    During the first `warmup` steps the rate is multiplied by (step + 1) / (warmup + 1).
    """
    rate = settings.rate
    match settings.schedule:
        case "constant":
            pass
        case "step":
            rate *= settings.step_factor ** (step // steps_per_epoch // settings.step_every)
        case "cosine":
            after_warmup = settings.epochs * steps_per_epoch - settings.warmup
            share = min(max(step - settings.warmup, 0) / max(after_warmup, 1), 1.0)
            if settings.horizon == "minutes":
                share = max(share, min(time_used, 1.0))
            rate = settings.final_rate + (rate - settings.final_rate) * (1 + math.cos(math.pi * share)) / 2
        case "plateau":
            rate = max(rate * plateau.factor, settings.final_rate)
    return rate * min(1.0, (step + 1) / (settings.warmup + 1))


def after_epoch(settings: TrainingSettings, plateau: Plateau, *, improved: bool) -> Plateau:
    """Cut the rate after more than `plateau_patience` epochs in a row without a better validation loss."""
    if improved:
        return plateau._replace(stale=0)
    if plateau.stale < settings.plateau_patience:
        return plateau._replace(stale=plateau.stale + 1)
    return Plateau(plateau.factor * settings.step_factor)
