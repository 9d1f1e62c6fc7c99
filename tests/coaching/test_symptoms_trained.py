"""The coach and models that were really trained: the ill ones are seen for what they are, the healthy ones are left in peace."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from patients import Patient, first_symbol, languages, nonsense, treat

from elman.coaching import Finding, advise

TOO_MUCH = {"training.rate=0.05", "training.rate=3"}


def larger_weights(module: Any) -> None:
    for parameter in module.recurrent.parameters():
        parameter.mul_(30)


def below_zero(module: Any) -> None:
    module.recurrent.bias_ih_l0.sub_(6.0)


def growing(module: Any) -> None:
    module.recurrent.weight_hh_l0.mul_(8)


ILL: dict[str, tuple[str, str | None, Any]] = {
    "sgd with a rate of 30": ("rate too high", "training.rate=3", lambda: treat(languages(), optimiser="sgd", rate=30.0, epochs=6)),
    "adam with a rate of 0.5": ("rate too high", "training.rate=0.05", lambda: treat(languages(), rate=0.5)),
    "a rate of 0.00001": ("rate too low", "training.rate=0.0001", lambda: treat(languages(), rate=1e-5, epochs=6)),
    "a language model's of 0.0001": (
        "rate too low", "training.rate=0.001", lambda: treat(languages(), language=True, rate=1e-4, epochs=6),
    ),
    "two epochs": ("stopped too early", "training.epochs=4", lambda: treat(languages(), epochs=2)),
    "a short and slow training": (
        "stopped too early", "training.epochs=10", lambda: treat(languages(), epochs=5, rate=0.003),
    ),
    "texts without a rule": ("overfitting", "model.dropout=0.3", lambda: treat(nonsense(), epochs=30)),
    "few texts by heart": (
        "overfitting", "model.dropout=0.3", lambda: treat(languages(each=60), {"hidden": 64}, language=True, epochs=40),
    ),
    "parameters for few texts": (
        "too many parameters for the data", "model.hidden=12", lambda: treat(nonsense(), epochs=30),
    ),
    "one unit for a language": (
        "underfitting", "model.hidden=2",
        lambda: treat(languages(), {"hidden": 1, "cell": "elman", "embedding": 1}, language=True, epochs=25),
    ),
    "gates 30 times too far": (
        "saturated gates", "training.rate=0.001", lambda: treat(languages(), before=larger_weights),
    ),
    "an elman layer 30 times too far": (
        "saturated gates", "training.rate=0.001", lambda: treat(languages(), {"cell": "elman"}, before=larger_weights),
    ),
    "relu below zero": (
        "dead units", "model.init=identity", lambda: treat(languages(), {"cell": "elman-relu"}, epochs=4, before=below_zero),
    ),
    "a matrix that makes things grow": (
        "exploding gradient", "training.clip_norm=1",
        lambda: treat(first_symbol(40), {"cell": "elman"}, epochs=3, rate=0.001, clip_norm=None, before=growing),
    ),
    "sixty steps of an elman layer": (
        "vanishing gradient", "model.cell=gru", lambda: treat(first_symbol(60), {"cell": "elman"}, epochs=3),
    ),
    "sixty steps of an LSTM": (
        "vanishing gradient", "model.forget_bias=4.1", lambda: treat(first_symbol(60), {"cell": "lstm"}, epochs=3),
    ),
    "a rare class": (
        "class imbalance ignored", "training.balance_classes=true",
        lambda: treat(languages(("English", "Dutch"), each=180, least=18), epochs=6),
    ),
    "a rate beyond all numbers": (
        "steps refused", "training.clip_norm=1",
        lambda: treat(languages(), optimiser="sgd", rate=3e38, epochs=1, clip_norm=None, on_nonfinite="skip", max_skips=99),
    ),
}  # fmt: skip

HEALTHY: dict[str, Any] = {
    "gru": lambda: treat(languages()),
    "lstm": lambda: treat(languages(), {"cell": "lstm"}),
    "elman": lambda: treat(languages(), {"cell": "elman"}),
    "relu": lambda: treat(languages(), {"cell": "elman-relu"}),
    "two layers, both directions": lambda: treat(languages(), {"cell": "lstm", "layers": 2}, both=True),
    "a language model": lambda: treat(languages(), language=True),
    "eight steps": lambda: treat(first_symbol(8), {"cell": "elman"}),
}


@cache
def ill(name: str) -> Patient:
    return ILL[name][2]()  # type: ignore[no-any-return]


@cache
def healthy(name: str) -> Patient:
    return HEALTHY[name]()  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ILL)
def test_the_illness_is_seen(name: str) -> None:
    symptom, option, _ = ILL[name]
    found = {finding.symptom: finding for finding in advise(ill(name).evidence)}
    assert symptom in found, found
    assert found[symptom].option == option
    assert any(sign.isdigit() for sign in found[symptom].figure)


@pytest.mark.parametrize("name", HEALTHY)
def test_the_healthy_are_left_in_peace(name: str) -> None:
    assert advise(healthy(name).evidence) == []


def test_no_illness_is_taken_for_the_opposite() -> None:
    for name, (symptom, _, _) in ILL.items():
        told = {finding.symptom for finding in advise(ill(name).evidence)}
        for one, other in (("rate too high", "rate too low"), ("overfitting", "underfitting")):
            assert not {one, other} <= told
        if symptom == "rate too low":
            assert told == {"rate too low"}


def followed(settings: dict[str, Any], findings: list[Finding], symptom: str) -> dict[str, Any]:
    """The settings with the option of a finding."""
    option = next(f.option for f in findings if f.symptom == symptom)
    assert option is not None
    key, _, value = option.removeprefix("training.").partition("=")
    return settings | {key: float(value) if key == "rate" else int(value)}


@pytest.mark.parametrize(("symptom", "start"), [("rate too low", 1e-5), ("rate too high", 0.5), ("rate too high", 3.0)])
def test_whoever_follows_the_advice_on_the_rate_gets_well(symptom: str, start: float) -> None:
    """At most four times, until the coach has nothing to say of it; the loss is then far below that of the start."""
    settings: dict[str, Any] = {"rate": start, "epochs": 6 if symptom == "rate too low" else 12}
    first = now = treat(languages(), **settings)
    for _ in range(4):
        if symptom not in {f.symptom for f in advise(now.evidence)}:
            break
        settings = followed(settings, advise(now.evidence), symptom)
        now = treat(languages(), **settings)
    assert not {"rate too high", "rate too low"} & {f.symptom for f in advise(now.evidence)}
    assert min(now.evidence.validation_losses) < 0.7 * min(first.evidence.validation_losses)


def test_whoever_goes_on_longer_gets_better() -> None:
    early = ill("two epochs")
    more = followed({"epochs": 2}, advise(early.evidence), "stopped too early")
    later = treat(languages(), **more)
    assert min(later.evidence.validation_losses) < 0.9 * min(early.evidence.validation_losses)


def test_the_forget_bias_that_is_advised_keeps_the_gradient() -> None:
    carried = ill("sixty steps of an LSTM").evidence.probe.carried

    def open_gates(module: Any) -> None:
        with torch.no_grad():
            module.recurrent.bias_ih_l0.chunk(4)[1].fill_(4.1)
            module.recurrent.bias_hh_l0.chunk(4)[1].fill_(0.0)

    after = treat(first_symbol(60), {"cell": "lstm"}, epochs=3, before=open_gates).evidence.probe.carried
    assert carried < 1e-6 < after
