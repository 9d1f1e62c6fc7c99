"""Laws of time: what a step must depend on, and that a sequence may be read in pieces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from elman.checking.laws.law import Broken, Holds, Law, NotAsked, Outcome, first_difference, shown
from elman.checking.laws.subject import Subject

LONG = 36
"""Steps that are enough to see a window in which a state ends."""
NOTHING = 1e-4
"""Of the tolerance: a change that is smaller is rounding in another row of the batch."""


def chunks_are_the_whole(subject: Subject) -> Outcome:
    """A sequence in two pieces, the state carried over."""
    if not (subject.carries and subject.stepwise):
        return NotAsked(
            "it does not return a state and take it back" if not subject.carries else "it has one output for all steps"
        )
    for steps in (2, 3, 5):
        for cut in range(1, steps):
            sequences = subject.draw([steps] * 2)
            whole = subject.outputs(sequences)
            first = subject.ask([s[:cut] for s in sequences], None, None)
            second = subject.outputs([s[cut:] for s in sequences], first.state)
            for k in range(2):
                pieced = torch.cat([first.outputs[k], second[k]])
                if not subject.same(whole[k], pieced):
                    step = first_difference(subject, whole[k], pieced)
                    return Broken(
                        f"{steps} steps read as {cut} + {steps - cut} with the state carried over differ from step {step} on",
                        {"sequence": shown(sequences[k]), "whole": shown(whole[k]), "in pieces": shown(pieced)},
                    )
    return Holds("2 to 5 steps cut at every place")


def steps_are_the_whole(subject: Subject) -> Outcome:
    """A sequence step by step."""
    if not (subject.carries and subject.stepwise):
        return NotAsked(
            "it does not return a state and take it back" if not subject.carries else "it has one output for all steps"
        )
    for steps in (2, 6):
        sequences, state, rows = subject.draw([steps] * 2), None, []
        whole = subject.outputs(sequences)[0]
        for t in range(steps):
            answer = subject.ask([s[t : t + 1] for s in sequences], state, None)
            state = answer.state
            rows.append(answer.outputs[0])
        stepped = torch.cat(rows)
        if not subject.same(whole, stepped):
            step = first_difference(subject, whole, stepped)
            return Broken(
                f"read step by step it differs from the whole from step {step} on",
                {"sequence": shown(sequences[0]), "whole": shown(whole), "step by step": shown(stepped)},
            )
    return Holds("2 and 6 steps, one by one")


def past_matters(subject: Subject) -> Outcome:
    """Another step before: a recurrent model that is not changed by it has lost its state."""
    for steps in (2, LONG) if subject.stepwise else (2, 4):
        later = 1 if subject.stepwise else None
        t = _without_effect(subject, steps, range(steps - 1), later)
        if t is not None:
            shortest = next(
                n for n in range(t + 2, steps + 1) if n == steps or _without_effect(subject, n, [t], later) == t
            )
            return _stays(subject, shortest, t, later)
    return Holds(
        "another step before each of 36 outputs" if subject.stepwise else "each step but the last of 2 and of 4"
    )


def present_matters(subject: Subject) -> Outcome:
    """Another step: its own output is another one."""
    for steps in (1, 3):
        own = 0 if subject.stepwise else None
        t = _without_effect(subject, steps, range(steps) if subject.stepwise else [steps - 1], own)
        if t is not None:
            return _stays(subject, steps, t, own)
    return Holds("each of 1 and of 3 steps" if subject.stepwise else "the last step of 1 and of 3")


def _without_effect(subject: Subject, steps: int, places: Sequence[int], later: int | None) -> int | None:
    """The first of some steps that changes nothing in three draws: of the output so many steps later, or (None) of the one of the whole.

    All are asked in one batch, because that is quick.
    """
    left = list(places)
    for seed in (1, 2, 3):
        usual = subject.draw([steps], seed)[0]
        found = subject.outputs([usual, *(subject.other(usual, t, seed + 1) for t in left)])
        watched = [... if later is None else t + later for t in left]
        left = [
            t for t, place, row in zip(left, watched, found[1:], strict=True)
            if subject.distance(found[0][place], row[place]) <= subject.tolerance * NOTHING
        ]  # fmt: skip
        if not left:
            return None
    return left[0]


def _stays(subject: Subject, steps: int, t: int, later: int | None) -> Broken:
    usual = subject.draw([steps])[0]
    where = f"step {t + 1} of {steps}" if steps > 1 else "the only step"
    if later is None:
        sentence = (
            f"the result stays the same whatever {where} is: it is not read, or what it left in the state is lost"
        )
    elif later == 0:
        sentence = f"the output of step {t + 1} stays the same whatever {where} is: it is that of another step, or the step is not read"
    else:
        step = t + later + 1
        sentence = f"the output of step {step} stays the same whatever {where} is: the state is not carried from step {t + 1} to {step}"
    return Broken(
        sentence,
        {
            "sequence": shown(usual), f"another step {t + 1}": shown(subject.other(usual, t)[t]),
            "output with both": shown(subject.outputs([usual, usual])[0][... if later is None else t + later]),
        },
    )  # fmt: skip


def state_is_read(subject: Subject) -> Outcome:
    """Another initial state."""
    if not subject.carries:
        return NotAsked("it takes no state")
    sequences = subject.draw([1, 1])
    usual = subject.ask(sequences, None, None)
    zeros = subject.outputs(sequences, _scaled(usual.state, 0.0))
    if not all(subject.same(a, b) for a, b in zip(zeros, usual.outputs, strict=True)):
        return Broken(
            "a state of zeros gives another result than none",
            {"none": shown(usual.outputs[0]), "zeros": shown(zeros[0])},
        )
    got = subject.outputs(sequences, _scaled(usual.state, 1.0))
    if all(subject.distance(a, b) == 0.0 for a, b in zip(got, usual.outputs, strict=True)):
        return Broken(
            "the state that is given changes nothing: every call starts from the beginning",
            {"without a state": shown(usual.outputs[0]), "with one": shown(got[0])},
        )
    return Holds("no state, zeros, and the final state of another call")


def _scaled(state: Any, factor: float) -> Any:
    return tuple(_scaled(s, factor) for s in state) if isinstance(state, (tuple, list)) else state * factor


LAWS = (
    Law(
        "past", "Later outputs depend on earlier steps.",
        "the state is set back at every step, or at every piece of a long sequence", past_matters,
    ),
    Law(
        "present", "Each output depends on its own step.",
        "an output that is stored before the state is computed, or an index that is one too small", present_matters,
    ),
    Law(
        "state", "A state that is given is read, and none is zeros.",
        "the state is made anew inside forward()", state_is_read,
    ),
    Law(
        "chunks", "Pieces with the state carried over equal the whole.",
        "the state is set back at each call, or a part of it is not returned, or returned in another order", chunks_are_the_whole,
    ),
    Law(
        "steps", "Step by step equals unrolled.",
        "the initial state is read at every step, or the state is set back", steps_are_the_whole,
    ),
)  # fmt: skip
