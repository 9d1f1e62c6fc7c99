"""Laws of direction: an output may not depend on what comes later, unless both directions are read, and then on everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from elman.checking.laws.law import Broken, Holds, Law, NotAsked, Outcome, first_difference, shown
from elman.checking.laws.subject import Subject
from elman.nn import Recurrent


def no_future(subject: Subject) -> Outcome:
    """Another future, and none."""
    if not subject.causal:
        return NotAsked("it reads in both directions" if subject.both else "it has one output for the whole sequence")
    for steps in (2, 3, 5):
        sequence, other = subject.draw([steps])[0], subject.draw([steps], seed=2)[0]
        usual = subject.outputs([sequence])[0]
        for cut in range(1, steps):
            changed = torch.cat([sequence[:cut], _different(subject, sequence[cut:], other[cut:])])
            for future, name in (
                (changed, f"when step {cut + 1} and what follows are other ones"),
                (sequence[:cut], "when nothing follows"),
            ):
                got = subject.outputs([future])[0][:cut]
                if not subject.same(usual[:cut], got):
                    step = first_difference(subject, usual[:cut], got)
                    why = " (it predicts symbols, so it may not read in both directions)" if subject.both else ""
                    return Broken(
                        f"the output of step {step} changes {name}: it sees the future{why}",
                        {
                            "sequence": shown(sequence),
                            "other future": shown(future),
                            "output": shown(usual[:cut]),
                            "with it": shown(got),
                        },
                    )
    return Holds("2 to 5 steps with another future from every step on, and with none")


def backward_saw_everything(subject: Subject) -> Outcome:
    """What is read of the backward direction must have seen the whole sequence: its output at step 1, or its final state."""
    if not subject.both:
        return NotAsked("it reads in one direction only")
    layers = [m for m in subject.module.modules() if isinstance(m, (nn.RNNBase, Recurrent)) and m.bidirectional]
    if subject.stepwise:
        return _all_steps_matter(subject)
    if not layers:
        return NotAsked("its bidirectional layer can't be found")
    by_step, reads_final = torch.zeros(5, dtype=subject.dtype), False
    for seed in range(1, 9):  # several, because a maximum reads what happens to be the largest
        found, final = _backward_gradients(subject, layers[-1], seed)
        by_step, reads_final = by_step + found, reads_final or final
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


def _backward_gradients(subject: Subject, layer: Any, seed: int) -> tuple[Tensor, bool]:
    """How much the result depends on the backward direction's output at each of 5 steps, and whether on its final state."""
    with _watched(layer) as seen, torch.enable_grad():
        torch.autograd.backward([subject.outputs(subject.draw([5], seed))[0].sum()])
    half = layer.hidden_size
    grad, states = seen["outputs"].grad, [s.grad for s in seen["states"]]
    by_step = (
        torch.zeros(5, dtype=subject.dtype) if grad is None else grad.reshape(5, -1)[:, half : 2 * half].abs().sum(1)
    )
    return by_step, any(g is not None and bool(g[-1].abs().sum() > 0) for g in states)


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


def _all_steps_matter(subject: Subject) -> Outcome:
    """Each output of both directions depends on each step, and so does what is left of each direction in the final state."""
    usual_input = subject.draw([4])[0]
    usual = subject.ask([usual_input], None, None)
    others = [subject.ask([subject.other(usual_input, place)], None, None) for place in range(4)]
    for watched, place in sorted(product(range(4), repeat=2), key=lambda pair: -abs(pair[0] - pair[1])):
        if subject.distance(usual.outputs[0][watched], others[place].outputs[0][watched]) == 0.0:
            direction = "backward" if watched < place else "forward"
            return Broken(
                f"step {watched + 1} of 4 does not change with step {place + 1}: the {direction} direction has not seen the whole sequence",
                {"sequence": shown(usual_input), f"another step {place + 1}": shown(subject.other(usual_input, place)[place]),
                 "output": shown(usual.outputs[0][watched])},
            )  # fmt: skip
    parts = _directions(usual.state)
    for place, number in product(range(4), range(len(parts))):
        if subject.distance(parts[number], _directions(others[place].state)[number]) == 0.0:
            return Broken(
                f"part {number + 1} of {len(parts)} of the final state does not change with step {place + 1} of 4: the state of that "
                "direction is taken where it has not seen the whole sequence",
                {"sequence": shown(usual_input), f"another step {place + 1}": shown(subject.other(usual_input, place)[place]),
                 "final state": shown(parts[number])},
            )  # fmt: skip
    return Holds("each of 4 outputs, and the final state of each direction, with another value at each step")


def _directions(state: Any) -> list[Tensor]:
    """A state by its directions: [D, B, H] for D directions (and layers)."""
    tensors = state if isinstance(state, (tuple, list)) else [state]
    found = [t for t in tensors if isinstance(t, Tensor) and t.dim() == 3 and t.is_floating_point()]
    return [part for t in found if len(t) % 2 == 0 for part in t]


def _different(subject: Subject, usual: Tensor, other: Tensor) -> Tensor:
    """Other values at every place."""
    if subject.symbols is None:
        return other
    return torch.where(usual == other, (usual + 1) % subject.symbols, other)


LAWS = (
    Law(
        "future", "No output depends on what comes later.",
        "a reversed or shifted sequence, a mean or norm over time, or attention without a mask", no_future,
    ),
    Law(
        "backward", "What is read of the backward direction has seen the whole sequence.",
        "out[:, -1] for both directions, or a backward direction that is not turned round again", backward_saw_everything,
    ),
)  # fmt: skip
