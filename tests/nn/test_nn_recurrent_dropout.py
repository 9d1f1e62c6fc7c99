"""Recurrent dropout: a mask on W_hh for a whole call, from the named generator, on every engine."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from nn_grid import HERE
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from elman.cells import get, names
from elman.equations import trace
from elman.errors import InputError, WrongTypeError
from elman.models import LanguageModel, ModelSettings, TextClassifier
from elman.nn import Recurrent, dropout

P = 0.4
WITH = [name for name in names() if trace(get(name)).h_gates]
WITHOUT = [name for name in names() if not trace(get(name)).h_gates]
THEIRS = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN}


def module_of(cell: str = "lstm", p: float = P, **options: Any) -> Recurrent:
    made = Recurrent(
        cell, 4, 5, recurrent_dropout=p, dtype=torch.float64, generator=torch.Generator().manual_seed(3), **options
    )
    made.dropout_generator = torch.Generator().manual_seed(11)
    return made


def x_of(features: int = 4) -> Tensor:
    return torch.randn(6, 3, features, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def masked(module: Recurrent, p: float = P) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The weights that a call should see, each mask drawn here from the same seed in the order of the layers; and the factor of each."""
    generator = torch.Generator().manual_seed(11)
    factors = {}
    for name, weight in module.named_parameters():  # layer by layer, both directions
        if name.startswith("weight_hh"):
            factors[name] = dropout(torch.ones_like(weight), p, generator)
    return {name: w.detach() * factors.get(name, 1.0) for name, w in module.named_parameters()}, factors


def data_of(output: Tensor | PackedSequence) -> Tensor:
    return output.data if isinstance(output, PackedSequence) else output


@pytest.mark.parametrize("form", ["padded", "packed"])
@pytest.mark.parametrize("engine", HERE)
@pytest.mark.parametrize("cell", THEIRS)
def test_it_is_torchs_layer_with_masked_weights(cell: str, engine: str, form: str) -> None:
    """Two layers, both directions: outputs, final states and gradients, against torch.nn whose W_hh was multiplied by hand."""
    module = module_of(cell, num_layers=2, bidirectional=True, engine=engine)
    weights, factors = masked(module)
    theirs = THEIRS[cell](4, 5, 2, bidirectional=True, dtype=torch.float64)
    theirs.load_state_dict(weights)
    x: Any = x_of()
    if form == "packed":
        x = pack_padded_sequence(x, torch.tensor([2, 6, 3]), enforce_sorted=False)
    (ours, mine), (wanted, last) = module(x), theirs(x)
    torch.testing.assert_close(data_of(ours), data_of(wanted), rtol=0, atol=1e-12)
    torch.testing.assert_close(mine, last, rtol=0, atol=1e-12)
    for output in (ours, wanted):
        data_of(output).square().sum().backward()
    for name, weight in module.named_parameters():
        expected = dict(theirs.named_parameters())[name].grad * factors.get(name, 1.0)
        torch.testing.assert_close(weight.grad, expected, rtol=1e-11, atol=1e-11)
    dropped = [name for name, f in factors.items() if (f == 0).any()]
    assert len(dropped) == 4  # every layer and direction has a mask


@pytest.mark.parametrize("cell", WITH)
def test_engines_agree(cell: str) -> None:
    found = []
    for engine in ("loop", "auto"):
        module = module_of(cell, num_layers=2, engine=engine)
        output, _ = module(x_of())
        output.square().sum().backward()
        found.append([output, *(p.grad for p in module.parameters())])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("engine", HERE)
def test_evaluation_is_without_it_and_draws_nothing(engine: str) -> None:
    module, plain = module_of(engine=engine).eval(), module_of(p=0.0, engine=engine)
    before = module.dropout_generator.get_state()
    assert torch.equal(module(x_of())[0], plain(x_of())[0])
    assert torch.equal(module.dropout_generator.get_state(), before)
    assert not torch.equal(module.train()(x_of())[0], plain(x_of())[0])


@pytest.mark.parametrize("engine", HERE)
def test_each_call_draws_anew_and_a_seed_repeats(engine: str) -> None:
    module = module_of(engine=engine)
    before, outputs = torch.get_rng_state(), []
    for seed in (1, 1, 2):
        module.dropout_generator = torch.Generator().manual_seed(seed)
        outputs.append([module(x_of())[0], module(x_of())[0]])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(outputs[0][0], outputs[1][0])
    assert torch.equal(outputs[0][1], outputs[1][1])
    assert not torch.equal(outputs[0][0], outputs[0][1])
    assert not torch.equal(outputs[0][0], outputs[2][0])


def test_without_a_generator_it_is_torchs_global_one() -> None:
    module = module_of()
    module.dropout_generator = None
    state, found = torch.get_rng_state(), []
    try:
        for _ in range(2):
            torch.manual_seed(5)
            found.append(module(x_of())[0])
        assert torch.equal(*found)
        assert not torch.equal(found[0], module(x_of())[0])
    finally:
        torch.set_rng_state(state)


def test_p_one_takes_all_of_the_recurrence() -> None:
    module = module_of("elman", 1.0)
    wanted = torch.tanh(x_of() @ module.weight_ih_l0.T + module.bias_ih_l0 + module.bias_hh_l0)
    torch.testing.assert_close(module(x_of())[0], wanted, rtol=0, atol=1e-14)


@pytest.mark.parametrize("cell", ["lstm", "gru-cho"])
def test_gradients(cell: str) -> None:
    """With the generator put back before each call the function is the same, so its derivative can be checked by differences."""
    module = module_of(cell, engine="loop")

    def call(x: Tensor, *weights: Tensor) -> Tensor:
        module.dropout_generator.manual_seed(11)
        named = dict(zip(dict(module.named_parameters()), weights, strict=True))
        output: Tensor = torch.func.functional_call(module, named, (x,))[0]
        return output

    assert torch.autograd.gradcheck(call, (x_of()[:3].requires_grad_(), *module.parameters()))


@pytest.mark.parametrize("engine", HERE)
def test_reading_symbols_and_recording_see_the_same_masks(engine: str) -> None:
    module = module_of("gru", num_layers=2, engine=engine)
    symbols = torch.tensor([[0, 1, 1], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    table = x_of()[0, :2]
    outputs = []
    for call in (
        lambda: module(table[symbols])[0],
        lambda: module.read(symbols, table)[0],
        lambda: module.record(table[symbols]).output,
    ):
        module.dropout_generator.manual_seed(11)
        outputs.append(call())
    torch.testing.assert_close(outputs[1], outputs[0], rtol=0, atol=1e-13)
    torch.testing.assert_close(outputs[2], outputs[0], rtol=0, atol=1e-13)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_module_draws_the_same_masks() -> None:
    torch._dynamo.reset()
    module = module_of("gru")
    compiled = torch.compile(module, backend="eager")
    found = []
    for call in (module, compiled):
        module.dropout_generator.manual_seed(11)
        found.append(call(x_of())[0])
    assert torch.equal(*found)


@pytest.mark.parametrize("cell", WITHOUT)
def test_a_cell_without_a_recurrent_matrix_is_refused(cell: str) -> None:
    with pytest.raises(InputError, match=f"W_hh, and cell {cell} has none"):
        Recurrent(cell, 3, 4, recurrent_dropout=0.2)
    assert Recurrent(cell, 3, 4, recurrent_dropout=0.0).recurrent_dropout == 0.0


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(InputError, match=r"recurrent_dropout should be a number in range \[0, 1\]"):
        Recurrent("gru", 3, 4, recurrent_dropout=1.5)
    with pytest.raises(WrongTypeError, match="recurrent_dropout should be"):
        Recurrent("gru", 3, 4, recurrent_dropout=None)


def test_it_is_told_and_kept() -> None:
    assert "recurrent_dropout=0.4" in repr(module_of())
    assert "recurrent_dropout" not in repr(module_of(p=0.0))


def test_a_language_model_has_it() -> None:
    model = LanguageModel(ModelSettings(cell="gru", hidden=6, recurrent_dropout=0.5), 7)
    model.draw_dropout_from(torch.Generator().manual_seed(1))
    tokens = torch.tensor([[1, 2, 3, 4]])
    assert not torch.equal(model(tokens)[0], model(tokens)[0])
    model.eval()
    assert torch.equal(model(tokens)[0], model(tokens)[0])


def test_a_classifier_has_it() -> None:
    settings = ModelSettings(
        shape="classifier", cell="lstm", hidden=6, embedding=4, bidirectional=True, recurrent_dropout=0.5
    )
    model = TextClassifier(settings, 9, 3)
    model.draw_dropout_from(torch.Generator().manual_seed(1))
    words, lengths = torch.tensor([[1, 2, 3, 4], [5, 6, 0, 0]]), torch.tensor([4, 2])
    assert not torch.equal(model(words, lengths), model(words, lengths))
    model.eval()
    assert torch.equal(model(words, lengths), model(words, lengths))
