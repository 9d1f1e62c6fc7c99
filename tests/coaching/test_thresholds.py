"""Each symptom on rows made by hand, just below its threshold and just above; and whatever the rows are, no error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.coaching import Evidence, Finding, Probe, advise, entropy
from elman.coaching.probe import Gate, Units
from elman.models import ModelSettings
from elman.recipes.recipe import Recipe
from elman.training import TrainingSettings
from elman.training.rows import Epoch, Refused

CALM = Probe((Gate(0, 0, "z", "sigmoid", 0.99, forgets=True),), (Units(0, 0, 0.0, 0.0),), (1.0, 0.5), 0.5, 9)


def rows(training: Sequence[float | None], validation: Sequence[float | None], **more: Any) -> list[Epoch]:
    values = {"median": 0.5, "max": 2.0}
    return [
        Epoch.model_validate(
            {
                "kind": "epoch", "epoch": k, "step": 10 * k, "train_count": 100, "validation_count": 50, "gradient_norm": values,
                "train_nats": None if t is None else 100 * t, "validation_nats": None if v is None else 50 * v, **more,
            }
        )
        for k, (t, v) in enumerate(zip(training, validation, strict=True), 1)
    ]  # fmt: skip


def evidence(losses: Sequence[float | None], validation: Sequence[float | None] | None = None, **more: Any) -> Evidence:
    """A model with a chance level of 1 nat that learned well, but for what is given."""
    given = {
        "rows": rows(losses, losses if validation is None else validation),
        "training": TrainingSettings(rate=0.01),
        "model": ModelSettings(cell="gru", hidden=20).model_dump(),
        "parameters": 1000, "targets": 1000, "tokens": 1000, "chance": 1.0, "probe": CALM,
    }  # fmt: skip
    return Evidence(**{**given, **more})


REFUSED = Refused(epoch=1, step=3, batch=3, tensor="loss", value="nan")
WELL = [1.0, 0.5, 0.2, 0.199]


def told(e: Evidence) -> list[str]:
    return [finding.symptom for finding in advise(e)]


def test_nothing_is_an_answer() -> None:
    assert advise(evidence(WELL)) == []


@pytest.mark.parametrize(
    ("symptom", "below", "above"),
    [
        ("rate too high", evidence([1, 0.5, 0.59, 0.4]), evidence([1, 0.5, 0.61, 0.4], [1, 0.5, 0.4, 0.4])),
        ("rate too high", evidence([1.99], [1.9]), evidence([2.01], [1.9])),
        ("rate too low", evidence([1, 0.96, 0.93, 0.89]), evidence([1, 0.97, 0.94, 0.91])),
        ("rate too low", evidence([1, 0.92, 0.91, 0.909]), evidence([1, 0.97, 0.94, 0.91])),
        ("stopped too early", evidence([1, 0.5, 0.4, 0.391]), evidence([1, 0.5, 0.4, 0.389])),
        ("overfitting", evidence(WELL, [1, 0.5, 0.4, 0.49]), evidence(WELL, [1, 0.5, 0.4, 0.51])),
        ("overfitting", evidence(WELL, [0.7, 0.69, 0.69, 0.69]), evidence(WELL, [0.71, 0.70, 0.70, 0.70])),
        ("underfitting", evidence([1, 0.85, 0.84, 0.84]), evidence([1, 0.87, 0.86, 0.86])),
        ("underfitting", evidence([1, 0.95, 0.89, 0.86]), evidence([1, 0.95, 0.88, 0.87])),
        (
            "too many parameters for the data",
            evidence(WELL, [1, 0.5, 0.4, 0.6], parameters=4999),
            evidence(WELL, [1, 0.5, 0.4, 0.6], parameters=5001),
        ),
        (
            "too many parameters for the data",
            evidence(WELL, parameters=10**6),
            evidence(WELL, [1, 0.5, 0.4, 0.6], parameters=10**6),
        ),
        (
            "class imbalance ignored",
            evidence(WELL, classes=[60, 9], predicted=[66, 3]),
            evidence(WELL, classes=[60, 9], predicted=[67, 2]),
        ),
        (
            "class imbalance ignored",  # few examples say nothing, nor does a class that is not rare
            evidence(WELL, classes=[60, 4, 30], predicted=[94, 0, 0]),
            evidence(WELL, classes=[60, 5, 30], predicted=[94, 0, 1]),
        ),
        (
            "saturated gates",
            evidence(WELL, probe=replace(CALM, gates=(Gate(0, 0, "r", "sigmoid", 0.74, forgets=False),))),
            evidence(WELL, probe=replace(CALM, gates=(Gate(0, 0, "r", "sigmoid", 0.76, forgets=False),))),
        ),
        (
            "dead units",
            evidence(WELL, probe=replace(CALM, units=(Units(0, 0, 0.25, 0.25),))),
            evidence(WELL, probe=replace(CALM, units=(Units(0, 0, 0.26, 0.26),))),
        ),
        (
            "vanishing gradient",
            evidence(WELL, probe=replace(CALM, carried=1e-6)),
            evidence(WELL, probe=replace(CALM, carried=9e-7)),
        ),
        (
            "exploding gradient",
            evidence(WELL, rows=rows(WELL, WELL, gradient_norm={"median": 900.0, "max": 1000.0})),
            evidence(WELL, rows=rows(WELL, WELL, gradient_norm={"median": 900.0, "max": 1001.0})),
        ),
        (
            "exploding gradient",
            evidence(WELL, rows=rows(WELL, WELL, gradient_norm={"median": 0.6, "max": 60.0})),
            evidence(WELL, rows=rows(WELL, WELL, gradient_norm={"median": 0.5, "max": 60.0})),
        ),
        (
            "steps refused",
            evidence(WELL),
            evidence(WELL, refused=[REFUSED]),
        ),
    ],
)
def test_on_both_sides_of_a_threshold(symptom: str, below: Evidence, above: Evidence) -> None:
    assert symptom not in told(below)
    assert symptom in told(above)


def test_clipping_holds_an_exploding_gradient_unless_it_works_all_the_time() -> None:
    norms = {"median": 900.0, "max": 5000.0}
    settings = TrainingSettings(rate=0.01, clip_norm=1.0)
    now_and_then = evidence(WELL, rows=rows(WELL, WELL, gradient_norm=norms, clipped=5), training=settings)
    always = evidence(WELL, rows=rows(WELL, WELL, gradient_norm=norms, clipped=6), training=settings)
    assert told(now_and_then) == []
    (finding,) = advise(always)
    assert (finding.symptom, finding.option) == ("exploding gradient", "model.init=orthogonal")


def test_what_is_explained_is_not_told_twice() -> None:
    flat = [1.0, 0.99, 0.985, 0.98]
    assert told(evidence(flat)) == ["rate too low"]
    assert told(evidence([1.0, 0.9, 0.9, 0.9])) == ["underfitting"]
    assert told(evidence([1.0, 0.9, 0.9, 0.9], probe=replace(CALM, units=(Units(0, 0, 1.0, 1.0),)))) == ["dead units"]


def test_the_most_severe_comes_first() -> None:
    e = evidence(
        WELL, [1, 0.5, 0.4, 0.6], parameters=10**6, classes=[60, 9], predicted=[69, 0],
        refused=[Refused(epoch=1, step=3, batch=3, tensor="gradient of output.weight", value="inf")],
        probe=replace(CALM, units=(Units(0, 0, 1.0, 1.0),), carried=1e-9),
    )  # fmt: skip
    severities = [finding.severity for finding in advise(e)]
    assert severities == sorted(severities, key=["serious", "notable", "slight"].index)
    assert told(e)[:2] == ["steps refused", "dead units"]
    assert {"vanishing gradient", "overfitting", "class imbalance ignored"} < set(told(e))


def test_remedies_come_in_turn() -> None:
    """The next remedy against overfitting, once one is in use."""

    def option(model: dict[str, Any], **training: Any) -> str | None:
        e = evidence(
            WELL, [1, 0.5, 0.4, 0.6], model=ModelSettings(**model).model_dump(), training=TrainingSettings(**training)
        )
        return next(f.option for f in advise(e) if f.symptom == "overfitting")

    words = {"shape": "bag-of-words"}
    assert option({}) == "model.dropout=0.3"
    assert option({"dropout": 0.2}) == "training.weight_decay=0.01"
    assert option({"dropout": 0.2}, weight_decay=0.1) == "training.patience=3"
    assert option({"dropout": 0.2, "hidden": 9}, weight_decay=0.1, patience=2) == "model.hidden=4"
    assert option(words) == "model.input_dropout=0.3"  # a logistic regression has no layers to drop between
    assert option({**words, "hidden_layers": [8]}) == "model.dropout=0.3"
    assert option({**words, "input_dropout": 0.1}, weight_decay=0.1, patience=2) == "model.min_texts=2"


def test_a_schedule_brings_any_loss_to_rest() -> None:
    resting = [1.0, 0.9, 0.9, 0.9]
    for rate, option in ((0.01, "model.hidden=40"), (0.006, "model.hidden=40"), (0.004, "training.rate=0.03")):
        (finding,) = advise(evidence(resting, rows=rows(resting, resting, rate=rate)))
        assert (finding.symptom, finding.option) == ("underfitting", option)


def test_minutes_are_what_ended_it() -> None:
    last = rows([1.0, 0.5], [1.0, 0.5])
    ended = [*last, last[-1].model_copy(update={"kind": "stop", "epoch": 3})]
    e = evidence([], rows=ended, training=TrainingSettings(minutes=3))
    assert [f.option for f in advise(e)] == ["training.minutes=6"]


def test_classes_have_names() -> None:
    (finding,) = advise(evidence(WELL, classes=[60, 9], predicted=[69, 0], names=("ham", "spam\x1b")))
    assert "'spam\\x1b' is 9 of 69 validation texts (13%) and was predicted 0 times" in finding.figure
    (finding,) = advise(
        evidence(WELL, classes=[60, 9], predicted=[69, 0], training=TrainingSettings(balance_classes=True))
    )
    assert finding.option is None


def test_entropy() -> None:
    assert entropy([5, 5, 5, 5]) == pytest.approx(math.log(4))
    assert entropy([3, 1]) == pytest.approx(0.75 * math.log(4 / 3) + 0.25 * math.log(4))
    assert entropy([7, 0]) == 0.0
    assert entropy([]) is None
    assert entropy([0, 0]) is None


some_losses = st.one_of(st.none(), st.floats(0, 1e6), st.just(math.inf), st.just(math.nan))
shares = st.floats(0, 1)
numbers = st.floats(0, 1e30)


@st.composite
def cases(draw: Any) -> Evidence:
    """Anything that files could hold, damaged ones included, with settings that a recipe can have."""
    shape = draw(st.sampled_from(["language-model", "classifier", "average", "bag-of-words"]))
    own: dict[str, Any] = {"shape": shape, "dropout": draw(st.sampled_from([0.0, 0.3]))}
    if shape in ("classifier", "language-model"):
        own |= {"cell": draw(st.sampled_from(["elman", "elman-relu", "gru", "lstm", "indrnn", "mingru"]))}
        own |= {
            "hidden": draw(st.sampled_from([1, 64, 16384])),
            "init": draw(st.sampled_from(["torch", "orthogonal", "identity"])),
        }
        own |= {"init_scale": draw(st.sampled_from([1.0, 9.0])), "bias": draw(st.booleans())}
    if shape in ("classifier", "average"):
        own |= {"embedding": draw(st.sampled_from([1, 50]))}
    if shape in ("average", "bag-of-words"):
        own |= {"hidden_layers": draw(st.sampled_from([[], [64]])), "input_dropout": draw(st.sampled_from([0.0, 0.2]))}
        own["dropout"] *= bool(own["hidden_layers"])  # refused where there are no layers to drop between
    made = []
    for k in range(draw(st.integers(0, 7))):
        norms = draw(st.one_of(st.none(), st.builds(lambda a, b: {"median": a, "max": b}, numbers, numbers)))
        made.append(
            Epoch(
                kind=draw(st.sampled_from(["epoch", "epoch", "stop"])), epoch=k + 1, step=draw(st.integers(0, 99)),
                train_nats=draw(some_losses), train_count=draw(st.integers(0, 9)), validation_nats=draw(some_losses),
                validation_count=draw(st.integers(0, 9)), gradient_norm=norms, clipped=draw(st.integers(0, 99)),
            )
        )  # fmt: skip
    gates = st.builds(Gate, st.just(0), st.integers(0, 1), st.just("r"), st.just("tanh"), shares, st.booleans())
    units = st.builds(Units, st.just(0), st.integers(0, 1), shares, shares)
    seen = st.builds(
        Probe, st.lists(gates, max_size=3).map(tuple), st.lists(units, max_size=2).map(tuple), st.just(()),
        st.one_of(st.none(), numbers), st.integers(0, 500),
    )  # fmt: skip
    counts = st.one_of(st.none(), st.lists(st.integers(0, 50), max_size=4))
    return Evidence(
        rows=made,
        training=TrainingSettings(
            rate=draw(st.floats(1e-9, 1e3)), clip_norm=draw(st.sampled_from([None, 1.0])), patience=draw(st.sampled_from([None, 2])),
            weight_decay=draw(st.sampled_from([0.0, 0.1])), minutes=draw(st.sampled_from([None, 2.0])),
        ),
        model=ModelSettings(**own).model_dump(),
        parameters=draw(st.integers(0, 10**9)), targets=draw(st.integers(0, 99)), tokens=draw(st.integers(0, 99)),
        refused=draw(st.lists(st.just(REFUSED), max_size=2)),
        chance=draw(st.one_of(st.none(), st.floats(0, 20))), classes=draw(counts), predicted=draw(counts),
        probe=draw(st.one_of(st.none(), seen)) if "cell" in own else None,  # only recurrent models have one
    )  # fmt: skip


@given(cases())
def test_whatever_was_left_the_coach_has_an_answer(e: Evidence) -> None:
    findings = advise(e)
    assert len({finding.symptom for finding in findings}) == len(findings)
    for finding in findings:
        assert finding.sentence
        assert finding.figure
        assert Finding.model_validate(finding.model_dump()) == finding
        check_option(finding.option, e)


def check_option(option: str | None, e: Evidence) -> None:
    """It is a key of the recipe, its value is allowed for this model, and it changes something."""
    from elman.recipes.reading import parse_override

    if option is None:
        return
    key, value = parse_override(option)
    section, name = key.split(".")
    values = {"model": dict(e.model), "training": e.training.model_dump()}
    before = values[section][name]
    values[section][name] = value
    after = getattr(getattr(Recipe.model_validate(values), section), name)
    assert after != before or after in (1, 16384)
