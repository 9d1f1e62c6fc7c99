"""The language model against hand computations in NumPy: its loss, its padding, its inputs, its steps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from model_folders import Strange, make_model
from torch import Tensor

from elman.cells import names
from elman.equations import cell_to_text
from elman.errors import CellError, InputError, ShapeError
from elman.models import SIZES, LanguageModel, ModelSettings

V = 7


def double(settings: ModelSettings, categories: int = 0, seed: int = 1) -> LanguageModel:
    return make_model(settings, symbols=V, categories=categories, seed=seed).double()


def by_hand(model: LanguageModel, tokens: list[int], targets: list[int], told: list[float]) -> float:
    """The loss of one sequence under an Elman model of one layer, a symbol at a time, from the formulas alone."""
    w = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    h = np.zeros(model.settings.hidden)
    nats = 0.0
    for token, target in zip(tokens, targets, strict=True):
        symbol = w["embedding.weight"][token] if "embedding.weight" in w else np.eye(V)[token]
        x = np.concatenate([symbol, told])
        from_input = w["recurrent.weight_ih_l0"] @ x + w["recurrent.bias_ih_l0"]
        h = np.tanh(from_input + w["recurrent.weight_hh_l0"] @ h + w["recurrent.bias_hh_l0"])
        logits = w["output.weight"] @ h + w["output.bias"]
        nats += math.log(sum(math.exp(v) for v in logits)) - logits[target]
    return nats


def padded(lines: list[list[int]], filler: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens, targets and lengths as batches of lines have them, the padding with any symbol."""
    longest = max(len(line) for line in lines) + 1
    tokens = torch.full((len(lines), longest), filler)
    targets = torch.full((len(lines), longest), filler)
    for row, line in enumerate(lines):
        tokens[row, : len(line) + 1] = torch.tensor([0, *line])
        targets[row, : len(line) + 1] = torch.tensor([*line, 0])
    return tokens, targets, torch.tensor([len(line) + 1 for line in lines])


LINES = [[3, 1, 4, 1, 5], [2], [6, 5], [1, 1, 1, 2, 2, 2, 3]]


@pytest.mark.parametrize("embedding", [0, 3])
@pytest.mark.parametrize("categories", [0, 2])
def test_the_loss_is_the_one_computed_by_hand(embedding: int, categories: int) -> None:
    model = double(ModelSettings(cell="elman", hidden=5, embedding=embedding), categories)
    tokens, targets, lengths = padded(LINES)
    labels = [1, 0, 0, 1]
    told = torch.tensor(labels) if categories else None
    nats, count, _ = model.nats(tokens, targets, lengths, None, told)
    expected = sum(
        by_hand(model, [0, *line], [*line, 0], list(np.eye(2)[label]) if categories else [])
        for line, label in zip(LINES, labels, strict=True)
    )
    assert count == sum(len(line) + 1 for line in LINES)
    assert nats.item() == pytest.approx(expected, rel=0, abs=1e-10)


lines_of_any_lengths = st.lists(st.lists(st.integers(1, V - 1), min_size=1, max_size=6), min_size=1, max_size=5)


@given(lines_of_any_lengths, st.integers(0, V - 1), st.sampled_from(["elman-relu", "lstm", "gru-cho", "minlstm"]))
def test_padding_never_counts(lines: list[list[int]], filler: int, cell: str) -> None:
    """Neither in the loss nor in a gradient, whatever stands there; a batch is the sum of its lines."""
    model = double(ModelSettings(cell=cell, hidden=3))

    def loss_and_gradients(tokens: Tensor, targets: Tensor, lengths: Tensor) -> tuple[float, int, Tensor]:
        model.zero_grad()
        nats, count, _ = model.nats(tokens, targets, lengths)
        nats.backward()
        return nats.item(), count, torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])

    nats, count, gradients = loss_and_gradients(*padded(lines))
    other, other_count, other_gradients = loss_and_gradients(*padded(lines, filler))
    alone = [loss_and_gradients(*padded([line])) for line in lines]
    assert count == other_count == sum(one[1] for one in alone) == sum(len(line) + 1 for line in lines)
    assert nats == pytest.approx(other, abs=1e-11)
    assert nats == pytest.approx(sum(one[0] for one in alone), abs=1e-10)
    torch.testing.assert_close(gradients, other_gradients, rtol=0, atol=1e-11)
    torch.testing.assert_close(gradients, sum(one[2] for one in alone), rtol=0, atol=1e-10)


def test_an_embedding_that_is_the_identity_is_one_hot() -> None:
    plain = double(ModelSettings(cell="gru", hidden=4), categories=3)
    embedded = double(ModelSettings(cell="gru", hidden=4, embedding=V), categories=3)
    identity = {"embedding.weight": torch.eye(V, dtype=torch.float64)}
    embedded.load_state_dict(dict(plain.state_dict()) | identity)
    tokens = torch.tensor([[0, 3, 6, 1], [0, 2, 2, 5]])
    told = torch.tensor([2, 0])
    torch.testing.assert_close(plain(tokens, None, told)[0], embedded(tokens, None, told)[0], rtol=0, atol=1e-12)


def test_categories_are_told_at_every_step() -> None:
    """And they matter: the same symbols under another category get other probabilities, at the first step as at the last."""
    model = double(ModelSettings(cell="lstm", hidden=4), categories=3)
    tokens = torch.tensor([[0, 3, 6, 1]] * 3)
    logits, _ = model(tokens, None, torch.tensor([0, 1, 2]))
    for step in range(4):
        assert not torch.allclose(logits[0, step], logits[1, step])
        assert not torch.allclose(logits[1, step], logits[2, step])
    given = model.inputs(tokens, torch.tensor([0, 1, 2]))
    assert given.shape == (3, 4, V + 3)
    assert torch.equal(given[:, :, V:], torch.eye(3, dtype=torch.float64)[:, None].expand(-1, 4, -1))


@pytest.mark.parametrize("times", [1, 30])  # few symbols are given as they are, many by the rows of a table
def test_categories_are_ignored_by_a_model_that_has_none(times: int) -> None:
    model = double(ModelSettings(cell="lstm", hidden=4))
    tokens = torch.tensor([[0, 3, 6, 1], [0, 2, 2, 5]]).repeat(1, times)
    torch.testing.assert_close(model(tokens, None, torch.tensor([1, 0])), model(tokens), rtol=0, atol=1e-12)


@pytest.mark.parametrize("times", [1, 30])
def test_a_model_with_categories_says_what_is_missing(times: int) -> None:
    model = double(ModelSettings(cell="lstm", hidden=4), categories=3)
    tokens = torch.tensor([[0, 3, 6, 1], [0, 2, 2, 5]]).repeat(1, times)
    with pytest.raises(ShapeError, match=f"Expected {V + 3}, got {V}"):
        model(tokens)


@pytest.mark.parametrize("cell", names())
def test_steps_and_chunks_are_the_whole(cell: str) -> None:
    """A symbol at a time, or in chunks with the state carried over: the logits of the whole sequence."""
    model = double(ModelSettings(cell=cell, hidden=3, layers=2), categories=2)
    tokens = torch.tensor([[0, 3, 6, 1, 2], [0, 2, 2, 5, 4]])
    told = torch.tensor([1, 0])
    whole, final = model(tokens, None, told)
    state: Any = None
    stepped = []
    for t in range(5):
        logits, state = model.step(tokens[:, t], state, told)
        stepped.append(logits)
    torch.testing.assert_close(whole, torch.stack(stepped, 1), rtol=0, atol=1e-12)
    torch.testing.assert_close(final, state, rtol=0, atol=1e-12)

    targets, lengths = tokens.roll(-1, 1), torch.tensor([5, 5])
    nats, count, _ = model.nats(tokens, targets, lengths, None, told)
    first, many, state = model.nats(tokens[:, :2], targets[:, :2], torch.tensor([2, 2]), None, told)
    second, more, _ = model.nats(tokens[:, 2:], targets[:, 2:], torch.tensor([3, 3]), state, told)
    assert count == many + more == 10
    assert nats.item() == pytest.approx((first + second).item(), abs=1e-11)


def test_the_future_does_not_leak() -> None:
    """Logits at a step depend on the symbols up to it only."""
    model = double(ModelSettings(cell="gru", hidden=4, layers=2))
    tokens = torch.tensor([[0, 3, 6, 1, 2]])
    changed = torch.tensor([[0, 3, 6, 5, 4]])
    assert torch.equal(model(tokens)[0][:, :3], model(changed)[0][:, :3])
    assert not torch.allclose(model(tokens)[0][:, 3], model(changed)[0][:, 3])


def test_the_generator_decides_the_start() -> None:
    def weights(seed: int, elsewhere: int) -> Tensor:
        torch.manual_seed(elsewhere)
        model = make_model(ModelSettings(cell="lstm", hidden=4, embedding=3), seed=seed)
        return torch.cat([p.detach().flatten() for p in model.parameters()])

    assert torch.equal(weights(1, elsewhere=5), weights(1, elsewhere=6))
    assert not torch.equal(weights(1, elsewhere=5), weights(2, elsewhere=5))


def test_making_a_model_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    make_model(ModelSettings(cell="lstm", hidden=4, embedding=3, layers=2, dropout=0.5))
    assert torch.equal(before, torch.get_rng_state())


def test_dropout_draws_from_its_own_generator_and_only_in_training() -> None:
    model = double(ModelSettings(cell="gru", hidden=8, layers=2, dropout=0.5))
    tokens = torch.tensor([[0, 3, 6, 1, 2]])

    def run(seed: int) -> Tensor:
        model.draw_dropout_from(torch.Generator().manual_seed(seed))
        return model(tokens)[0].detach()

    assert torch.equal(run(1), run(2))
    model.train()
    before = torch.get_rng_state()
    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    "settings",
    [
        {"bias": False},
        {"init": "xavier"},
        {"init": "orthogonal", "init_scale": 0.5},
        {"cell": "elman-relu", "init": "identity"},
        {"cell": "lstm", "forget_bias": 1.0},
        {"layers": 3, "dropout": 0.1},
    ],
    ids=str,
)
def test_every_setting_is_used(settings: dict[str, Any]) -> None:
    model = double(ModelSettings(**{"cell": "gru", "hidden": 4, **settings}))
    state = model.state_dict()
    layers = settings.get("layers", 1)
    assert sum(name.startswith("recurrent.weight_hh") for name in state) == layers
    assert any("recurrent.bias" in name for name in state) is settings.get("bias", True)
    recurrent = state["recurrent.weight_hh_l0"]
    if settings.get("init") == "orthogonal":
        for block in recurrent.chunk(3):
            torch.testing.assert_close(block @ block.T, 0.25 * torch.eye(4).double(), rtol=0, atol=1e-6)
    if settings.get("init") == "identity":
        assert torch.equal(recurrent, torch.eye(4).double())
    if "forget_bias" in settings:
        total = state["recurrent.bias_ih_l0"] + state["recurrent.bias_hh_l0"]
        assert torch.equal(total.chunk(4)[1], torch.ones(4).double())
    tokens = torch.tensor([[0, 3, 6, 1, 2]])
    assert torch.isfinite(model(tokens)[0]).all()


def test_a_cell_written_down_is_the_cell() -> None:
    text = cell_to_text(Strange())
    model = double(ModelSettings(cell="whatever", cell_text=text, hidden=4))
    assert {"recurrent.weight_p_l0"} < set(model.state_dict())
    assert model.recurrent.cell.title == "Strange"


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"cell": "lsmt"}, InputError, "did you mean 'lstm'"),
        ({"cell_text": "cell x\ngates h\nstate h\nh = tan(x.h)\n"}, CellError, "line 4"),
        ({"cell": "elman", "forget_bias": 1.0}, InputError, "forget"),
        ({"cell": "lstm", "forget_bias": 1.0, "bias": False}, InputError, "bias"),
    ],
)
def test_what_cannot_be_built_says_why(settings: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make_model(ModelSettings(**{"hidden": 4, **settings}))


def test_the_one_dial() -> None:
    assert list(SIZES) == ["tiny", "small", "medium", "large"]
    sizes = [ModelSettings(**size) for size in SIZES.values()]
    parameters = [sum(p.numel() for p in make_model(s).parameters()) for s in sizes[:2]]
    assert parameters == sorted(parameters)
    assert [s.hidden for s in sizes] == sorted({s.hidden for s in sizes})
