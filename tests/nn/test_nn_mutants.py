"""Deliberate defects, each of which the comparison of test_nn_grid must see.

A test that compares with torch.nn is worth what it can see. So every mistake that recurrent code is known for is made here on
purpose, in the weights, in the call or in the cell, and the same `differences` must find it, by more than a thousandth.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
import torch
from mutant_bench import Call, H, State, config, per_state, seen, values_only
from nn_grid import differences, make_case, ours, outcome, reference, run, too_far
from torch import Tensor, nn


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh", "rnn_relu"])
def test_without_a_defect_nothing_is_seen(kind: str) -> None:
    for form in ("packed unsorted", "padded"):
        c = config(kind, form=form)
        theirs, case = reference(c), make_case(c)
        assert not too_far(differences(run(ours(c, theirs.state_dict()), case), run(theirs, case)))


@pytest.mark.parametrize("parts", ["all", "weight_hh", "weight_ih", "bias"])
@pytest.mark.parametrize(("kind", "gates"), [("lstm", 4), ("gru", 3)])
def test_permuted_gates(kind: str, gates: int, parts: str) -> None:
    """All 23 wrong orders of the LSTM's blocks and all 5 of the GRU's, in everything and in one parameter alone."""
    c = config(kind, layers=1, bidirectional=False)
    theirs, case = reference(c), make_case(c)
    wrong = list(permutations(range(gates)))[1:]
    assert len(wrong) == {4: 23, 3: 5}[gates]
    for order in wrong:
        state = {
            k: torch.cat([v.split(H)[g] for g in order]) if parts == "all" or k.startswith(parts) else v
            for k, v in theirs.state_dict().items()
        }
        assert seen(values_only(run(ours(c, state), case)), case, theirs) > 1e-3, order


def swap(state: State, a: str, b: str) -> State:
    return {k: state[k.replace(a, b) if a in k else k.replace(b, a) if b in k else k] for k in state}


def edit(state: State, part: str, change: Callable[[Tensor], Tensor]) -> State:
    return {k: change(v) if part in k else v for k, v in state.items()}


WEIGHTS: dict[str, Callable[[State], State]] = {
    "input bias missing": lambda s: edit(s, "bias_ih", torch.zeros_like),
    "recurrent bias missing": lambda s: edit(s, "bias_hh", torch.zeros_like),
    "one bias missing in the second layer": lambda s: edit(s, "bias_hh_l1_reverse", torch.zeros_like),
    "one bias twice": lambda s: edit(s, "bias_ih", lambda v: 2 * v),
    "recurrent matrix transposed": lambda s: edit(s, "weight_hh", lambda v: torch.cat([b.T for b in v.split(H)])),
    "layers swapped": lambda s: swap(s, "_l0", "_l1"),
    "directions swapped": lambda s: {
        k: s[k.removesuffix("_reverse") if k.endswith("_reverse") else f"{k}_reverse"] for k in s
    },
    "directions share weights": lambda s: {k: s[k.removesuffix("_reverse")] for k in s},
    "second layer has the first one's recurrent matrix": lambda s: {
        k: s[k.replace("weight_hh_l1", "weight_hh_l0")] for k in s
    },
    "second layer reads the directions the other way round": lambda s: edit(s, "weight_ih_l1", lambda v: v.roll(H, 1)),
    "a unit too far": lambda s: edit(s, "weight_hh", lambda v: v.roll(1, 1)),
    "units reversed": lambda s: edit(s, "weight_ih", lambda v: torch.cat([b.flip(0) for b in v.split(H)])),
    "a sign": lambda s: edit(s, "weight_hh_l1_reverse", torch.neg),
    "rounded to bfloat16": lambda s: edit(s, "weight", lambda v: v.bfloat16().double()),
}


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh"])
@pytest.mark.parametrize("change", WEIGHTS.values(), ids=WEIGHTS)
def test_wrong_weights(change: Callable[[State], State], kind: str) -> None:
    c = config(kind)
    theirs, case = reference(c), make_case(c)
    assert seen(values_only(run(ours(c, change(theirs.state_dict())), case)), case, theirs) > 1e-3


def test_biases_swapped_matter_to_the_gru_alone() -> None:
    """b_ih and b_hh are added in an LSTM; in a GRU the reset gate stands between them."""
    for kind, matters in (("gru", True), ("lstm", False)):
        c = config(kind)
        theirs, case = reference(c), make_case(c)
        far = seen(values_only(run(ours(c, swap(theirs.state_dict(), "bias_ih", "bias_hh")), case)), case, theirs)
        assert far > 1e-3 if matters else far < 1e-12


def stepwise(module: nn.Module, x: Tensor, hx: Any, carry: Callable[[Any], Any]) -> tuple[Tensor, Any]:
    """One step at a time, `carry` deciding what the next one starts from."""
    outputs, state = [], hx
    for t in range(len(x)):
        output, new = module(x[t : t + 1], state)
        state = carry(new)
        outputs.append(output)
    return torch.cat(outputs), new


def reverse_final_at_the_wrong_end(m: nn.Module, x: Tensor, hx: Any) -> tuple[Tensor, Any]:
    output, final = m(x, hx)
    last = final[0] if isinstance(final, tuple) else final
    wrong = torch.cat([last[:3], output[-1:, :, H:]])
    return output, (wrong, final[1]) if isinstance(final, tuple) else wrong


PADDED: dict[str, Call] = {
    "one step late": lambda m, x, hx: m(x.roll(1, 0), hx),
    "output one step late": lambda m, x, hx: (lambda o, s: (o.roll(1, 0), s))(*m(x, hx)),
    "reversed in time": lambda m, x, hx: (lambda o, s: (o.flip(0), s))(*m(x.flip(0), hx)),
    "output of the last step only": lambda m, x, hx: (lambda o, s: (o[-1:].expand_as(o), s))(*m(x, hx)),
    "last step left out": lambda m, x, hx: (lambda o, s: (torch.cat([o, o[-1:]]), s))(*m(x[:-1], hx)),
    "first step left out": lambda m, x, hx: (lambda o, s: (torch.cat([o[:1], o]), s))(*m(x[1:], hx)),
    "initial state ignored": lambda m, x, hx: m(x),
    "initial state of the wrong layer": lambda m, x, hx: m(x, per_state(hx, lambda s: s.flip(0))),
    "directions of the initial state swapped": lambda m, x, hx: m(x, per_state(hx, lambda s: s[[1, 0, 3, 2]])),
    "initial state of the wrong sequence": lambda m, x, hx: m(x, per_state(hx, lambda s: s.flip(1))),
    "final states in the wrong order": lambda m, x, hx: (lambda o, s: (o, per_state(s, lambda v: v.flip(0))))(
        *m(x, hx)
    ),
    "directions of the output swapped": lambda m, x, hx: (lambda o, s: (o.roll(H, -1), s))(*m(x, hx)),
    "reverse final state from the last step": reverse_final_at_the_wrong_end,
    "sequences and steps confused": lambda m, x, hx: (lambda o, s: (o.reshape(x.shape[0], x.shape[1], -1), s))(
        *m(x.reshape(x.shape[1], x.shape[0], -1).transpose(0, 1), hx)
    ),
    "features of a strided input": lambda m, x, hx: m(x.flip(-1), hx),
}


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_tanh"])
@pytest.mark.parametrize("call", PADDED.values(), ids=PADDED)
def test_wrong_calls(call: Call, kind: str) -> None:
    c = config(kind, form="padded")
    theirs, case = reference(c), make_case(c)
    module = ours(c, theirs.state_dict())
    assert seen(values_only(outcome(case, lambda x, hx: call(module, x, hx))), case, theirs) > 1e-3


CARRY: dict[str, Callable[[Any, Any], Any]] = {
    "stale: every step starts from the initial state": lambda _new, first: first,
    "forgotten: every step starts from zero": lambda _new, _first: None,
    "only the output is carried": lambda new, first: (new[0], first[1]),
    "only the memory is carried": lambda new, first: (first[0], new[1]),
    "both states swapped": lambda new, _first: new[::-1],
}


@pytest.mark.parametrize("name", CARRY)
def test_wrong_carry(name: str) -> None:
    for kind in ("lstm", "gru") if name.startswith(("stale", "forgotten")) else ("lstm",):
        c = config(kind, form="padded", bidirectional=False)
        theirs, case = reference(c), make_case(c)
        module = ours(c, theirs.state_dict())
        right = outcome(case, lambda x, hx, m=module: stepwise(m, x, hx, lambda new: new))
        assert seen(right, case, theirs) < 1e-10
        wrong = outcome(case, lambda x, hx, m=module: stepwise(m, x, hx, lambda new, first=hx: CARRY[name](new, first)))
        assert seen(values_only(wrong), case, theirs) > 1e-3


def test_a_gradient_that_is_cut_between_steps() -> None:
    """Right numbers going forward, wrong ones going back: only the gradients see it."""
    c = config("lstm", form="padded", bidirectional=False)
    theirs, case = reference(c), make_case(c)
    module = ours(c, theirs.state_dict())
    cut = outcome(
        case, lambda x, hx: stepwise(module, x, hx, lambda new: per_state(new, torch.detach)), module.named_parameters()
    )
    assert seen(values_only(cut), case, theirs) < 1e-12
    far = differences(cut, run(theirs, case))
    assert all(
        far[f"gradient of {k}"] > 1e-3 for k in ("state 0", "state 1", "the input", "weight_hh_l0", "weight_ih_l1")
    )


def test_there_are_many_defects() -> None:
    assert 23 + 5 + len(WEIGHTS) + len(PADDED) + len(CARRY) + 1 >= 60
