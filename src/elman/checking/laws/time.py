"""Laws of time: what a step may depend on, what it must depend on, and that a sequence may be read in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from elman.checking.laws.law import Broken, Holds, Law, NotAsked, Outcome, shown
from elman.checking.laws.subject import Subject
from elman.nn import Recurrent


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
                    step = _first_difference(subject, whole[k], pieced)
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
    sequences = subject.draw([6] * 2)
    whole, state, rows = subject.outputs(sequences), None, []
    for t in range(6):
        answer = subject.ask([s[t : t + 1] for s in sequences], state, None)
        state = answer.state
        rows.append(answer.outputs[0])
    stepped = torch.cat(rows)
    if subject.same(whole[0], stepped):
        return Holds("6 steps, one by one")
    step = _first_difference(subject, whole[0], stepped)
    return Broken(
        f"read step by step it differs from the whole from step {step} on",
        {"sequence": shown(sequences[0]), "whole": shown(whole[0]), "step by step": shown(stepped)},
    )


def no_future(subject: Subject) -> Outcome:
    """Another future."""
    if not subject.causal:
        return NotAsked("it reads in both directions" if subject.both else "it has one output for the whole sequence")
    for steps in (2, 3, 5):
        usual_input, other_input = subject.draw([steps] * 2)[0], subject.draw([steps] * 2, seed=2)[0]
        usual = subject.outputs([usual_input])[0]
        for cut in range(1, steps):
            changed = torch.cat([usual_input[:cut], _different(subject, usual_input[cut:], other_input[cut:])])
            got = subject.outputs([changed])[0]
            if not subject.same(usual[:cut], got[:cut]):
                step = _first_difference(subject, usual[:cut], got[:cut])
                return Broken(
                    f"the output of step {step} changes when step {cut + 1} and what follows are other ones: it sees the future",
                    {
                        "sequence": shown(usual_input), "other future": shown(changed), "output": shown(usual[:cut]),
                        "with it": shown(got[:cut]),
                    },
                )  # fmt: skip
    return Holds("2 to 5 steps with another future from every step on")


def past_matters(subject: Subject) -> Outcome:
    """Another past: a recurrent model that is not changed by it has lost its state."""
    for steps in (2, 4):
        usual_input, other_input = subject.draw([steps])[0], subject.draw([steps], seed=2)[0]
        changed = usual_input.clone()
        changed[:1] = _different(subject, usual_input[:1], other_input[:1])
        usual, got = subject.outputs([usual_input])[0], subject.outputs([changed])[0]
        after = slice(1, None) if subject.stepwise else slice(None)
        if subject.distance(usual[after], got[after]) == 0.0:
            what = "no later output changes" if subject.stepwise else "the result stays the same"
            return Broken(
                f"with another first step of {steps}, {what}: the state is not carried from step to step",
                {"sequence": shown(usual_input), "other past": shown(changed), "output": shown(usual)},
            )
    return Holds("another first step of 2 and of 4")


def state_is_read(subject: Subject) -> Outcome:
    """Another initial state."""
    if not subject.carries:
        return NotAsked("it takes no state")
    sequences = subject.draw([3, 3])
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


def nothing_left_over(subject: Subject) -> Outcome:
    """The same call twice, another one between."""
    sequences = subject.draw([4, 4])
    first, again = subject.outputs(sequences), subject.outputs(sequences)
    subject.outputs(subject.draw([4, 4], seed=2))
    later = subject.outputs(sequences)
    for name, other in (("at once", again), ("after another call", later)):
        for k in range(2):
            if not subject.same(first[k], other[k]):
                return Broken(
                    f"the same input gives another result {name}: something is left over between calls, or drawn at random",
                    {"first": shown(first[k]), name: shown(other[k])},
                )
    return Holds("the same call three times")


def one_step_is_enough(subject: Subject) -> Outcome:
    """Sequences of one step, and one sequence alone."""
    try:
        for batch, steps in ((1, 1), (3, 1), (1, 5)):
            found = subject.outputs(subject.draw([steps] * batch))
            if any(not row.isfinite().all() for row in found):
                return Broken(
                    f"a batch of {batch} with {steps} step(s) gives NaN or infinity", {"got": shown(found[0])}
                )
        short = subject.draw([1])[0]
        if subject.stepwise and subject.causal:
            longer = torch.cat([short, subject.draw([2], seed=2)[0]])
            one, many = subject.outputs([short])[0], subject.outputs([longer])[0][:1]
            if not subject.same(one, many):
                return Broken(
                    "the first step alone differs from the first of several",
                    {"alone": shown(one), "of three": shown(many)},
                )
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
        said = next(iter(str(error).splitlines()), "") or type(error).__name__
        return Broken(f"it can't read {batch} sequence(s) of {steps} step(s): {said}", {"error": type(error).__name__})
    return Holds("1 sequence of 1 step, 3 of 1, 1 of 5")


def backward_saw_everything(subject: Subject) -> Outcome:
    """What is read of the backward direction must have seen the whole sequence: its output at step 1, or its final state."""
    if not subject.both:
        return NotAsked("it reads in one direction only")
    layers = [m for m in subject.module.modules() if isinstance(m, (nn.RNNBase, Recurrent)) and m.bidirectional]
    if subject.stepwise:
        return _both_ends_matter(subject)
    if not layers:
        return NotAsked("its bidirectional layer can't be found")
    layer = layers[-1]
    with _watched(layer) as seen, torch.enable_grad():
        torch.autograd.backward([subject.outputs(subject.draw([5]))[0].sum()])
    half = layer.hidden_size
    grad, states = seen["outputs"].grad, [s.grad for s in seen["states"]]
    by_step = torch.zeros(5) if grad is None else grad.reshape(5, -1)[:, half : 2 * half].abs().sum(1)
    reads_final = any(g is not None and g[-1].abs().sum() > 0 for g in states)
    if reads_final or by_step[0] > 0:
        return Holds("which outputs of the backward direction the result is computed from, for 5 steps")
    read = [t + 1 for t in range(5) if by_step[t] > 0]
    if not read:
        return Broken("nothing of the backward direction is read", {"steps read": []})
    return Broken(
        f"of the backward direction only step {', '.join(map(str, read))} of 5 is read, where it has seen {6 - read[0]} of 5 steps: "
        "its last state is at step 1 (out[:, -1] is the forward direction's)",
        {"steps read": read},
    )


@contextmanager
def _watched(layer: Any) -> Iterator[dict[str, Any]]:
    """Makes a layer (of our copy) hand out leaves, so that their gradients tell what is read; they are found in the result."""
    seen: dict[str, Any] = {}

    def keep(call: Callable[..., Any]) -> Callable[..., Any]:
        def kept(*given: Any, **named: Any) -> Any:
            outputs, final = call(*given, **named)
            rows = (outputs if isinstance(outputs, Tensor) else outputs.data).detach().requires_grad_()
            states = [s.detach().requires_grad_() for s in (final if isinstance(final, tuple) else (final,))]
            seen["outputs"], seen["states"] = rows, states
            again = rows if isinstance(outputs, Tensor) else outputs._replace(data=rows)
            return again, tuple(states) if isinstance(final, tuple) else states[0]

        return kept

    ways = [name for name in ("forward", "read") if hasattr(layer, name)]  # read(): elman.nn's way in for symbols
    for name in ways:
        setattr(layer, name, keep(getattr(layer, name)))
    try:
        yield seen
    finally:
        for name in ways:
            delattr(layer, name)


def _both_ends_matter(subject: Subject) -> Outcome:
    usual_input, other_input = subject.draw([4])[0], subject.draw([4], seed=2)[0]
    usual = subject.outputs([usual_input])[0]
    for place, watched, direction in ((3, 0, "backward"), (0, 3, "forward")):
        changed = usual_input.clone()
        changed[place : place + 1] = _different(subject, usual_input[place : place + 1], other_input[place : place + 1])
        if subject.distance(usual[watched], subject.outputs([changed])[0][watched]) == 0.0:
            return Broken(
                f"step {watched + 1} of 4 does not change with step {place + 1}: the {direction} direction has not seen the whole sequence",
                {"sequence": shown(usual_input), "changed": shown(changed), "output": shown(usual[watched])},
            )
    return Holds("the first step of 4 depends on the last, the last on the first")


def _different(subject: Subject, usual: Tensor, other: Tensor) -> Tensor:
    """Other values at every place."""
    if subject.symbols is None:
        return other
    return torch.where(usual == other, (usual + 1) % subject.symbols, other)


def _first_difference(subject: Subject, one: Tensor, other: Tensor) -> int:
    """The first step, counted from 1, at which outputs differ."""
    steps = min(len(one), len(other))
    return next((t + 1 for t in range(steps) if not subject.same(one[t], other[t])), steps)


def _scaled(state: Any, factor: float) -> Any:
    return tuple(_scaled(s, factor) for s in state) if isinstance(state, (tuple, list)) else state * factor


LAWS = (
    Law(
        "repeat", "The same input gives the same result.",
        "a state kept from call to call, or dropout in evaluation mode", nothing_left_over,
    ),
    Law(
        "short", "One step and one sequence are enough.",
        "squeeze() without an axis, or a loop that starts at the second step", one_step_is_enough,
    ),
    Law(
        "past", "Later outputs depend on earlier steps.",
        "the state is set back at every step", past_matters,
    ),
    Law(
        "state", "A state that is given is read, and none is zeros.",
        "the state is made anew inside forward()", state_is_read,
    ),
    Law(
        "chunks", "Pieces with the state carried over equal the whole.",
        "the state is set back at each call, or a part of it is not returned", chunks_are_the_whole,
    ),
    Law(
        "steps", "Step by step equals unrolled.",
        "the initial state is read at every step, or the state is set back", steps_are_the_whole,
    ),
    Law(
        "future", "No output depends on what comes later.",
        "a reversed or shifted sequence, or attention without a mask", no_future,
    ),
    Law(
        "backward", "What is read of the backward direction has seen the whole sequence.",
        "out[:, -1] for both directions", backward_saw_everything,
    ),
)  # fmt: skip
