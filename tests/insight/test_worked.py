"""Worked examples: the course's numbers, losses and gradients against torch, all the forms that courses use."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import elman
from elman.engines import from_layout
from elman.errors import DataError, InputError, RecipeError, ShapeError
from elman.insight.exercise import BUILT_IN, read_exercise

RNG = np.random.default_rng(20)


def test_the_pen_and_paper_exercise_to_six_digits() -> None:
    w = read_exercise("forward-by-hand").work()
    assert np.round(w["h"], 6).tolist() == [[0.462117] * 3, [0.845066] * 3]
    assert np.round([s.logits for s in w.steps], 6).tolist() == [[0.238635] * 2, [0.353520] * 2]
    assert np.allclose([s.y for s in w.steps], 0.5, atol=1e-15)
    assert w.loss == pytest.approx(2 * np.log(2), abs=1e-12)
    text = w.text()
    for number in ("0.462117", "0.845066", "0.238635", "0.353520", "0.693147", "1.386294"):
        assert number in text
    assert "b_hh" not in text, "the course has one hidden bias"


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "linear"])
@pytest.mark.parametrize("cell", ["elman", "lstm", "gru"])
def test_loss_and_gradients_are_those_of_autograd(cell: str, output: str) -> None:
    torch.manual_seed(3)
    layer = {"elman": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[cell](3, 4).double()
    head = nn.Linear(4, 2).double()
    xs = torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True)
    classes = torch.randint(0, 2, (5, 2))
    goals = functional.one_hot(classes, 2).double()
    hidden, _ = layer(xs)
    logits = head(hidden)
    # The loss looks at steps 2 and 5 only.
    seen = [1, 4]
    if output == "softmax":
        loss = functional.cross_entropy(logits[seen].reshape(-1, 2), classes[seen].reshape(-1), reduction="sum")
    elif output == "sigmoid":
        loss = functional.binary_cross_entropy_with_logits(logits[seen], goals[seen], reduction="sum")
    else:
        loss = 0.5 * (logits[seen] - goals[seen]).square().sum()
    loss.backward()
    targets: list[Any] = [None] * 5
    for t in seen:
        targets[t] = classes[t].numpy() if output == "softmax" else goals[t].numpy()
    w = elman.worked(cell, layer.state_dict(), xs, head=(head.weight, head.bias), output=output, targets=targets)
    assert w.loss == pytest.approx(loss.item(), abs=1e-12)
    for name, parameter in layer.named_parameters():
        assert np.allclose(w.gradients[name], parameter.grad, atol=1e-12), name
        assert np.allclose(sum(s.gradients[name] for s in w.steps), parameter.grad, atol=1e-12), name
    assert np.allclose(w.gradients["head.weight"], head.weight.grad, atol=1e-12)
    assert np.allclose(w.gradients["head.bias"], head.bias.grad, atol=1e-12)
    assert np.allclose(w.gradients["xs"], xs.grad, atol=1e-12)
    assert np.allclose(w["h"], hidden.detach(), atol=1e-14)


def by_gate(gates: str, *shape: int) -> dict[str, np.ndarray]:
    return {k: RNG.normal(size=shape) for k in gates}


def test_every_course_layout_is_the_same_network() -> None:
    columns_x, columns_h, bias = by_gate("ifgo", 3, 2), by_gate("ifgo", 3, 3), by_gate("ifgo", 3)
    wanted = from_layout("lstm", "columns", input=columns_x, recurrent=columns_h, bias=bias)
    rows = from_layout(
        "lstm",
        "rows",
        input={k: v.T for k, v in columns_x.items()},
        recurrent={k: v.T for k, v in columns_h.items()},
        bias=bias,
    )
    together = {k: np.hstack([columns_h[k], columns_x[k]]) for k in "ifgo"}
    concatenated = from_layout("lstm", "concatenated", recurrent=together, bias=bias)
    for other in (rows, concatenated):
        assert set(other) == set(wanted)
        assert all(np.array_equal(other[k], wanted[k]) for k in wanted)
    # The worksheet's equations, row vectors, written out by hand.
    x, h, c = RNG.normal(size=2), np.zeros(3), np.zeros(3)
    z = {k: x @ columns_x[k].T + h @ columns_h[k].T + bias[k] for k in "ifgo"}
    sigma = {k: 1 / (1 + np.exp(-v)) for k, v in z.items()}
    c = sigma["f"] * c + sigma["i"] * np.tanh(z["g"])
    w = elman.worked("lstm", wanted, [x])
    assert np.allclose(w["c"][0], c, atol=1e-15)
    assert np.allclose(w["h"][0], sigma["o"] * np.tanh(c), atol=1e-15)
    assert np.allclose(w.final["c"], c)


@pytest.mark.parametrize(
    ("layout", "kwargs", "says"),
    [
        ("diagonal", {"recurrent": np.eye(2)}, "unknown layout"),
        ("columns", {"input": np.ones((2, 3)), "recurrent": {"i": np.eye(2)}}, "exactly the gates"),
        ("columns", {"input": np.ones((3, 2)), "recurrent": np.eye(2)}, "don't fit"),
        ("columns", {"input": np.ones(2), "recurrent": np.eye(2)}, "2 axes"),
    ],
)
def test_layouts_that_do_not_fit_are_told(layout: str, kwargs: dict[str, Any], says: str) -> None:
    with pytest.raises((InputError, ShapeError), match=says):
        from_layout("elman", layout, **kwargs)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_exercise_works_and_its_page_is_whole(name: str) -> None:
    w = read_exercise(name).work()
    assert all(np.isfinite(s.y).all() for s in w.steps)
    page = w.html()
    body = page[page.index("<main>") : page.index("</main>") + 7]
    ET.fromstring(body.replace("<br>", "<br/>"))
    assert "http" not in body
    assert w.to_json()["cell"] == w.cell


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"xs": np.zeros((2, 5))}, "with 3 inputs"),
        ({"xs": np.zeros((0, 3))}, "no steps"),
        ({"state": np.zeros(5)}, r"\[units\] = \[4\]"),
        ({"head": np.zeros((2, 3))}, "4 units"),
        ({"output": "argmax"}, "unknown output"),
        ({"head": np.zeros((2, 4)), "targets": [0]}, "one entry for each of the 2 steps"),
        ({"head": np.zeros((2, 4)), "targets": [0, 7]}, "class number from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_one_sentence(kwargs: dict[str, Any], says: str) -> None:
    weights = {"weight_ih_l0": np.ones((4, 3)), "weight_hh_l0": np.eye(4)}
    with pytest.raises((InputError, ShapeError), match=says):
        elman.worked("elman", weights, **{"xs": np.zeros((2, 3)), **kwargs})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("xs = [[1]]", "no weights"),
        ("cell = 3\nxs = [[1]]", "cell"),
        ("xs = [[1]]\nfill = 0.1", "needs `units`"),
        ("xs = [[", "not valid TOML"),
        ("xs = [[1]]\nweigths = {}", "weigths"),
    ],
)
def test_exercises_that_are_wrong_are_told(tmp_path: Any, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises((DataError, RecipeError), match=says):
        read_exercise(path).work()
    with pytest.raises(DataError, match="no exercise"):
        read_exercise(tmp_path / "none.toml")
