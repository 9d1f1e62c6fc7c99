"""Laws of numbers: what is saved is what was computed with, engines agree, gradients are those of the numbers."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from elman.checking.laws.adapting import plain_tensors
from elman.checking.laws.law import Broken, Holds, Law, NotAsked, Outcome, shown
from elman.checking.laws.subject import Subject
from elman.errors import EngineError
from elman.nn import Recurrent

STEP = 1e-6
"""Of the numerical gradient: in float64 the error of the central difference is about its square."""


def saved_is_loaded(subject: Subject) -> Outcome:
    """state_dict() holds all that the result depends on."""
    sequences = subject.draw([3, 3])
    usual = subject.outputs(sequences)
    names = dict(subject.module.named_parameters()) | dict(subject.module.named_buffers())
    kept = {key: value.clone() for key, value in subject.module.state_dict().items()}
    for name, tensor in plain_tensors(subject.module):
        before = tensor.detach().clone()
        with torch.no_grad():
            tensor.add_(1.0)
            got = subject.outputs(sequences)
            tensor.copy_(before)
        if not all(subject.same(a, b) for a, b in zip(usual, got, strict=True)):
            return Broken(
                f"the result depends on {name}, a plain tensor that state_dict() does not have: after loading it would be another one "
                "(make it a Parameter, or register_buffer)",
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
        said = next(iter(str(error).splitlines()), "")
        return Broken(f"load_state_dict() refuses what state_dict() gave: {said}", {"saved": sorted(kept)})
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
            said = next(iter(str(error).splitlines()), "")
            return Broken(f"there is no gradient: {said}", {})
    for (name, parameter), gradient in zip(parameters.items(), found, strict=True):
        direction = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
        numerical = _numerical(value, parameter, direction)
        got = 0.0 if gradient is None else float((gradient * direction).sum())
        if abs(got - numerical) > 1e-5 * max(abs(got), abs(numerical), 1e-2):
            return Broken(
                f"the gradient of {name} is not that of the numbers: {got:.6g} along a direction in which the result changes by "
                f"{numerical:.6g}",
                {"parameter": name, "backpropagation": got, "numerical": numerical},
            )  # fmt: skip
    return Holds(f"{len(parameters)} parameters, each along a random direction, 4 steps")


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
        "gradients", "Gradients equal numerical ones.",
        "detach() or no_grad() inside the loop over time, or a backward written by hand", gradients_are_right,
    ),
    Law("saved", "Saved equals loaded.", "a tensor that is neither Parameter nor buffer", saved_is_loaded),
    Law("engines", "Engines agree.", "a fault of ours: please report it", engines_agree),
)  # fmt: skip
