"""Every model that classifies against NumPy, text by text; and padding, company and order, which must change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from text_models import (
    ACTIVATIONS,
    SYMBOLS,
    TEXTS,
    answers,
    averaging_by_hand,
    bag_by_hand,
    log_softmax,
    made,
    padded,
    recurrent_by_hand,
    settings,
)
from torch import Tensor

from elman.models import ClassificationModel, make_model

POOLINGS = ("last", "mean", "max", "attention", "concat")
WAYS = {"one way": {}, "both ways": {"bidirectional": True}, "two layers": {"bidirectional": True, "layers": 2}}
SHAPES: dict[str, dict[str, Any]] = {
    **{f"{pooling}, {way}": {"pooling": pooling, **more} for pooling in POOLINGS for way, more in WAYS.items()},
    "average": {"shape": "average", "hidden": 128, "hidden_layers": [5]},
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("cell", ["elman", "lstm"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pooling", POOLINGS)
def test_recurrent(pooling: str, way: str, cell: str, classes: int) -> None:
    model = made(classes, cell=cell, pooling=pooling, normalise=way == "two layers", **WAYS[way])
    expected = recurrent_by_hand(model, TEXTS)
    assert expected.shape == (len(TEXTS), classes)
    np.testing.assert_allclose(answers(model, *padded()), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("layers", [[], [5], [5, 2]], ids=str)
def test_averaging(layers: list[int], normalise: bool, classes: int) -> None:
    model = made(classes, shape="average", hidden=128, hidden_layers=layers, normalise=normalise)
    np.testing.assert_allclose(answers(model, *padded()), averaging_by_hand(model, TEXTS), rtol=1e-9, atol=1e-11)


def sparse(features: np.ndarray[Any, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Numbers, lengths and counts of the features that are not zero, as batches hold them."""
    rows = [np.flatnonzero(row) for row in features]
    numbers, lengths = padded([row.tolist() for row in rows])
    counts = torch.zeros(numbers.shape, dtype=torch.float64)
    for place, row in enumerate(rows):
        counts[place, : len(row)] = torch.tensor(features[place, row])
    return numbers, lengths, counts


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("layers", [[], [5], [5, 2, 3]], ids=str)
@pytest.mark.parametrize("classes", [2, 4])
def test_bag_of_words(classes: int, layers: list[int], activation: str) -> None:
    chosen = {"hidden_layers": layers, "activation": activation} if layers else {}
    model = made(classes, shape="bag-of-words", hidden=128, embedding=0, **chosen)
    draw = np.random.default_rng(1)
    features = draw.normal(size=(5, SYMBOLS)) * (draw.random((5, SYMBOLS)) < 0.6)
    features[2] = np.eye(SYMBOLS)[4] * 2.5
    numbers, lengths, counts = sparse(features)
    expected = bag_by_hand(model, features)
    np.testing.assert_allclose(answers(model, numbers, lengths, counts), expected, rtol=1e-9, atol=1e-11)
    binary = bag_by_hand(model, (features != 0).astype(float))
    np.testing.assert_allclose(answers(model, numbers, lengths), binary, rtol=1e-9, atol=1e-11)


def test_a_text_without_features_has_the_bias_alone() -> None:
    model = made(3, shape="bag-of-words", hidden=128, embedding=0)
    said = answers(
        model, torch.zeros(1, 1, dtype=torch.int64), torch.tensor([1]), torch.zeros(1, 1, dtype=torch.float64)
    )
    np.testing.assert_allclose(said[0], log_softmax(model.bias.detach().numpy(), 3))


def test_logistic_regression_starts_at_even_odds() -> None:
    bag = settings(shape="bag-of-words", hidden=128, embedding=0)
    assert not any(parameter.any() for parameter in make_model(bag, 5, 3).parameters())
    deep = settings(shape="bag-of-words", hidden=128, embedding=0, hidden_layers=[4])
    assert all(parameter.any() for name, parameter in make_model(deep, 5, 3).named_parameters() if name != "bias")


@pytest.mark.parametrize("z", [-800.0, -3.0, 0.0, 0.5, 800.0])
def test_one_logit_is_the_softmax_of_two(z: float) -> None:
    """p(second) = sigmoid(z), and neither logarithm is ever infinite."""
    model = made(2, pooling="mean")
    with torch.no_grad():
        model.output.weight.zero_()
        model.output.bias.fill_(z)
    said = answers(model, *padded())
    np.testing.assert_allclose(said, [torch.tensor([0.0, z], dtype=torch.float64).log_softmax(0).tolist()] * len(TEXTS))
    assert np.isfinite(said).all()


def gradients(model: ClassificationModel, inputs: Tensor, lengths: Tensor) -> dict[str, Tensor]:
    """Of a sum that weighs every text and class differently."""
    model.zero_grad()
    log_p = model(inputs, lengths)
    (log_p * torch.arange(1.0, 1 + log_p.numel()).reshape(log_p.shape)).sum().backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}


@pytest.mark.parametrize("fill", range(SYMBOLS))
@pytest.mark.parametrize("shape", SHAPES)
def test_what_stands_beyond_a_text_changes_nothing(shape: str, fill: int) -> None:
    model = made(**SHAPES[shape])
    plain, garbage = padded(), padded(extra=3, fill=fill)
    assert np.array_equal(answers(model, *garbage), answers(model, *plain))
    before, after = gradients(model, *plain), gradients(model, *garbage)
    assert before.keys() == after.keys() == dict(model.named_parameters()).keys()
    for name, gradient in before.items():
        assert torch.equal(gradient, after[name]), name


def test_features_beyond_a_text_change_nothing() -> None:
    model = made(shape="bag-of-words", hidden=128, embedding=0, hidden_layers=[3])
    said = answers(model, *padded())
    for fill in range(SYMBOLS):
        garbage = padded(extra=2, fill=fill)
        np.testing.assert_allclose(answers(model, *garbage), said, rtol=1e-12)
        assert all(g.isfinite().all() for g in gradients(model, *garbage).values())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_text_is_told_the_same_alone_and_in_any_company(shape: str) -> None:
    model = made(**SHAPES[shape])
    together = answers(model, *padded())
    for number, text in enumerate(TEXTS):
        np.testing.assert_allclose(answers(model, *padded([text]))[0], together[number], rtol=1e-10, atol=1e-12)
    order = [3, 0, 4, 2, 1]
    turned = answers(model, *padded([TEXTS[k] for k in order]))
    np.testing.assert_allclose(turned, together[order], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_are_those_of_finite_differences(shape: str) -> None:
    model = made(**SHAPES[shape])
    if hasattr(model, "recurrent"):
        model.recurrent.engine = "loop"  # the others compute in float32, or are checked against it in their own room
    inputs, lengths = padded(TEXTS[:3])
    names, values = zip(*model.named_parameters(), strict=True)

    def outputs(*parameters: Tensor) -> Tensor:
        log_p: Tensor = torch.func.functional_call(model, dict(zip(names, parameters, strict=True)), (inputs, lengths))
        return log_p

    assert torch.autograd.gradcheck(outputs, values, fast_mode=True)


@pytest.mark.parametrize("layers", [[], [3]], ids=str)
def test_gradients_of_a_bag_are_those_of_finite_differences(layers: list[int]) -> None:
    model = made(shape="bag-of-words", hidden=128, embedding=0, hidden_layers=layers)
    given = sparse(np.random.default_rng(2).normal(size=(3, SYMBOLS)))
    names, values = zip(*model.named_parameters(), strict=True)

    def outputs(*parameters: Tensor) -> Tensor:
        log_p: Tensor = torch.func.functional_call(model, dict(zip(names, parameters, strict=True)), given)
        return log_p

    assert torch.autograd.gradcheck(outputs, values, fast_mode=True)


@pytest.mark.parametrize("engine", ["fused", "loop", "torch"])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_engine_says_the_same(pooling: str, engine: str) -> None:
    """In float32, as it is trained and used: values by hand, gradients as the loop has them."""
    double = made(cell="lstm", pooling=pooling, bidirectional=True, layers=2)
    wanted, found = gradients(double, *padded()), None
    model = double.float()
    model.recurrent.engine = engine
    np.testing.assert_allclose(answers(model, *padded()), recurrent_by_hand(model, TEXTS), rtol=2e-5, atol=2e-5)
    assert model.recurrent.engine_used == engine
    found = gradients(model, *padded())
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name].double(), gradient, rtol=2e-4, atol=2e-4)


# Deliberate defects: the usual mistakes with ragged texts. The comparison with NumPy above must see each.


def last_padded_step(self: Any, outputs: Any, final: Any) -> Tensor:
    rows, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
    return rows[:, -1]


def last_real_step_of_both(self: Any, outputs: Any, final: Any) -> Tensor:
    """The way back has read only one word where the text ends."""
    rows, lengths = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
    return rows[torch.arange(len(rows)), lengths - 1]


def mean_over_padding(self: Any, outputs: Any, final: Any) -> Tensor:
    return torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)[0].mean(1)


def largest_with_padding(self: Any, outputs: Any, final: Any) -> Tensor:
    return torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)[0].amax(1)


def attention_to_padding(self: Any, outputs: Any, final: Any) -> Tensor:
    rows, _ = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)
    shares = (torch.tanh(self.score(rows)) @ self.query).softmax(1)
    return (shares[:, :, None] * rows).sum(1)


def last_layer_mistaken(self: Any, outputs: Any, final: Any) -> Tensor:
    return torch.cat(list((final[0] if isinstance(final, tuple) else final)[: self.directions]), 1)


def memory_for_output(self: Any, outputs: Any, final: Any) -> Tensor:
    return torch.cat(list(final[1][-self.directions :]), 1)


def sorted_texts(self: Any, outputs: Any, final: Any) -> Tensor:
    """The order in which packing puts texts, not the batch's."""
    h = final[0][-self.directions :].index_select(1, outputs.sorted_indices)
    return torch.cat(list(h), 1)


DEFECTS: dict[str, tuple[str, Callable[..., Tensor]]] = {
    "the last padded step is read": ("last", last_padded_step),
    "both directions are read at the last real step": ("last", last_real_step_of_both),
    "the first layer is read": ("last", last_layer_mistaken),
    "the memory cell is read for the output": ("last", memory_for_output),
    "texts in the order of their lengths": ("last", sorted_texts),
    "the mean counts padding": ("mean", mean_over_padding),
    "the maximum sees padding": ("max", largest_with_padding),
    "attention sees padding": ("attention", attention_to_padding),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_seen(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pooling, wrong = DEFECTS[defect]
    model = made(cell="lstm", pooling=pooling, bidirectional=True, layers=2)
    right = recurrent_by_hand(model, TEXTS)
    np.testing.assert_allclose(answers(model, *padded()), right, rtol=1e-9)
    monkeypatch.setattr(type(model.pooling), "forward", wrong)
    assert np.abs(answers(model, *padded()) - right).max() > 1e-3


@pytest.mark.parametrize("defect", ["the mean counts padding", "the maximum sees padding", "attention sees padding"])
def test_a_defect_of_padding_is_seen_by_company_alone(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pooling, wrong = DEFECTS[defect]
    model = made(pooling=pooling)
    monkeypatch.setattr(type(model.pooling), "forward", wrong)
    together = answers(model, *padded())
    alone = np.array([answers(model, *padded([text]))[0] for text in TEXTS])
    assert np.abs(together - alone).max() > 1e-3


def test_an_average_over_padding_is_seen() -> None:
    model = made(shape="average", hidden=128)
    inputs, _ = padded()
    everything = torch.full((len(TEXTS),), inputs.shape[1])
    assert np.abs(answers(model, inputs, everything) - averaging_by_hand(model, TEXTS)).max() > 1e-3
