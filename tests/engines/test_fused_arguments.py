"""Arguments that can't be right, at every door of the fused engine: an exception of Python's, never a crash."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from elman.engines import LayerCall, fused
from elman.errors import ShapeError
from elman.nn import Recurrent

pytestmark = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")
LAYER = Recurrent("lstm", 4, 5)


def call(**changes: Any) -> LayerCall:
    right = LayerCall(torch.zeros(6, 4), [3, 2, 1], [LAYER.weights_of(0, 0)], (torch.zeros(1, 3, 5),) * 2, {})
    return right._replace(**changes)


def weights(**changes: Any) -> list[dict[str, Any]]:
    return [{k: v.detach() for k, v in LAYER.weights_of(0, 0).items()} | changes]


def test_without_a_mistake_it_runs() -> None:
    assert fused.run(LAYER.trace, call()).rows.shape == (6, 5)


CALLS: dict[str, dict[str, Any]] = {
    # Rows and batch sizes.
    "fewer rows than the batch sizes say": {"rows": torch.zeros(5, 4)},
    "many fewer": {"batch_sizes": [100000, 100000]},
    "more rows": {"rows": torch.zeros(7, 4)},
    "rows of rank 1": {"rows": torch.zeros(6)},
    "rows by steps and sequences of packed ones": {"rows": torch.zeros(3, 2, 4)},
    "as many steps as there are sequences": {"rows": torch.zeros(3, 2, 4), "batch_sizes": [3, 3]},
    "rows of rank 4": {"rows": torch.zeros(3, 2, 1, 4), "batch_sizes": [2, 2, 2]},
    "no rows": {"rows": torch.zeros(0, 4), "batch_sizes": []},
    "no steps": {"batch_sizes": []},
    "growing batch sizes": {"batch_sizes": [1, 2, 3]},
    "an empty step": {"batch_sizes": [3, 3, 0]},
    "a negative step": {"batch_sizes": [7, -1]},
    "a step that is no number": {"batch_sizes": [3, 2, "1"]},
    "half a sequence": {"batch_sizes": [3, 2.5, 0.5]},
    "a huge step": {"batch_sizes": [2**63, 6 - 2**63]},
    "another number of inputs": {"rows": torch.zeros(6, 3)},
    "no inputs": {"rows": torch.zeros(6, 0)},
    "rows in float64": {"rows": torch.zeros(6, 4, dtype=torch.float64)},
    "rows in float16": {"rows": torch.zeros(6, 4).half()},
    "rows of integers": {"rows": torch.zeros(6, 4, dtype=torch.long)},
    "complex rows": {"rows": torch.zeros(6, 4, dtype=torch.complex64)},
    "rows on another device": {"rows": torch.zeros(6, 4, device="meta")},
    "sparse rows": {"rows": torch.zeros(6, 4).to_sparse()},
    "rows that are a list": {"rows": [[0.0] * 4] * 6},
    "rows that are None": {"rows": None},
    # States.
    "no state": {"state": ()},
    "a state too few": {"state": (torch.zeros(1, 3, 5),)},
    "a state too many": {"state": (torch.zeros(1, 3, 5),) * 3},
    "fewer units": {"state": (torch.zeros(1, 3, 4),) * 2},
    "more units": {"state": (torch.zeros(1, 3, 500),) * 2},
    "no units": {"state": (torch.zeros(1, 3, 0),) * 2},
    "one state of fewer units": {"state": (torch.zeros(1, 3, 5), torch.zeros(1, 3, 1))},
    "another batch": {"state": (torch.zeros(1, 2, 5),) * 2},
    "a state for each of two directions": {"state": (torch.zeros(2, 3, 5),) * 2},
    "states of rank 2": {"state": (torch.zeros(3, 5),) * 2},
    "states of rank 0": {"state": (torch.zeros(()),) * 2},
    "states in float64": {"state": (torch.zeros(1, 3, 5, dtype=torch.float64),) * 2},
    "states in bfloat16": {"state": (torch.zeros(1, 3, 5).bfloat16(),) * 2},
    "states on another device": {"state": (torch.zeros(1, 3, 5, device="meta"),) * 2},
    "states that are None": {"state": (None, None)},
    # Weights.
    "no direction": {"directions": []},
    "two directions for one": {"directions": weights() * 2},
    "three directions": {"directions": weights() * 3, "state": (torch.zeros(3, 3, 5),) * 2},
    "a weight missing": {"directions": [{}]},
    "a weight that is None": {"directions": weights(weight_hh=None)},
    "a weight transposed": {"directions": weights(weight_hh=torch.zeros(5, 20))},
    "a weight of rank 1": {"directions": weights(weight_ih=torch.zeros(80))},
    "a gate too few": {"directions": weights(weight_ih=torch.zeros(15, 4))},
    "a bias too short": {"directions": weights(bias_hh=torch.zeros(19))},
    "a bias in float64": {"directions": weights(bias_ih=torch.zeros(20, dtype=torch.float64))},
    "a weight on another device": {"directions": weights(weight_ih=torch.zeros(20, 4, device="meta"))},
    "a weight that is a list": {"directions": weights(bias_ih=[0.0] * 20)},
    "an unknown precision": {"precision": 7},
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("changes", CALLS.values(), ids=CALLS)
def test_calls(changes: dict[str, Any], training: bool) -> None:
    with (
        torch.set_grad_enabled(training),
        pytest.raises((ShapeError, ValueError, TypeError, AttributeError, IndexError, RuntimeError)),
    ):
        fused.run(LAYER.trace, call(**changes))


def test_more_rows_than_memory_are_refused_by_shape_first() -> None:
    with pytest.raises(ShapeError, match="batch sizes"):
        fused.run(LAYER.trace, call(batch_sizes=[2**40]))


# Tokens choose rows of a table, which has the products of all four gates.
TOKENS: dict[str, dict[str, Any]] = {
    "too high": {"tokens": torch.tensor([0, 1, 2, 3, 2, 7])},
    "negative": {"tokens": torch.tensor([0, 1, 2, -1, 2, 1])},
    "huge": {"tokens": torch.full((6,), 2**62)},
    "too few": {"tokens": torch.zeros(5, dtype=torch.long)},
    "too many": {"tokens": torch.zeros(7, dtype=torch.long)},
    "of rank 2": {"tokens": torch.zeros(6, 1, dtype=torch.long)},
    "in 32 bits": {"tokens": torch.zeros(6, dtype=torch.int32)},
    "in float64": {"tokens": torch.zeros(6, dtype=torch.float64)},
    "on another device": {"tokens": torch.zeros(6, dtype=torch.long, device="meta")},
    "with gaps between them": {"tokens": torch.zeros(12, dtype=torch.long)[::2]},
    "a list": {"tokens": [0] * 6},
    "a table too narrow": {"rows": torch.zeros(4, 15)},
    "a table of rank 1": {"rows": torch.zeros(80)},
    "a table of rank 3": {"rows": torch.zeros(3, 1, 20)},
    "an empty table": {"rows": torch.zeros(0, 20)},
    "a table in float64": {"rows": torch.zeros(4, 20, dtype=torch.float64)},
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("changes", TOKENS.values(), ids=TOKENS)
def test_tokens(changes: dict[str, Any], training: bool) -> None:
    right = call(rows=torch.zeros(4, 20), tokens=torch.tensor([0, 1, 2, 3, 2, 1]))
    assert fused.run(LAYER.trace, right).rows.shape == (6, 5)
    with (
        torch.set_grad_enabled(training),
        pytest.raises((ShapeError, ValueError, TypeError, AttributeError, IndexError, RuntimeError)),
    ):
        fused.run(LAYER.trace, right._replace(**changes))


def test_tokens_that_are_written_to_before_going_back() -> None:
    table, tokens = torch.zeros(4, 20).requires_grad_(), torch.tensor([0, 1, 2, 3, 2, 1])
    y = fused.run(LAYER.trace, call(rows=table, tokens=tokens)).rows
    tokens[0] = 2
    with pytest.raises(RuntimeError, match="inplace"):
        torch.autograd.grad(y.sum(), table)
    tokens = torch.tensor([0, 1, 2, 3, 2, 1])
    y = fused.run(LAYER.trace, call(rows=table, tokens=tokens)).rows
    tokens.numpy()[:] = 2**40  # torch can't notice this
    with pytest.raises(IndexError, match="token"):
        torch.autograd.grad(y.sum(), table)


def packed(sizes: list[int], rows: int = 6) -> PackedSequence:
    return PackedSequence(torch.zeros(rows, 4), torch.tensor(sizes, dtype=torch.long))


@pytest.mark.parametrize("sizes", [[3, 2], [3, 3, 3], [4000, 3000], [1, 2, 3], [3, 3, 0], [7, -1], []])
@pytest.mark.parametrize("training", [False, True])
def test_packed_sequences_whose_batch_sizes_lie(sizes: list[int], training: bool) -> None:
    module = Recurrent("gru", 4, 5, engine="fused")
    with torch.set_grad_enabled(training), pytest.raises((ValueError, IndexError, RuntimeError)):
        module(packed(sizes))


def test_states_of_another_type_under_autocast() -> None:
    module = Recurrent("gru", 4, 5, engine="fused", dtype=torch.float64)
    with torch.autocast("cpu", dtype=torch.bfloat16), pytest.raises(ShapeError, match="state"):
        module(torch.zeros(3, 2, 4, dtype=torch.float64), torch.zeros(1, 2, 5, dtype=torch.bfloat16))


def test_gradients_of_another_shape_or_type() -> None:
    y = fused.run(LAYER.trace, call()).rows
    for sent in (torch.zeros(6, 4), torch.zeros(5, 6), torch.zeros(6, 5, device="meta"), torch.zeros(30)):
        with pytest.raises(RuntimeError):
            torch.autograd.grad(y, [LAYER.weight_hh_l0], sent, retain_graph=True)


RIGHT = ["", "float32", 4, 5, 1, [3, 2, 1], 1]
CONSTRUCTED: dict[str, tuple[int, Any]] = {
    "another processor": (0, "avx1024"),
    "no inputs": (2, 0),
    "negative inputs": (2, -4),
    "inputs too large for an int": (2, 2**31),
    "no units": (3, 0),
    "half a unit": (3, 5.5),
    "no directions": (4, 0),
    "three directions": (4, 3),
    "no steps": (5, []),
    "growing": (5, [1, 2]),
    "an empty step": (5, [3, 0]),
    "a negative step": (5, [-3]),
    "a huge step": (5, [2**40]),
    "steps too large for 64 bits": (5, [2**64]),
    "steps that are text": (5, "321"),
    "no threads": (6, 0),
    "negative threads": (6, -2),
    "threads that are None": (6, None),
}


@pytest.mark.parametrize(("at", "value"), CONSTRUCTED.values(), ids=CONSTRUCTED)
def test_calls_of_the_kernels(at: int, value: Any) -> None:
    plan = fused.plan_of(LAYER.trace)
    fused._kernels.LayerCall(plan, *RIGHT)
    wrong = [*RIGHT[:at], value, *RIGHT[at + 1 :]]
    with pytest.raises((ValueError, TypeError)):
        fused._kernels.LayerCall(plan, *wrong)


def test_tensors_that_do_not_belong_to_a_call_of_the_kernels() -> None:
    kernels, plan = fused._kernels, fused.plan_of(LAYER.trace)
    small, large = kernels.LayerCall(plan, *RIGHT), kernels.LayerCall(plan, *[*RIGHT[:5], [30, 20], 1])
    five = [v.detach() for v in LAYER.weights_of(0, 0).values()] + [None]
    states = [torch.zeros(1, 3, 5) for _ in range(2)]
    right: list[Any] = [torch.zeros(6, 4), None, states, five]
    assert small.fits(*right)
    y, last, records = small.forward(kernels.PackedWeights(), False, True, *right, 0)
    assert y.shape == (6, 5)
    assert [s.shape for s in last] == [(1, 3, 5)] * 2
    back: list[Any] = [y, torch.ones(6, 5), [None, None], (True,) * 8]
    found = small.backward(records, *right, *back)
    assert [None if g is None else g.shape for g in found] == [
        (6, 4),
        *[(1, 3, 5)] * 2,
        *[w.shape for w in five[:4]],
        None,
    ]
    for at, wrong in (
        (0, torch.zeros(6, 3)),
        (0, torch.zeros(4, 6).T),
        (0, torch.zeros(6, 4).double()),
        (0, Subclass(torch.zeros(6, 4))),
        (1, torch.zeros(6, dtype=torch.long)),
        (2, states[:1]),
        (2, states * 2),
        (2, [states[0], None]),
        (3, five[:4]),
        (3, five * 2),
        (3, [None, *five[1:]]),
        (3, [*five[:4], torch.zeros(5)]),
    ):
        tensors = [*right[:at], wrong, *right[at + 1 :]]
        assert not small.fits(*tensors)
        with pytest.raises(ValueError, match="another shape"):
            small.forward(kernels.PackedWeights(), False, True, *tensors, 0)
        with pytest.raises(ValueError, match="another shape"):
            small.backward(records, *tensors, *back)
    for at, wrong in (
        (0, torch.zeros(6, 4)),
        (0, None),
        (1, torch.ones(5, 6).T),
        (1, torch.ones(6, 5).double()),
        (2, [None]),
        (2, [None, torch.zeros(1, 3, 4)]),
        (3, (True,) * 7),
    ):
        with pytest.raises((ValueError, TypeError)):
            small.backward(records, *right, *[*back[:at], wrong, *back[at + 1 :]])
    for wrong in (None, 7, "packed"):
        with pytest.raises(TypeError):
            small.forward(wrong, False, True, *right, 0)
    with pytest.raises(ValueError, match="another call"):
        large.backward(records, *right, *back)


class Subclass(Tensor):
    """A tensor that may be more than its numbers."""


def test_a_subclass_is_read_as_a_tensor() -> None:
    rows = torch.randn(6, 4)
    y = fused.run(LAYER.trace, call(rows=Subclass(rows))).rows
    assert torch.equal(y, fused.run(LAYER.trace, call(rows=rows)).rows)


def test_without_states_they_are_zeros() -> None:
    rows = torch.randn(6, 4, requires_grad=True)
    y, last = fused.run(LAYER.trace, call(rows=rows))
    found = torch.autograd.grad([y.sum(), last[1].sum()], [rows, *LAYER.parameters()])
    z, end = fused.run(LAYER.trace, call(rows=rows, state=(), hidden_size=5))
    others = torch.autograd.grad([z.sum(), end[1].sum()], [rows, *LAYER.parameters()])
    assert all(torch.equal(a, b) for a, b in zip((y, *last, *found), (z, *end, *others), strict=True))


@pytest.mark.parametrize("apart", [False, True])
def test_rows_by_steps_and_sequences(apart: bool) -> None:
    wide = torch.randn(3, 2, 7, requires_grad=True)
    rows = wide[..., 1:5] if apart else wide[..., 1:5].contiguous()
    state = (torch.randn(1, 2, 5), torch.randn(1, 2, 5))
    y, last = fused.run(LAYER.trace, call(rows=rows, batch_sizes=[2] * 3, state=state))
    flat, end = fused.run(LAYER.trace, call(rows=rows.flatten(0, 1), batch_sizes=[2] * 3, state=state))
    assert y.shape == (3, 2, 5)
    assert torch.equal(y.flatten(0, 1), flat)
    assert all(torch.equal(a, b) for a, b in zip(last, end, strict=True))
    assert torch.equal(torch.autograd.grad(y.sum(), wide)[0], torch.autograd.grad(flat.sum(), wide)[0])


@pytest.mark.parametrize("name", ["LayerCall", "Plan", "Records"])
def test_classes_without_arguments(name: str) -> None:
    with pytest.raises(TypeError):
        getattr(fused._kernels, name)()
