"""Modules whose way of being called has to be found out, and faults of which only the right law can tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from modules_of_others import BothWays, ByCells, Last, Layer, Masked, OneNumber, Predictor, TimeFirst, Turned
from torch import nn

import elman

RIGHT: dict[str, Callable[[], nn.Module]] = {
    "layer": Layer,
    "time first": TimeFirst,
    "turned inside": Turned,
    "both ways": BothWays,
    "masked": Masked,
    "last": Last,
    "predictor with padding": Predictor,
    "weights of its own, one number": OneNumber,
    "both ways by cells": ByCells,
}

FAULTY: dict[str, tuple[Callable[[], nn.Module], str, str]] = {
    "window": (lambda: Layer("state lost after 5 steps"), "past", "the state is not carried from step 5 to 6"),
    "output too early": (lambda: Layer("output before the step"), "present", "the output of step 1 stays the same"),
    "rounded": (lambda: Layer("rounded"), "precision", "numbers are rounded to fewer digits"),
    "state overwritten": (lambda: Layer("state overwritten"), "arguments", "the call changes h0"),
    "reshape": (lambda: Turned("reshape"), "batch", "when the others of the batch are other ones"),
    "not turned back": (lambda: BothWays("not turned back"), "backward", "step 1 of 4 does not change with step"),
    "wrong end": (lambda: BothWays("wrong end"), "backward", "part 2 of 2 of the final state"),
    "one step too many": (lambda: Masked("one step too many"), "padding", "gives another final state than alone"),
    "input cleaned": (lambda: Masked("input cleaned in place"), "arguments", "the call changes the input"),
    "differences": (lambda: Last("differences"), "short", "can't read 2 sequence(s) of 1 step(s)"),
    "squeezed": (lambda: Last("squeezed"), "short", "a batch of 1 gives a tensor of shape [3]"),
    "single precision": (lambda: Last("single precision"), "precision", "in float64 it fails"),
    "no gradient": (lambda: Last("no gradient"), "gradients", "the gradient of inner.weight is missing"),
    "unsaved map": (lambda: Last("unsaved map"), "saved", "the result depends on projection"),
    "cells in a list": (lambda: Last("cells in a list"), "saved", "the result depends on cells[0].weight_ih"),
    "weights change": (lambda: Last("weights change"), "repeat", "the call changes rnn.weight_hh_l0"),
    "noise": (lambda: Last("noise"), "repeat", "something is drawn at random"),
    "both directions": (lambda: Predictor(both=True), "future", "it may not read in both directions"),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("seed", range(3))
def test_right_modules_keep_all_laws(name: str, seed: int) -> None:
    torch.manual_seed(seed)
    verdict = elman.laws(RIGHT[name]())
    assert verdict.right, verdict.text


@pytest.mark.parametrize("name", FAULTY)
def test_each_fault_is_told_by_its_law(name: str) -> None:
    make, law, says = FAULTY[name]
    verdict = elman.laws(make())
    found = next(f for f in verdict.findings if f.name.startswith(f"{law}:"))
    assert found.outcome == "wrong", verdict.text
    assert says in found.sentence
    assert found.example


def test_how_a_module_was_called_is_told() -> None:
    assert "it was called with [time, batch], 5 numbers a step, and h" in elman.laws(TimeFirst()).text
    assert "it was called with [batch, time], 5 numbers a step, and src_len" in elman.laws(Masked()).text


def test_axes_that_nothing_tells_are_the_users_to_say() -> None:
    """A torch layer that is given [batch, time] though it wants the other order looks right from outside."""

    class Forgotten(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.RNN(3, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.rnn(x)[0]
            return found

    assert elman.laws(Forgotten()).right
    wrong = {f.name.split(":")[0] for f in elman.laws(Forgotten(), batch_first=True).findings if f.outcome == "wrong"}
    assert {"batch", "order"} <= wrong


FILE = """
import torch
class Mine(torch.nn.Module):
    def __init__(self, width=3, *, hidden=4):
        super().__init__()
        self.rnn = torch.nn.GRU(width, hidden, batch_first=True)
    def forward(self, x):
        return self.rnn(x)[0]
def made():
    return Mine(2)
ready = Mine(7)
number = 3
def odd():
    return "text"
"""


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("Mine", 0, "3 numbers a step"),
        ("Mine(6, hidden=2)", 0, "6 numbers a step"),
        ("made", 0, "2 numbers a step"),
        ("ready", 0, "7 numbers a step"),
        ("number", 2, "number of mine.py is no module (its type is int)"),
        ("odd", 2, "odd of mine.py makes neither a torch.nn.Module nor a Cell: its type is str"),
        ("Nobody", 2, "mine.py has nothing named 'Nobody'"),
        ("Mine(x)", 2, "'Mine(x)' is no name with plain arguments"),
        ("Mine(1, 2, 3)", 2, "TypeError"),
        ("", 2, "name the class behind the file"),
    ],
)
def test_a_module_from_the_command_line(
    name: str, code: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from elman.cli.main import main

    (tmp_path / "mine.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["elman", "laws", f"mine.py:{name}" if name else "mine.py"])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    assert (left.value.code or 0) == code
    assert says in out + err
    assert "Traceback" not in err
