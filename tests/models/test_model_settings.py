"""The section [model]: what belongs to another shape is refused with one sentence, not ignored."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from elman.models import ModelSettings

VALID: dict[str, dict[str, Any]] = {
    "language-model": {},
    "classifier": {"embedding": 5},
    "average": {"embedding": 5},
    "bag-of-words": {},
}
RECURRENT = {
    "cell": "gru", "cell_text": "cell x", "hidden": 5, "layers": 2, "bias": False, "init": "identity", "init_scale": 0.5,
    "forget_bias": 1.0, "engine": "loop",
}  # fmt: skip
ONLY: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    (RECURRENT, ("language-model", "classifier")),
    ({"bidirectional": True, "pooling": "mean"}, ("classifier",)),
    ({"vectors": "glove", "word_dropout": 0.1}, ("classifier", "average")),
    ({"features": "counts", "ngrams": 2, "keep_percentiles": [20, 80], "min_texts": 3}, ("bag-of-words",)),
    ({"hidden_layers": [3], "activation": "tanh"}, ("average", "bag-of-words")),
    ({"input_dropout": 0.1, "normalise": True}, ("classifier", "average", "bag-of-words")),
]
CASES = [
    (name, value, shape, shape in shapes)
    for values, shapes in ONLY
    for name, value in values.items()
    for shape in VALID
]


def refusal(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        ModelSettings(**values)
    (error,) = caught.value.errors()
    message = error["msg"].removeprefix("Value error, ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("name", "value", "shape", "allowed"), CASES, ids=lambda v: str(v))
def test_a_setting_of_another_shape(name: str, value: object, shape: str, allowed: bool) -> None:
    values = {"shape": shape, **VALID[shape], name: value}
    if name == "activation" and allowed:
        values["hidden_layers"] = [4]
    if allowed:
        assert getattr(ModelSettings(**values), name) == value
    else:
        message = refusal(**values)
        assert re.match(f"{name} belongs to shape .*; shape is {shape}$", message), message


def test_embedding_of_a_bag_is_refused() -> None:
    assert "embedding belongs to" in refusal(shape="bag-of-words", embedding=5)


@pytest.mark.parametrize("shape", ["classifier", "average"])
def test_words_need_an_embedding(shape: str) -> None:
    assert "set model.embedding" in refusal(shape=shape)


def test_an_embedding_that_stays_random_is_refused() -> None:
    assert "model.vectors" in refusal(shape="average", embedding=5, train_embedding=False)
    assert ModelSettings(shape="average", embedding=5, train_embedding=False, vectors="glove").train_embedding is False


@pytest.mark.parametrize("wrong", [[80, 20], [20, 20], [-1, 50], [0, 101]], ids=str)
def test_percentiles(wrong: list[float]) -> None:
    assert "keep_percentiles are two numbers from 0 to 100" in refusal(shape="bag-of-words", keep_percentiles=wrong)


@pytest.mark.parametrize("wrong", [[0], [0, 50, 100], [], ["a", 5], [float("nan"), 100]], ids=str)
def test_what_are_no_percentiles(wrong: list[Any]) -> None:
    with pytest.raises(ValidationError):
        ModelSettings(shape="bag-of-words", keep_percentiles=wrong)


@pytest.mark.parametrize("shape", ["average", "bag-of-words"])
@pytest.mark.parametrize("setting", [{"dropout": 0.5}, {"activation": "tanh"}], ids=str)
def test_what_belongs_to_hidden_layers_needs_some(setting: dict[str, Any], shape: str) -> None:
    values = {"shape": shape, **VALID[shape], **setting}
    assert "model.hidden_layers" in refusal(**values)
    assert ModelSettings(**values, hidden_layers=[4]).hidden_layers == [4]


@pytest.mark.parametrize("wrong", [[0], [-3], [16385], [4] * 17, ["x"], [2.5]], ids=str)
def test_hidden_layers(wrong: list[Any]) -> None:
    with pytest.raises(ValidationError):
        ModelSettings(shape="bag-of-words", hidden_layers=wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"word_dropout": 1.0}, {"word_dropout": -0.1}, {"input_dropout": 1.5}, {"ngrams": 0}, {"ngrams": 6}, {"min_texts": 0},
     {"pooling": "first"}, {"features": "words"}, {"activation": "gelu"}, {"shape": "transformer"}],
    ids=str,
)  # fmt: skip
def test_values_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ModelSettings(**{"shape": "classifier", "embedding": 5, **wrong})
