"""Laws: right modules keep all of them, whoever wrote them; each fault breaks the law that is named for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from modules_with_faults import Characters, Classifier, Names, Numbers, Transposed, WithoutLengths
from torch import nn

import elman
from elman.cells import names
from elman.checking.laws import LAWS
from elman.checking.verdict import Verdict
from elman.errors import InputError, WrongTypeError
from elman.models import BagOfWords, LanguageModel, ModelSettings, TextClassifier

RIGHT: dict[str, Callable[[], nn.Module]] = {
    "torch RNN": lambda: nn.RNN(3, 4, 2),
    "torch LSTM": lambda: nn.LSTM(3, 4, 2, batch_first=True),
    "torch GRU, both directions": lambda: nn.GRU(3, 4, bidirectional=True),
    "elman LSTM": lambda: elman.nn.LSTM(3, 4, 2),
    "elman GRU, both directions": lambda: elman.nn.GRU(3, 4, 2, batch_first=True, bidirectional=True),
    "classifier": Classifier,
    "classifier, one direction": lambda: Classifier("out at the last real step", both=False),
    "characters": Characters,
    "numbers": Numbers,
    "names, one step a call": Names,
    "time first, with a head": Transposed,
    "our classifier": lambda: TextClassifier(ModelSettings(shape="classifier", embedding=4, hidden=5), 9, 3),
    "our classifier, both directions": lambda: TextClassifier(
        ModelSettings(shape="classifier", cell="lstm", embedding=4, hidden=5, bidirectional=True, pooling="concat"),
        9,
        2,
    ),
    "our language model": lambda: LanguageModel(ModelSettings(cell="gru", hidden=5, layers=2), 7, 2),
    "our bag of words": lambda: BagOfWords(ModelSettings(shape="bag-of-words", hidden_layers=[4]), 9, 3),
}

FAULTY: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "last padded step": (lambda: Classifier("out[:, -1]", both=False), "padding"),
    "last padded step, both directions": (lambda: Classifier("out[:, -1]"), "padding"),
    "backward direction at the last real step": (lambda: Classifier("out at the last real step"), "backward"),
    "mean over padding": (lambda: Classifier("mean over padding"), "padding"),
    "max over padding": (lambda: Classifier("max over padding"), "padding"),
    "sorted and left so": (lambda: Classifier("sorted and left so"), "padding"),
    "batch normalisation": (lambda: Classifier("batch normalisation"), "batch"),
    "no lengths": (WithoutLengths, "padding"),
    "state made anew": (lambda: Characters("state made anew"), "chunks"),
    "state made anew, by the state": (lambda: Characters("state made anew"), "state"),
    "state kept between calls": (lambda: Characters("state kept"), "repeat"),
    "dropout in evaluation": (lambda: Characters("dropout always"), "repeat"),
    "reset at every step": (lambda: Characters("reset at every step"), "past"),
    "initial state at every step": (lambda: Characters("initial state at every step"), "steps"),
    "detached in the loop": (lambda: Characters("detached"), "gradients"),
    "batch mixed": (lambda: Characters("batch mixed"), "batch"),
    "sees the future": (lambda: Characters("sees the future"), "future"),
    "unsaved tensor": (lambda: Characters("unsaved tensor"), "saved"),
    "NaN hidden": (lambda: Numbers("NaN hidden"), "nan"),
    "begins at step 2": (lambda: Numbers("begins at step 2"), "short"),
}  # fmt: skip


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {finding.name.split(":")[0]: finding.outcome for finding in verdict.findings}


@pytest.mark.parametrize("name", RIGHT)
def test_right_modules_keep_all_laws(name: str) -> None:
    verdict = elman.laws(RIGHT[name]())
    assert verdict.right, verdict.text
    assert sum(outcome == "right" for outcome in outcomes(verdict).values()) >= 7


@pytest.mark.parametrize("name", FAULTY)
def test_each_fault_breaks_its_law_and_shows_an_example(name: str) -> None:
    make, law = FAULTY[name]
    verdict = elman.laws(make())
    assert not verdict.right
    found = next(f for f in verdict.findings if f.name.startswith(f"{law}:"))
    assert found.outcome == "wrong", verdict.text
    assert found.sentence
    assert found.example or found.sentence.startswith("it fails while this is asked")
    assert found.hint.startswith("usually it is ")


@pytest.mark.parametrize("cell", names())
def test_our_cells_keep_them(cell: str) -> None:
    assert elman.laws(cell).right


def test_the_module_itself_is_left_alone() -> None:
    module = Characters("unsaved tensor").train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    scale = module.scale.clone()
    elman.laws(module)
    assert module.training
    assert torch.equal(module.scale, scale)
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert all(p.grad is None for p in module.parameters())


def test_what_cannot_be_compared_is_not_judged() -> None:
    found = outcomes(elman.laws(Characters("state kept")))
    assert found["repeat"] == "wrong"
    assert {found[law.name] for law in LAWS if law.name != "repeat"} == {"not judged"}


def test_a_fault_of_the_backward_direction_says_which_step_is_read() -> None:
    verdict = elman.laws(Classifier("out at the last real step"))
    sentence = next(f.sentence for f in verdict.findings if f.name.startswith("backward"))
    assert "only step 5 of 5 is read, where it has seen 1 of 5 steps" in sentence


def test_an_example_tells_what_a_module_reads() -> None:
    class Sums(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.cumsum(1)

    with pytest.raises(InputError, match="what Sums reads can't be told"):
        elman.laws(Sums())
    assert elman.laws(Sums(), inputs=torch.randn(2, 4, 3)).right


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(WrongTypeError, match="laws are asked of a module, a folder, a model or a cell; got int"):
        elman.laws(3)

    class Broken(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(3, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no such thing\nand more")

    with pytest.raises(InputError, match=r"can't be called with .* \(no such thing\): give an example"):
        elman.laws(Broken())
