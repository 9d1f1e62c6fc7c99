"""The schedules against `torch.optim.lr_scheduler`, step by step."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from elman.training import Plateau, TrainingSettings, after_epoch, rate_at

BATCHES = 5


def optimiser() -> torch.optim.SGD:
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)


def ours(settings: TrainingSettings) -> list[float]:
    return [rate_at(settings, step, BATCHES, Plateau()) for step in range(settings.epochs * BATCHES)]


def theirs(scheduler: lr_scheduler.LRScheduler, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(scheduler.get_last_lr()[0])
        scheduler.optimizer.step()
        scheduler.step()
    return rates


def test_constant() -> None:
    assert ours(TrainingSettings(rate=0.1, epochs=3)) == [0.1] * 15


def test_step() -> None:
    settings = TrainingSettings(rate=0.1, epochs=9, schedule="step", step_every=2, step_factor=0.3)
    torchs = theirs(lr_scheduler.StepLR(optimiser(), step_size=2 * BATCHES, gamma=0.3), 45)
    assert ours(settings) == pytest.approx(torchs, rel=1e-12)


def test_cosine() -> None:
    settings = TrainingSettings(rate=0.1, epochs=4, schedule="cosine", final_rate=0.01)
    torchs = theirs(lr_scheduler.CosineAnnealingLR(optimiser(), T_max=20, eta_min=0.01), 20)
    assert ours(settings) == pytest.approx(torchs, rel=1e-9)


def test_warmup() -> None:
    settings = TrainingSettings(rate=0.1, epochs=3, warmup=4)
    torchs = theirs(lr_scheduler.LinearLR(optimiser(), start_factor=1 / 5, total_iters=4), 15)
    assert ours(settings) == pytest.approx(torchs, rel=1e-12)


def test_cosine_begins_after_the_warmup() -> None:
    rates = ours(TrainingSettings(rate=0.1, epochs=4, schedule="cosine", warmup=6))
    assert rates[:6] == pytest.approx([0.1 * (step + 1) / 7 for step in range(6)])
    assert rates[6] == 0.1
    assert rates[13] == pytest.approx(0.05)
    assert all(later < earlier for earlier, later in pairwise(rates[6:]))


def test_cosine_over_the_minutes_reaches_the_final_rate_whichever_ends_first() -> None:
    settings = TrainingSettings(rate=0.1, epochs=4, schedule="cosine", final_rate=0.01, horizon="minutes", minutes=1)
    assert rate_at(settings, 0, BATCHES, Plateau(), 0.0) == 0.1
    assert rate_at(settings, 0, BATCHES, Plateau(), 0.5) == pytest.approx(0.055)
    assert rate_at(settings, 3, BATCHES, Plateau(), 1.0) == pytest.approx(0.01)
    assert rate_at(settings, 20, BATCHES, Plateau(), 0.1) == pytest.approx(0.01)
    by_epochs = settings.model_copy(update={"horizon": "epochs"})
    assert rate_at(by_epochs, 0, BATCHES, Plateau(), 0.9) == 0.1


@given(losses=st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0]), max_size=30), patience=st.integers(0, 4))
def test_plateau(losses: list[float], patience: int) -> None:
    settings = TrainingSettings(
        rate=0.1, schedule="plateau", plateau_patience=patience, step_factor=0.5, final_rate=0.002
    )
    torchs = lr_scheduler.ReduceLROnPlateau(
        optimiser(), factor=0.5, patience=patience, threshold=0.0, min_lr=0.002, eps=0.0
    )
    plateau, best = Plateau(), float("inf")
    for loss in losses:
        plateau = after_epoch(settings, plateau, improved=loss < best)
        best = min(best, loss)
        torchs.step(loss)
        assert rate_at(settings, 0, BATCHES, plateau) == pytest.approx(torchs.get_last_lr()[0], rel=1e-12)
