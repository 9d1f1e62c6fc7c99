"""Laws of a call: the same twice gives the same, short sequences are read, and what is given is left as it was."""

from __future__ import annotations

import torch

from elman.checking.laws.copying import said
from elman.checking.laws.law import Broken, Holds, Law, Outcome, shown
from elman.checking.laws.subject import Subject


def nothing_left_over(subject: Subject) -> Outcome:
    """The same call twice, another one between."""
    weights = {name: value.clone() for name, value in subject.module.state_dict().items()}
    for batch, steps in ((2, 2), (2, 4)):
        sequences = subject.draw([steps] * batch)
        first, again = subject.outputs(sequences), subject.outputs(sequences)
        subject.outputs(subject.draw([steps] * batch, seed=2))
        later = subject.outputs(sequences)
        for name, other in (("at once", again), ("after another call", later)):
            if not all(subject.same(a, b) for a, b in zip(first, other, strict=True)):
                return Broken(
                    f"the same input gives another result {name}: {_reason(subject, weights)}",
                    {"sequences": [shown(s) for s in sequences], "first": shown(first[0]), name: shown(other[0])},
                )
    return Holds("the same call three times, with 2 and with 4 steps")


def _reason(subject: Subject, before: dict[str, torch.Tensor]) -> str:
    after = subject.module.state_dict()
    changed = next((name for name, value in before.items() if not torch.equal(value, after[name])), None)
    if changed is not None:
        return f"the call changes {changed}"
    sequences, found = subject.draw([2, 2]), []
    with torch.random.fork_rng():
        for _ in range(2):
            torch.manual_seed(1)
            found.append(subject.outputs(sequences)[0])
    if subject.same(*found):
        return "something is drawn at random, in evaluation mode too"
    return "something is left over between calls"


def one_step_is_enough(subject: Subject) -> Outcome:
    """Sequences of one step, and one sequence alone."""
    for batch, steps in ((2, 3), (1, 3), (2, 1), (1, 1)):
        sequences = subject.draw([steps] * batch)
        example: dict[str, object] = {"sequences": [shown(s) for s in sequences]}
        try:
            found = subject.outputs(sequences)
        except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
            return Broken(f"it can't read {batch} sequence(s) of {steps} step(s): {said(error)}", example)
        if any(not row.isfinite().all() for row in found):
            return Broken(
                f"a batch of {batch} with {steps} step(s) gives NaN or infinity", {**example, "got": shown(found[0])}
            )
    return Holds("1 and 2 sequences of 1 and 3 steps")


def arguments_are_left_alone(subject: Subject) -> Outcome:
    """The caller's own tensors after the call."""
    for lengths in ((1, 2), (3, 3)) if subject.ragged else ((2, 2), (3, 3)):
        sequences = subject.draw(lengths)
        state = subject.ask(subject.draw([2, 2]), None, None).state if subject.carries else None
        for given in (None, state) if state is not None else (None,):
            answer = subject.ask(sequences, given, 1)
            if answer.changed:
                return Broken(
                    f"the call changes {' and '.join(answer.changed)} that it was given, in place: the caller's own numbers",
                    {"lengths": list(lengths), "sequences": [shown(s) for s in sequences], "padding": 1},
                )
    return Holds("its input" + (", lengths" if subject.ragged else "") + (" and state" if subject.carries else ""))


LAWS = (
    Law(
        "repeat", "The same input gives the same result.",
        "a state kept from call to call, or dropout or noise in evaluation mode", nothing_left_over, needs=(),
    ),
    Law(
        "short", "One step and one sequence are enough.",
        "squeeze() without an axis, a difference of steps, or a loop that starts at the second step", one_step_is_enough,
    ),
    Law(
        "arguments", "A call leaves alone what it is given.",
        "x[...] = value, masked_fill_() or copy_() on an argument instead of on a copy", arguments_are_left_alone,
    ),
)  # fmt: skip
