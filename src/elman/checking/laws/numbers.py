"""Laws of numbers: what is saved is what was computed with, engines agree, gradients are those of the numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from elman.checking.laws.copying import said, unsaved_tensors
from elman.checking.laws.law import Broken, Holds, Law, NotAsked, Outcome, shown
from elman.checking.laws.subject import Subject
from elman.errors import EngineError
from elman.nn import Recurrent

STEP = 1e-6
"""Of the numerical gradient: in float64 the error of the central difference is about its square."""
STEEPEST = 100.0
"""How much a change per unit may itself change per unit: smooth functions stay far below, steps of rounding are far above."""


def saved_is_loaded(subject: Subject) -> Outcome:
    """state_dict() holds all that the result depends on."""
    sequences = subject.draw([3, 3])
    usual = subject.outputs(sequences)
    names = dict(subject.module.named_parameters()) | dict(subject.module.named_buffers())
    kept = {key: value.clone() for key, value in subject.module.state_dict().items()}
    for name, tensor in unsaved_tensors(subject.module):
        before = tensor.detach().clone()
        with torch.no_grad():
            tensor.add_(1.0)
            got = subject.outputs(sequences)
            tensor.copy_(before)
        if not all(subject.same(a, b) for a, b in zip(usual, got, strict=True)):
            return Broken(
                f"the result depends on {name}, which state_dict() does not have: it is not trained, and after loading it is another one "
                "(make it a Parameter or a buffer; layers belong in nn.ModuleList or nn.ModuleDict)",
                {"saved": sorted(kept), "not saved": name},
            )  # fmt: skip
    with torch.no_grad():
        for value in names.values():
            if value.is_floating_point():
                value.mul_(0.5).add_(0.25)
    try:
        subject.module.load_state_dict(kept)
        got = subject.outputs(sequences)
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
        return Broken(f"load_state_dict() refuses what state_dict() gave: {said(error)}", {"saved": sorted(kept)})
    if all(subject.same(a, b) for a, b in zip(usual, got, strict=True)):
        return Holds("state_dict() loaded over other weights")
    return Broken(
        "after loading what state_dict() gave, the result is another one: it does not hold all weights",
        {"before": shown(usual[0]), "after": shown(got[0]), "saved": sorted(kept)},
    )


def engines_agree(subject: Subject) -> Outcome:
    """Every engine that can run the layers."""
    layers = [m for m in subject.module.modules() if isinstance(m, Recurrent)]
    if not layers:
        return NotAsked("it has no layers of elman.nn, which alone have several engines")
    sequences, found = subject.draw([5, 5]), {}
    asked = [(layer, layer.engine) for layer in layers]
    try:
        for engine in ("loop", "fused", "torch"):
            for layer in layers:
                layer.engine = engine
            try:
                found[engine] = subject.outputs(sequences)[0]
            except EngineError:
                continue  # this engine can't run the cell, or isn't there
    finally:
        for layer, engine in asked:
            layer.engine = engine
    first, *others = found
    for other in others:
        if not subject.same(found[first], found[other]):
            return Broken(
                f"the engines {first} and {other} differ", {first: shown(found[first]), other: shown(found[other])}
            )
    return Holds(", ".join(found) if others else f"{first} alone: no other engine can run it")


def gradients_are_right(subject: Subject) -> Outcome:
    """Backpropagation against central differences, along a random direction of every parameter."""
    if subject.dtype != torch.float64:
        return NotAsked("it computes in a type that is too coarse for numerical gradients")
    sequences = subject.draw([4, 4])
    parameters = {name: p for name, p in subject.module.named_parameters() if p.requires_grad}
    if not parameters:
        return NotAsked("it has no parameters that are trained")
    generator = torch.Generator().manual_seed(3)
    weights = [torch.randn(o.shape, generator=generator, dtype=o.dtype) for o in subject.outputs(sequences)]

    def value() -> torch.Tensor:
        outputs = subject.outputs(sequences)
        return torch.stack([(o * w).sum() for o, w in zip(outputs, weights, strict=True)]).sum()

    with torch.enable_grad():
        try:
            found = torch.autograd.grad(value(), list(parameters.values()), allow_unused=True)
        except RuntimeError as error:
            return Broken(f"there is no gradient: {said(error)}", {})
    for (name, parameter), gradient in zip(parameters.items(), found, strict=True):
        direction = _trained(subject.module, parameter, generator)
        numerical = _numerical(value, parameter, direction)
        got = 0.0 if gradient is None else float((gradient * direction).sum())
        if abs(got - numerical) > 1e-5 * max(abs(got), abs(numerical), 1e-2):
            return Broken(
                f"the gradient of {name} is {_wrong(subject, gradient, got)}, where the result changes by {numerical:.6g} along the same "
                "direction",
                {"lengths": [4, 4], "parameter": name, "backpropagation": got, "numerical": numerical},
            )  # fmt: skip
    return Holds(f"{len(parameters)} parameters, each along a random direction, 4 steps")


def _trained(module: nn.Module, parameter: nn.Parameter, generator: torch.Generator) -> torch.Tensor:
    """A random direction of a parameter; none for the padding symbol of an embedding, which is not trained on purpose."""
    direction = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    for part in module.modules():
        if isinstance(part, nn.Embedding) and part.weight is parameter and part.padding_idx is not None:
            direction[part.padding_idx] = 0.0
    return direction


def _wrong(subject: Subject, gradient: torch.Tensor | None, got: float) -> str:
    """What is wrong with a gradient, in words."""
    if gradient is None or not gradient.any():
        return "missing (0: it is never trained)"
    cut = _cut(subject)
    return f"{got:.6g} (none reaches step {cut} of 4 through the state)" if cut else f"{got:.6g}"


def _cut(subject: Subject) -> str:
    """The steps that no gradient of the last output reaches although the last step's does; empty if there are none, or it can't be told."""
    seen: list[torch.Tensor] = []

    def keep(_: nn.Module, __: object, output: torch.Tensor) -> torch.Tensor:
        seen.append(output.detach().requires_grad_())
        return seen[-1]

    sequence = subject.draw([4])[0]
    embedding = next((m for m in subject.module.modules() if isinstance(m, nn.Embedding)), None)
    if subject.symbols is None:
        seen.append(sequence.requires_grad_())
    hook = embedding.register_forward_hook(keep) if subject.symbols is not None and embedding is not None else None
    with torch.enable_grad():
        output = subject.outputs([sequence])[0]
        gradients = torch.autograd.grad((output[-1] if subject.stepwise else output).sum(), seen, allow_unused=True)
    if hook is not None:
        hook.remove()
    if len(gradients) == 4:  # one embedding for each step of a loop
        reached = [g is not None and bool(g.any()) for g in gradients]
    elif len(gradients) == 1 and gradients[0] is not None:
        reached = [bool(row.any()) for row in gradients[0].reshape(4, -1)]
    else:
        return ""
    return ", ".join(str(t + 1) for t in range(4) if not reached[t]) if reached[3] else ""


def numbers_keep_their_precision(subject: Subject) -> Outcome:
    """Weights moved by very little: the result moves in proportion, unless it is rounded on the way."""
    if subject.coarse:
        return Broken(
            f"it computes in float32 only; in float64 it fails: {subject.coarse}",
            {"asked with": "module.double(), input.double()"},
        )
    if subject.dtype != torch.float64:
        return NotAsked("its weights are not in float64")
    parameters = [p for p in subject.module.parameters() if p.is_floating_point()]
    if not parameters:
        return NotAsked("it has no weights")
    for seed in (1, 2):
        sequences, generator = subject.draw([4, 4], seed), torch.Generator().manual_seed(seed)
        directions = [
            torch.randn(p.shape, generator=generator, dtype=p.dtype) * max(float(p.abs().mean()), 1e-3)
            for p in parameters
        ]
        fine = _moved(subject, sequences, parameters, directions, STEP)
        bends = [
            (step, found)
            for step in (1e-5, 1e-4, 1e-3)
            if float(((found := _moved(subject, sequences, parameters, directions, step)) - fine).abs().max())
            > STEEPEST * step * max(float(fine.abs().max()), float(found.abs().max()))
        ]
        if not bends:
            return Holds("all weights moved by a millionth of their size, and by up to a thousandth")
    step, found = bends[0]
    worst = int((fine - found).abs().argmax())
    return Broken(
        "the result does not move in proportion when weights move by very little: on the way numbers are rounded to fewer digits than "
        "the weights have",
        {"weights moved by": [STEP, step], "change per unit": [float(fine[worst]), float(found[worst])]},
    )


def _moved(
    subject: Subject,
    sequences: list[torch.Tensor],
    parameters: list[nn.Parameter],
    directions: list[torch.Tensor],
    step: float,
) -> torch.Tensor:
    """How much each output changes per unit, all parameters moved together."""
    found, before = [], [p.data for p in parameters]
    for sign in (1, -1):
        for parameter, value, direction in zip(parameters, before, directions, strict=True):
            parameter.data = value + sign * step * direction
        found.append(torch.cat([o.reshape(-1) for o in subject.outputs(sequences)]))
    for parameter, value in zip(parameters, before, strict=True):
        parameter.data = value
    return (found[0] - found[1]) / (2 * step)


def _numerical(value: Callable[[], torch.Tensor], parameter: nn.Parameter, direction: torch.Tensor) -> float:
    with torch.no_grad():
        before = copy.deepcopy(parameter.data)
        parameter.data = before + STEP * direction
        above = float(value())
        parameter.data = before - STEP * direction
        below = float(value())
        parameter.data = before
    return (above - below) / (2 * STEP)


LAWS = (
    Law(
        "precision", "Numbers keep the precision of the weights.",
        "torch.zeros() without dtype=x.dtype, or .half() or .float() on the way", numbers_keep_their_precision,
    ),
    Law(
        "gradients", "Gradients equal numerical ones.",
        "detach() or no_grad() inside the loop over time, or a backward written by hand", gradients_are_right,
        needs=("repeat", "precision"),
    ),
    Law("saved", "Saved equals loaded.", "a tensor that is neither Parameter nor buffer", saved_is_loaded),
    Law("engines", "Engines agree.", "a fault of ours: please report it", engines_agree),
)  # fmt: skip
