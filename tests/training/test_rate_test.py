"""The learning-rate range test: what it finds on tasks whose answer is known, and that it leaves no trace."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from training_toy import SETTINGS, Documents, ToyTask

from elman.data import Batch
from elman.errors import InputError
from elman.training import Loss, TrainingSettings, rate_range
from elman.training.rate_test import read_curve, smooth


class Bowl:
    """A task with a loss of curvature λ and no noise: gradient descent diverges above the rate 2 / λ (w ← (1 - η λ) w)."""

    def __init__(self, curvature: float) -> None:
        self.curvature = curvature
        self.module = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.module.weight, 3.0)

    def loss(self, batch: Batch, state: Any) -> Loss:
        return Loss(1 + self.curvature / 2 * self.module.weight.square().sum(), 1)


class OneBatch:
    symbols = 1

    def plan(self, generator: torch.Generator | None) -> list[int]:
        return [0]

    def batch(self, key: int) -> Batch:
        return Batch(torch.zeros(1, 1).long(), torch.zeros(1).long(), torch.ones(1).long(), None, carry=False)


@pytest.mark.parametrize("curvature", [0.5, 20.0, 900.0])
def test_the_edge_of_a_bowl(curvature: float) -> None:
    """The rates it names stand in the right order around 1 / λ and 2 / λ, where the mathematics has them."""
    found = rate_range(Bowl(curvature), OneBatch(), TrainingSettings(optimiser="sgd"), high=100.0, steps=120)
    assert found.steepest < 2 / curvature
    assert found.lowest < 3 / curvature
    # Behind 2 / λ the weight, tiny by then, has to grow again before a loss shows it.
    assert 2 / curvature < found.diverges <= 100
    assert 0.3 / curvature < found.suggestion < 2 / curvature  # 1 / λ is best, and from 2 / λ on it diverges
    assert f"{found.suggestion:g}" in found.reason


def test_with_the_suggestion_the_task_is_learned() -> None:
    from elman.training.optimisers import make_optimiser
    from elman.training.step import train_step

    def after(rate: float) -> float:
        task, documents = ToyTask(), Documents()
        optimiser = make_optimiser(SETTINGS, task.module.parameters())
        for _ in range(5):
            losses = [
                train_step(task, documents.batch(key), None, optimiser, SETTINGS, rate).nats
                for key in documents.plan(None)
            ]
        return sum(losses)

    suggestion = rate_range(ToyTask(), Documents(), SETTINGS).suggestion
    assert suggestion is not None
    assert after(suggestion) < 0.9 * after(suggestion / 100)
    assert after(suggestion) < after(suggestion * 300)


@pytest.mark.parametrize("optimiser", ["sgd", "rmsprop", "adagrad", "adam", "adamw"])
def test_it_leaves_no_trace(optimiser: str) -> None:
    task, documents = ToyTask(recurrent="LSTM", dropout=0.5), Documents()
    task.module.register_buffer("seen", torch.zeros(3))
    task.module.head.eval()
    task.module.head.weight.grad = torch.full_like(task.module.head.weight, 7.0)
    kept = task.module.head.weight.grad

    class Counting(ToyTask):
        """Also writes to a buffer, and draws from torch's global generator."""

        def __init__(self) -> None:
            self.module, self.generators = task.module, task.generators

        def loss(self, batch: Batch, state: Any) -> Loss:
            self.module.seen += torch.rand(3)
            return super().loss(batch, state)

    def everything() -> list[torch.Tensor]:
        return [
            *(value.clone() for value in task.module.state_dict().values()),
            *task.generators.state().values(),
            torch.get_rng_state(),
        ]

    before, addresses = everything(), [p.data_ptr() for p in task.module.parameters()]
    settings = SETTINGS.model_copy(update={"optimiser": optimiser})
    found = rate_range(Counting(), documents, settings, generators=task.generators, steps=30)
    assert len(found.rates) > 10
    assert all(torch.equal(a, b) for a, b in zip(before, everything(), strict=True))
    assert addresses == [p.data_ptr() for p in task.module.parameters()]
    assert task.module.training
    assert not task.module.head.training
    assert task.module.head.weight.grad is kept
    assert (kept == 7).all()
    assert all(p.grad is None for name, p in task.module.named_parameters() if name != "head.weight")


def test_an_error_leaves_no_trace_either() -> None:
    class Breaks(ToyTask):
        calls = 0

        def loss(self, batch: Batch, state: Any) -> Loss:
            self.calls += 1
            if self.calls > 5:
                raise InputError("that is it")
            return super().loss(batch, state)

    task = Breaks()
    before = {name: value.clone() for name, value in task.module.state_dict().items()}
    with pytest.raises(InputError, match="that is it"):
        rate_range(task, Documents(), SETTINGS, generators=task.generators, low=0.1)
    assert all(torch.equal(before[name], value) for name, value in task.module.state_dict().items())


def test_the_same_seed_gives_the_same_curve_and_the_first_losses_are_of_the_untrained_model() -> None:
    one, other = (rate_range(t, Documents(), SETTINGS, generators=t.generators) for t in (ToyTask(), ToyTask()))
    assert one == other
    assert one.losses[0] == pytest.approx(math.log(7), abs=0.3)
    assert list(one.rates) == sorted(one.rates)
    assert one.rates[1] / one.rates[0] == pytest.approx(1e7 ** (1 / 99))


def test_a_task_that_can_not_be_learned_gets_no_suggestion() -> None:
    class Flat(Bowl):
        def loss(self, batch: Batch, state: Any) -> Loss:
            return Loss(2 + 0 * self.module.weight.sum(), 1)

    found = rate_range(Flat(1.0), OneBatch(), TrainingSettings(optimiser="sgd"))
    assert found.suggestion is None
    assert "hardly falls at any rate" in found.reason


def test_nan_from_the_first_step_on() -> None:
    class Sick(Bowl):
        def loss(self, batch: Batch, state: Any) -> Loss:
            return Loss(self.module.weight.sum() * math.nan, 1)

    found = rate_range(Sick(1.0), OneBatch(), TrainingSettings(optimiser="sgd"))
    assert (found.losses, found.suggestion) == ((), None)
    assert "look at the data" in found.reason


@pytest.mark.parametrize("wrong", [{"low": 0.0}, {"low": 1.0, "high": 0.5}, {"high": math.inf}, {"low": math.nan}])
def test_a_range_that_is_none(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="0 < low < high"):
        rate_range(ToyTask(), Documents(), SETTINGS, **wrong)


def test_too_few_steps() -> None:
    with pytest.raises(InputError, match="10 steps or more"):
        rate_range(ToyTask(), Documents(), SETTINGS, steps=9)


def test_smoothing_is_a_mean_of_neighbours() -> None:
    """A constant and the middle of a straight line stay; a spike shrinks by its weight, computed here by hand."""
    rates = [10 ** (-3 + 0.1 * k) for k in range(21)]
    assert smooth(rates, [2.5] * 21) == pytest.approx([2.5] * 21)
    assert smooth(rates, [float(k) for k in range(21)])[10] == pytest.approx(10.0)
    spike = smooth(rates, [1.0 if k == 10 else 0.0 for k in range(21)])
    weights = [math.exp(-((0.1 * (k - 10) / 0.12) ** 2) / 2) for k in range(21)]
    assert spike[10] == pytest.approx(1 / sum(weights))


@given(st.lists(st.floats(0, 1e6), min_size=0, max_size=60))
def test_any_curve_is_read(losses: list[float]) -> None:
    rates = [10 ** (-6 + 0.1 * k) for k in range(len(losses))]
    found = read_curve(rates, losses, 10.0)
    assert found.reason
    if found.suggestion is not None:
        assert rates[0] / 4.1 < found.suggestion <= found.lowest * 1.05  # two digits
    if found.diverges is not None and found.lowest is not None:
        assert found.diverges >= found.lowest
