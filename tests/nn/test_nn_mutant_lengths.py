"""Deliberate defects in the handling of sequences of different lengths: the comparison with torch.nn must see each."""

from __future__ import annotations

from typing import Any

import pytest
from mutant_bench import Call, config, per_state, seen, values_only
from nn_grid import Config, make_case, ours, outcome, reference
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence


def unpack(packed: PackedSequence) -> tuple[Tensor, Tensor]:
    return pad_packed_sequence(packed)


def repack(output: Tensor, packed: PackedSequence, lengths: Tensor) -> PackedSequence:
    return nn.utils.rnn.pack_padded_sequence(output, lengths, enforce_sorted=False)


def without_mask(m: nn.Module, packed: PackedSequence, hx: Any) -> tuple[Any, Any]:
    x, lengths = unpack(packed)
    output, final = m(x, hx)
    return repack(output, packed, lengths), final


def reverse_from_the_padding(m: nn.Module, packed: PackedSequence, hx: Any) -> tuple[Any, Any]:
    """Output of the packed call, final states of the padded one."""
    return m(packed, hx)[0], without_mask(m, packed, hx)[1]


PACKED: dict[str, Call] = {
    "no mask for lengths": without_mask,
    "final states from the end of the padding": reverse_from_the_padding,
    "initial state not sorted": lambda m, p, hx: m(p, per_state(hx, lambda s: s.index_select(1, p.unsorted_indices))),
    "final state not unsorted": lambda m, p, hx: (
        lambda o, s: (o, per_state(s, lambda v: v.index_select(1, p.sorted_indices)))
    )(*m(p, hx)),
    "rows as if all were of one length": lambda m, p, hx: (
        lambda o, s: (p._replace(data=o[:, 0]), per_state(s, lambda v: v.expand(-1, 3, -1)))
    )(*m(p.data.unsqueeze(1), per_state(hx, lambda s: s[:, :1]))),
}


def is_a_true_cycle(c: Config) -> bool:
    """Three different lengths whose sorting is not its own inverse, so that sorting twice is not unsorting."""
    case = make_case(c)
    packed = case.input()
    return len(set(case.lengths)) == 3 and packed.sorted_indices.tolist() != packed.unsorted_indices.tolist()


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn_relu"])
@pytest.mark.parametrize("call", PACKED.values(), ids=PACKED)
def test_wrong_lengths(call: Call, kind: str) -> None:
    c = config(kind, seed=next(s for s in range(80, 200) if is_a_true_cycle(config(kind, seed=s))))
    theirs, case = reference(c), make_case(c)
    module = ours(c, theirs.state_dict())
    assert seen(values_only(outcome(case, lambda x, hx: call(module, x, hx))), case, theirs) > 1e-3
