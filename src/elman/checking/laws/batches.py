"""Laws of the batch: what a sequence gives does not depend on its company, nor on the padding that company makes necessary."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import torch
from torch import Tensor

from elman.checking.laws.law import Broken, Holds, Law, NotAsked, Outcome, shown
from elman.checking.laws.subject import Answer, Subject

SIZES = (
    (2, 1),
    (2, 2),
    (2, 3),
    (3, 4),
    (4, 7),
)  # batch and steps, the smallest first: the first failure is a small example


def same_alone(subject: Subject) -> Outcome:
    """Each sequence in a batch, in another batch, and alone."""
    for batch, steps in SIZES:
        sequences = subject.draw([steps] * batch)
        together = subject.ask(sequences, None, None)
        strangers = subject.draw([steps] * batch, seed=2)
        for k, sequence in enumerate(sequences):
            company = [*strangers[:k], sequence, *strangers[k + 1 :]]
            got = subject.outputs(company)[k]
            if not subject.same(together.outputs[k], got):
                return Broken(
                    f"sequence {k + 1} of {batch} gives another result when the others of the batch are other ones",
                    {"sequences": [shown(s) for s in sequences], "result": shown(together.outputs[k]),
                     "others": [shown(s) for s in company], "with them": shown(got)},
                )  # fmt: skip
            for what, usual, alone in _pairs(subject, together, k, sequence):
                if not subject.same(usual, alone):
                    return Broken(
                        f"sequence {k + 1} of {batch} gives another {what} in the batch than alone",
                        {
                            "sequences": [shown(s) for s in sequences],
                            "in the batch": shown(usual),
                            "alone": shown(alone),
                        },
                    )
    return Holds("batches of 2 to 4 sequences of 1 to 7 steps, each sequence also in other company and alone")


def _pairs(subject: Subject, together: Answer, k: int, sequence: Tensor) -> Iterator[tuple[str, Tensor, Tensor]]:
    """What a sequence gives in a batch, and alone: its output, and what is its own in the final state."""
    alone = subject.ask([sequence], None, None)
    yield "result", together.outputs[k], alone.outputs[0]
    for one, single in zip(_tensors(together.state), _tensors(alone.state), strict=False):
        axes = [a for a, (n, m) in enumerate(zip(one.shape, single.shape, strict=False)) if n != m]
        if one.dim() == single.dim() and len(axes) == 1 and single.shape[axes[0]] == 1 and k < one.shape[axes[0]]:
            yield "final state", one.select(axes[0], k), single.select(axes[0], 0)


def _tensors(state: Any) -> list[Tensor]:
    found = state if isinstance(state, (tuple, list)) else [state]
    return [t for t in found if isinstance(t, Tensor) and t.is_floating_point()]


def same_in_any_order(subject: Subject) -> Outcome:
    """The sequences of a batch in other orders."""
    for steps in (1, 2, 3):
        sequences = subject.draw([steps] * 3)
        usual = subject.outputs(sequences)
        for order in permutations(range(3)):
            other = subject.outputs([sequences[k] for k in order])
            for place, k in enumerate(order):
                if not subject.same(other[place], usual[k]):
                    return Broken(
                        f"with the batch in the order {[k + 1 for k in order]}, sequence {k + 1} gives another result",
                        {
                            "sequences": [shown(s) for s in sequences],
                            "usual": shown(usual[k]),
                            "got": shown(other[place]),
                        },
                    )
    return Holds("all orders of 3 sequences")


def padding_changes_nothing(subject: Subject) -> Outcome:
    """Sequences of different lengths together: each as alone, whatever stands in the padding."""
    if not subject.ragged:
        return _without_lengths(subject)
    fillings = [0, *range(1, min(subject.symbols, 3))] if subject.symbols else [0, 1, 100]
    for lengths in ((1, 2), (2, 1), (3, 1, 2), (2, 4, 1, 4)):
        sequences = subject.draw(lengths)
        for filling in fillings:
            together = subject.ask(sequences, None, filling)
            for k, sequence in enumerate(sequences):
                for what, usual, alone in _pairs(subject, together, k, sequence):
                    if not subject.same(usual, alone):
                        return Broken(
                            f"a sequence of {len(sequence)} steps beside one of {max(lengths)} gives another {what} than alone"
                            + (f" (padding {filling})" if filling else ""),
                            {"lengths": list(lengths), "sequence": shown(sequence), "padded": shown(usual), "alone": shown(alone)},
                        )  # fmt: skip
    return Holds("lengths 1 to 4 mixed, in any order, with different padding")


def _without_lengths(subject: Subject) -> Outcome:
    """A module that is not told lengths reads padding as if it were text; for one output per text that is a fault."""
    if subject.stepwise or subject.symbols is None:
        return NotAsked("it is not told lengths, so every sequence of a batch must be as long")
    sequence = subject.draw([2])[0]
    alone = subject.outputs([sequence])[0]
    padded = torch.cat([sequence, sequence.new_zeros(3)])
    got = subject.outputs([padded])[0]
    if subject.same(alone, got):
        return Holds("a text with 3 symbols 0 behind it")
    return Broken(
        "it is not told lengths, so it reads padding as text: 3 symbols 0 behind a text change its result",
        {"sequence": shown(sequence), "alone": shown(alone), "padded": shown(got)},
    )


def nan_stays(subject: Subject) -> Outcome:
    """NaN in one sequence: the others are as before, and it is not hidden."""
    if subject.symbols is not None:
        return NotAsked("it reads symbols, which can't be NaN")
    for place in range(3):
        sequences = subject.draw([3, 3, 3])
        usual = subject.outputs(sequences)
        spoilt = [s.clone() for s in sequences]
        spoilt[place][1, 0] = float("nan")
        got = subject.outputs(spoilt)
        for k in range(3):
            if k != place and not subject.same(got[k], usual[k]):
                return Broken(
                    f"NaN in sequence {place + 1} changes the result of sequence {k + 1}",
                    {"usual": shown(usual[k]), "got": shown(got[k])},
                )
        read = got[place][1:] if subject.stepwise else got[place]
        if not read.isnan().any():
            return Broken(
                f"NaN in sequence {place + 1} at step 2 does not show in its result: something hides it",
                {"got": shown(got[place])},
            )
    return Holds("NaN at step 2 of each of 3 sequences")


LAWS = (
    Law(
        "batch", "A sequence gives the same in a batch as alone.",
        "a sum, mean or softmax over the wrong axis, or batch normalisation", same_alone,
    ),
    Law(
        "order", "The order of sequences in a batch changes nothing.",
        "sequences sorted by length and not put back", same_in_any_order,
    ),
    Law(
        "padding", "Padding changes nothing.",
        "the state after the last padded step is read instead of the last real one, or a mean counts padding",
        padding_changes_nothing,
    ),
    Law(
        "nan", "NaN in one sequence stays in it, and shows.",
        "values mixed over the batch, or NaN replaced by numbers", nan_stays,
    ),
)  # fmt: skip
