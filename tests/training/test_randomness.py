"""No global random number is drawn while training, and the global generators end where they began."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from training_toy import Recorder, ToyTask, train

from elman.training import ProgressListener

TORCH = (
    "rand",
    "randn",
    "randint",
    "randperm",
    "normal",
    "bernoulli",
    "multinomial",
    "rand_like",
    "randn_like",
    "poisson",
)
NUMPY = ("rand", "randn", "random", "randint", "permutation", "shuffle", "choice", "normal", "uniform", "seed")
PYTHON = ("random", "randint", "shuffle", "choice", "choices", "sample", "uniform", "gauss", "getrandbits", "seed")


def poison(monkeypatch: pytest.MonkeyPatch, calls: list[str]) -> None:
    def watch(module: Any, name: str, allowed: Callable[[dict[str, Any]], bool]) -> None:
        real = getattr(module, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            if not allowed(kwargs):
                calls.append(f"{module.__name__}.{name}")
            return real(*args, **kwargs)

        monkeypatch.setattr(module, name, watched)

    for name in TORCH:
        watch(torch, name, lambda kwargs: kwargs.get("generator") is not None)
    for name in NUMPY:
        watch(np.random, name, lambda _: False)
    for name in PYTHON:
        watch(random, name, lambda _: False)
    watch(torch, "manual_seed", lambda _: False)


@pytest.mark.parametrize("listener", [Recorder, ProgressListener])
def test_no_global_randomness(listener: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = ToyTask()  # torch.nn's own initialisation, which the toy writes over, is not what is tested
    before = torch.get_rng_state(), np.random.get_state()[1].tobytes(), random.getstate()  # noqa: NPY002
    calls: list[str] = []
    poison(monkeypatch, calls)
    train(tmp_path, task=task, listener=listener())
    assert calls == []
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (np.random.get_state()[1].tobytes(), random.getstate())  # noqa: NPY002


def test_the_poison_works(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    poison(monkeypatch, calls)
    torch.randperm(3)
    np.random.rand()  # noqa: NPY002
    random.random()
    torch.randperm(3, generator=torch.Generator())
    assert calls == ["torch.randperm", "numpy.random.rand", "random.random"]
