"""Compiled pointwise programs, run by the interpreter, against the step itself and autograd of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from random_layers import ALL_CELLS, cell_of
from time_limit import within
from written_cells import NOT_POINTWISE

from elman.cells import Cell, Names, maximum, relu, sigmoid, tanh
from elman.equations import Program, Programs, Trace, cell_from_text, compile_step, trace
from elman.equations.interpreter import run
from elman.errors import CellError

POINTWISE = [n for n in ALL_CELLS if n not in NOT_POINTWISE]
SHAPE = (3, 4)


class StepByAutograd:
    """Direct evaluation of a step on random numbers, and the gradient of a random sum of its new states."""

    def __init__(self, cell: Cell, t: Trace, seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)

        def draw() -> torch.Tensor:
            return torch.empty(SHAPE, dtype=torch.float64).uniform_(-1, 1, generator=generator).requires_grad_()

        self.given = {
            f"{kind}.{k}": draw()
            for kind, names in (("x", t.gates), ("h", t.gates), ("s", t.state), ("p", t.vectors))
            for k in names
        }
        blocks = {kind: Names(kind, {k[2:]: v for k, v in self.given.items() if k[0] == kind}) for kind in "xhsp"}
        computed = cell(blocks["x"], blocks["h"], blocks["s"], blocks["p"])
        self.state = {k: torch.as_tensor(computed[k], dtype=torch.float64).expand(SHAPE) for k in t.state}
        self.received = {f"d.{k}": draw().detach() for k in t.state}
        loss = sum((v * self.received[f"d.{k}"]).sum() for k, v in self.state.items()) + sum(
            (0.0 * v).sum() for v in self.given.values()
        )
        loss.backward()

    def value(self, name: str) -> np.ndarray:
        if name.startswith("a."):
            return self.value(f"x.{name[2:]}") + self.value(f"h.{name[2:]}")
        return (self.received[name] if name.startswith("d.") else self.given[name]).detach().numpy()

    def gradient(self, name: str) -> np.ndarray:
        kind, key = name.split(".")
        if kind == "a":
            np.testing.assert_array_equal(self.given[f"x.{key}"].grad, self.given[f"h.{key}"].grad)
            kind = "x"
        return self.given[f"{kind}.{key}"].grad.numpy()


def differences(programs: Programs, t: Trace, step: StepByAutograd) -> dict[str, float]:
    """How far each output of both programs is from the truth. The programs get what an engine would have, and no more."""
    summed = programs.summed_gates
    maps = {f"a.{k}" for k in summed}
    maps |= {f"x.{k}" for k in t.x_gates if k not in summed} | {f"h.{k}" for k in t.h_gates if k not in summed}
    around = {f"s.{k}" for k in t.state} | {f"p.{k}" for k in t.vectors}
    assert set(programs.forward.inputs) <= maps | around
    assert set(programs.backward.inputs) <= set(programs.saved) | around | {f"d.{k}" for k in t.state}
    with np.errstate(all="ignore"):
        forward = run(programs.forward, {k: step.value(k) for k in programs.forward.inputs})
        assert set(forward) == {f"q.{k}" for k in t.state} | set(programs.saved)
        given = {k: forward[k] if k in programs.saved else step.value(k) for k in programs.backward.inputs}
        backward = run(programs.backward, given)
    assert set(backward) == maps | around
    far = {f"q.{k}": gap(forward[f"q.{k}"], v.detach().numpy()) for k, v in step.state.items()}
    return far | {f"gradient {k}": gap(backward[k], step.gradient(k)) for k in backward}


def gap(found: Any, wanted: np.ndarray) -> float:
    worst = np.abs(found - wanted).max()
    return float("inf") if np.isnan(worst) else float(worst)


@pytest.mark.parametrize("name", POINTWISE)
def test_programs_agree_with_the_step_and_with_autograd(name: str) -> None:
    t = trace(cell_of(name))
    programs = compile_step(t)
    for seed in range(3):
        far = differences(programs, t, StepByAutograd(cell_of(name), t, seed))
        assert max(far.values()) < 1e-12, far


def most_alive(program: Program) -> int:
    """How many values are needed later at the same time: no program can do with fewer registers, and none needs more."""
    version = dict.fromkeys(range(len(program.inputs)), 0)
    born, read = {(k, 0): -1 for k in version}, {}
    for at, instruction in enumerate(program.code):
        read |= {(place, version[place]): at for place in instruction.operands if place >= 0}
        version[instruction.result] = version.get(instruction.result, -1) + 1
        born[instruction.result, version[instruction.result]] = at
    read |= {(place, version[place]): len(program.code) for _, place in program.outputs if place >= 0}
    return max(sum(born[v] < at <= last for v, last in read.items()) for at in range(len(program.code) + 1))


@pytest.mark.parametrize("name", POINTWISE)
def test_programs_are_well_formed(name: str) -> None:
    """Every operand was written before it is read, and every register is within the count."""
    programs = compile_step(trace(cell_of(name)))
    for program in (programs.forward, programs.backward):
        written = set(range(len(program.inputs)))
        for instruction in program.code:
            for place in instruction.operands:
                assert place in written if place >= 0 else -1 - place < len(program.constants)
            assert 0 <= instruction.result < program.registers
            written.add(instruction.result)
        for _, place in program.outputs:
            assert place in written if place >= 0 else -1 - place < len(program.constants)
        assert len(set(program.inputs)) == len(program.inputs)
        assert program.registers == most_alive(program)


@pytest.mark.parametrize(("name", "why"), NOT_POINTWISE.items())
def test_other_cells_are_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(CellError, match=why) as caught:
        compile_step(trace(cell_of(name)))
    assert ("reduction" if why == "mean" else "matrix product") in str(caught.value)


def test_sums_of_both_maps_are_one_input() -> None:
    assert compile_step(trace(cell_of("lstm"))).summed_gates == ("i", "f", "g", "o")
    assert compile_step(trace(cell_of("gru"))).summed_gates == ("r", "z")
    assert compile_step(trace(cell_of("mingru"))).summed_gates == ()


def test_constants_inputs_as_outputs_and_unused_quantities() -> None:
    class Odd(Cell):
        gates = ("a", "b")
        state = ("h", "input", "old", "one", "same")

        def step(self, x, h, s):
            return {"unused": tanh(x.b), "h": x.a + h.a, "input": x.b, "old": s.old, "one": 1, "same": s.input}

    t = trace(Odd())
    programs = compile_step(t)
    assert max(differences(programs, t, StepByAutograd(Odd(), t)).values()) == 0


@pytest.mark.parametrize("name", [*POINTWISE, "Dead"])
def test_nothing_is_computed_or_saved_for_nobody(name: str) -> None:
    class Dead(Cell):
        def step(self, x, h, s):
            return {"unused": tanh(x.h), "h": x.h + h.h}

    programs = compile_step(trace(Dead() if name == "Dead" else cell_of(name)))
    assert set(programs.saved) <= set(programs.backward.inputs)
    if name == "Dead":
        assert not any(i.operation == "tanh" for i in programs.forward.code)


def test_derivatives_at_corners_are_torchs() -> None:
    class Corner(Cell):
        gates = ("a", "b")

        def step(self, x, h, s):
            return {"h": relu(x.a) + 3 * maximum(x.a, x.b) + 5 * abs(x.b) + 0 * (h.a + h.b + s.h)}

    t = trace(Corner())
    zero = np.zeros(1)
    x = {k: torch.zeros(1, dtype=torch.float64, requires_grad=True) for k in "ab"}
    (torch.relu(x["a"]) + 3 * torch.maximum(x["a"], x["b"]) + 5 * x["b"].abs()).backward()
    programs = compile_step(t)
    forward = run(programs.forward, dict.fromkeys(programs.forward.inputs, zero))
    backward = run(
        programs.backward, {k: forward.get(k, np.ones(1) if k == "d.h" else zero) for k in programs.backward.inputs}
    )
    assert {k: backward[f"x.{k}"].item() for k in "ab"} == {k: v.grad.item() for k, v in x.items()}


SWAPS = {
    "+": "-",
    "-": "+",
    "*": "+",
    "/": "*",
    "sigmoid": "tanh",
    "tanh": "sigmoid",
    "negative": "absolute",
    "softplus": "sigmoid",
}


@pytest.mark.parametrize("name", ["lstm", "gru", "lstm-peephole", "elman", "minlstm", "ThreeStates", "Quotient"])
def test_one_wrong_instruction_is_seen(name: str) -> None:
    """Every instruction of both programs, with another operation: the comparison above must see it."""
    t = trace(cell_of(name))
    programs = compile_step(t)
    step = StepByAutograd(cell_of(name), t, 1)
    unseen, count = [], 0
    for which in ("forward", "backward"):
        program: Program = getattr(programs, which)
        for at, instruction in enumerate(program.code):
            if instruction.operation not in SWAPS:
                continue
            code = list(program.code)
            code[at] = replace(instruction, operation=SWAPS[instruction.operation])
            count += 1
            far = differences(replace(programs, **{which: replace(program, code=tuple(code))}), t, step)
            if max(far.values()) < 1e-3:
                unseen.append((which, at, instruction))
        for at, constant in enumerate(program.constants):
            constants = list(program.constants)
            constants[at] = constant + 1
            far = differences(replace(programs, **{which: replace(program, constants=tuple(constants))}), t, step)
            if max(far.values()) < 1e-3:
                unseen.append((which, at, constant))
    assert count > 5 or name == "elman"
    assert unseen == []


def test_size_of_the_lstm() -> None:
    """DESIGN: deriving yields a few dozen operations, not hundreds."""
    programs = compile_step(trace(cell_of("lstm")))
    assert len(programs.forward.code) <= 12
    assert len(programs.backward.code) <= 32


def test_the_work_does_not_double_with_every_line() -> None:
    def chain(levels: int) -> Cell:
        lines = "".join(f"a{k + 1} = tanh(a{k} + 0.5 * a{k})\n" for k in range(levels))
        return cell_from_text(f"gates h\nstate h\na0 = x.h + h.h\n{lines}h = sigmoid(a{levels})\n")

    with within(5.0):
        t = trace(chain(24))
        programs = compile_step(t)
    assert len(programs.forward.code) < 24 * 4
    assert max(differences(programs, t, StepByAutograd(chain(24), t)).values()) < 1e-12


@pytest.mark.parametrize("exponent", [5, 16])
def test_powers_have_derivatives(exponent: int) -> None:
    class Power(Cell):
        def step(self, x, h, s):
            a = x.h + h.h
            return {"h": sigmoid(a**exponent * a**4) - s.h}

    t = trace(Power())
    assert max(differences(compile_step(t), t, StepByAutograd(Power(), t)).values()) < 1e-12
