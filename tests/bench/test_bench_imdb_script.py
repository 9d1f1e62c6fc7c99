"""The practical's script in plain torch: what its two forms read, step by step with torch's cells; its batches and its training."""

from __future__ import annotations

import pytest
import torch
from bench.imdb_torch import FORMS, SHAPES, Form, Script, ScriptTraining, Shape, Texts
from torch import Tensor, nn

from elman.data import DataSettings, LabelledTexts, TextBatches, Vocabulary

SMALL = {name: shape._replace(embedding=5, hidden=7) for name, shape in SHAPES.items()}
EACH_SHAPE = pytest.mark.parametrize("shape", SMALL.values(), ids=SMALL)
ROWS = ([3, 1, 4, 1, 5], [9, 2], [6])


def texts_of(texts: tuple[str, ...], labels: tuple[int, ...]) -> tuple[Texts, Vocabulary]:
    vocabulary = Vocabulary.of_texts(texts, DataSettings(source="file", kind="labelled", units="words", cut_at=9))
    part = LabelledTexts(texts, labels, tuple(map(str, range(len(texts)))))
    return Texts(TextBatches(part, vocabulary, 2)), vocabulary


NONE, _ = texts_of(("a",), (0,))


def last_state(model: Script, suffix: str, xs: Tensor) -> Tensor:
    """The state after these inputs, a step at a time."""
    kind = nn.LSTMCell if isinstance(model.recurrent, nn.LSTM) else nn.RNNCell
    cell = kind(model.recurrent.input_size, model.recurrent.hidden_size)
    cell.load_state_dict({name: getattr(model.recurrent, f"{name}_l0{suffix}") for name in cell.state_dict()})
    state = None
    for x in xs:
        state = cell(x[None], state)
    return (state[0] if isinstance(state, tuple) else state)[0]


def by_hand(model: Script, row: list[int], width: int) -> Tensor:
    """The logit of a text that is padded to `width`, as the form reads it."""
    padded = row + [0] * (width - len(row))
    usual = model.form == "usual"
    xs = model.embedding(torch.tensor(padded if usual else row))
    states = [last_state(model, "", xs)]
    if model.recurrent.bidirectional:
        states.append(last_state(model, "_reverse", xs[-1:] if usual else xs.flip(0)))
    return model.output(torch.cat(states))[0]


@EACH_SHAPE
@pytest.mark.parametrize("form", FORMS)
def test_what_each_form_reads(shape: Shape, form: Form) -> None:
    model = ScriptTraining(NONE, 10, shape, form).model
    tokens = nn.utils.rnn.pad_sequence([torch.tensor(row) for row in ROWS], batch_first=True)
    found = model(tokens, torch.tensor([len(row) for row in ROWS]))
    torch.testing.assert_close(found, torch.stack([by_hand(model, row, 5) for row in ROWS]))


@EACH_SHAPE
def test_other_padding_changes_the_usual_form_alone(shape: Shape) -> None:
    for form in FORMS:
        model = ScriptTraining(NONE, 10, shape, form).model
        narrow, wide = (torch.tensor([[9, 2] + [0] * padding]) for padding in (1, 4))
        found = [model(tokens, torch.tensor([2])) for tokens in (narrow, wide)]
        assert torch.equal(*found) == (form == "right")


def test_the_numbers_are_our_vocabularys_and_empty_texts_are_one_symbol() -> None:
    texts, vocabulary = texts_of(("a b a", "", "b " * 20), (1, 0, 1))
    assert [row.tolist() for row in texts.rows] == [vocabulary.encode("a b a"), [0], vocabulary.encode("b") * 9]
    assert texts.tokens == 3 + 1 + 9
    tokens, lengths, labels = texts.batch([1, 0])
    assert tokens.tolist() == [[0, 0, 0], vocabulary.encode("a b a")]
    assert (lengths.tolist(), labels.tolist()) == ([1, 3], [0.0, 1.0])
    assert ScriptTraining(texts, 10, SMALL["imdb-rnn"], "usual").tokens_in([[1, 0], [2]]) == 13


def test_every_text_once_in_an_epoch_in_another_order_each_time() -> None:
    texts, _ = texts_of(tuple("abcde" * 30), (0, 1) * 75)
    generator = torch.Generator().manual_seed(1)
    plans = [texts.shuffled(generator), texts.shuffled(generator), texts.in_order()]
    for plan in plans:
        assert [len(key) for key in plan] == [64, 64, 22]
        assert sorted(number for key in plan for number in key) == list(range(150))
    assert plans[0] != plans[1]
    assert [number for key in plans[2] for number in key] == list(range(150))


@EACH_SHAPE
def test_it_learns_and_counts_what_is_right(shape: Shape) -> None:
    texts, vocabulary = texts_of(tuple(f"{'fine' if n % 2 else 'dull'} {n % 5}" for n in range(128)), (0, 1) * 64)
    training = ScriptTraining(texts, vocabulary.size, shape, "right")
    with torch.no_grad():
        logits = torch.stack([by_hand(training.model, row.tolist(), len(row)) for row in texts.rows])
    assert training.accuracy(texts) == ((logits > 0).float() == texts.labels).float().mean() < 1
    for _ in range(60):
        training.train(training.draw())
    assert training.accuracy(texts) == 1


def test_a_seed_gives_the_same_start_and_the_global_generator_stays() -> None:
    before = torch.get_rng_state()
    first, again, other = (ScriptTraining(NONE, 10, SMALL["imdb-rnn"], "usual", seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.model.recurrent.weight_ih_l0, again.model.recurrent.weight_ih_l0)
    assert not torch.equal(first.model.recurrent.weight_ih_l0, other.model.recurrent.weight_ih_l0)
    assert torch.equal(first.shuffle.get_state(), again.shuffle.get_state())
    assert not torch.equal(first.shuffle.get_state(), other.shuffle.get_state())
