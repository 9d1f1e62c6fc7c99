"""Random crossed configurations of the three standard modules, and the one comparison that all tests of this folder use."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import elman.nn
from elman.engines.fused import instruction_sets

KINDS = ("rnn_tanh", "rnn_relu", "lstm", "gru")
FORMS = ("padded", "packed sorted", "packed unsorted", "unbatched")
Results = dict[str, Tensor]


@dataclass(frozen=True)
class Config:
    kind: str
    layers: int
    bidirectional: bool
    inputs: int
    units: int
    batch: int
    steps: int
    form: str
    batch_first: bool
    bias: bool
    with_state: bool
    strided: bool
    seed: int

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1


def draw(kind: str, count: int, seed: int) -> list[Config]:
    rng = random.Random(f"{kind} {seed}")
    configs = []
    for at in range(count):
        form = rng.choice(FORMS)
        inputs = rng.choice((1, 2, 3, 5, 9))
        units = rng.choice([u for u in (1, 2, 3, 4, 7, 11) if u != inputs] if rng.random() < 0.8 else [inputs])
        configs.append(
            Config(
                kind=kind,
                layers=rng.choice((1, 2, 2, 3)),
                bidirectional=rng.random() < 0.5,
                inputs=inputs,
                units=units,
                batch=1 if form == "unbatched" else rng.choice((1, 3, 3)),
                steps=rng.choice((1, 2, 3, 17)) if at else 128,
                form=form,
                batch_first=rng.random() < 0.5,
                bias=rng.random() < 0.7,
                with_state=rng.random() < 0.6,
                strided=rng.random() < 0.5,
                seed=seed * 1000 + at,
            )
        )
    return configs


def build(library: Any, config: Config, **options: Any) -> nn.Module:
    """The module of `torch.nn` or `elman.nn`, in float64."""
    c = config
    arguments = {
        "num_layers": c.layers,
        "bias": c.bias,
        "batch_first": c.batch_first,
        "bidirectional": c.bidirectional,
        "dtype": torch.float64,
        **options,
    }
    if c.kind.startswith("rnn"):
        arguments["nonlinearity"] = c.kind.removeprefix("rnn_")
    name = {"lstm": "LSTM", "gru": "GRU"}.get(c.kind, "RNN")
    return getattr(library, name)(c.inputs, c.units, **arguments)


def reference(config: Config) -> nn.Module:
    """torch.nn's module with distinct random weights, larger than its own, so that gates are far from their middle."""
    module = build(nn, config)
    generator = torch.Generator().manual_seed(config.seed)
    bound = 1.3 / config.units**0.5
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-bound, bound, generator=generator)
    return module


# Engines that run here: the fused one needs a C++ compiler at installation.
HERE = ["loop", "torch", *(["fused"] if instruction_sets() else [])]


def ours(config: Config, state: dict[str, Tensor], engine: str = "loop") -> nn.Module:
    module = build(elman.nn, config, engine=engine)
    module.load_state_dict(state)
    return module


@dataclass
class Case:
    """Inputs and states of one call; `call` builds them afresh from the leaves, so that gradients reach those."""

    config: Config
    leaf: Tensor
    states: list[Tensor]
    lengths: list[int]
    weights: list[Tensor]

    def input(self) -> Tensor | PackedSequence:
        c = self.config
        x = self.leaf[..., ::2] if c.strided else self.leaf  # [T, B, I], or every second column of a wider tensor
        if c.form == "unbatched":
            return x[:, 0]
        x = x.transpose(0, 1) if c.batch_first else x
        if c.form == "padded":
            return x
        return pack_padded_sequence(
            x, torch.tensor(self.lengths), batch_first=c.batch_first, enforce_sorted=c.form == "packed sorted"
        )

    def hx(self) -> Any:
        if not self.config.with_state:
            return None
        states = [s[..., ::2] if self.config.strided else s for s in self.states]
        if self.config.form == "unbatched":
            states = [s[:, 0] for s in states]
        return tuple(states) if self.config.kind == "lstm" else states[0]


def make_case(config: Config) -> Case:
    c = config
    generator = torch.Generator().manual_seed(c.seed + 1)
    wide = 2 if c.strided else 1

    def randn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    rng = random.Random(c.seed)
    lengths = [rng.randint(1, c.steps) for _ in range(c.batch)]
    lengths[rng.randrange(c.batch)] = c.steps
    if c.form == "packed sorted":
        lengths.sort(reverse=True)
    full = c.layers * c.directions
    weights = [randn(c.steps * c.batch, c.directions * c.units), *(randn(full, c.batch, c.units) for _ in range(2))]
    states = [randn(full, c.batch, c.units * wide).mul_(0.7) for _ in range(2 if c.kind == "lstm" else 1)]
    return Case(c, randn(c.steps, c.batch, c.inputs * wide), states, lengths, weights)


def outcome(
    case: Case, call: Callable[[Any, Any], tuple[Any, Any]], parameters: Iterator[tuple[str, Tensor]] | None = None
) -> Results:
    """Outputs, final states and every gradient of a random sum of both; `call(input, hx)` runs the module."""
    case.leaf.requires_grad_().grad = None
    for state in case.states:
        state.requires_grad_().grad = None
    named = dict(parameters or ())
    for parameter in named.values():
        parameter.grad = None
    output, hx = call(case.input(), case.hx())
    data = output.data if isinstance(output, PackedSequence) else output
    rows = data.reshape(-1, data.shape[-1])
    finals = list(hx) if isinstance(hx, tuple) else [hx]
    loss = (rows * case.weights[0][: rows.shape[0]]).sum()
    for final, weight in zip(finals, case.weights[1:], strict=False):
        loss = loss + (final * weight.reshape(final.shape)).sum()
    loss.backward()
    results = {"output": data.detach(), **{f"final {k}": f.detach() for k, f in enumerate(finals)}}
    leaves = {"the input": case.leaf, **named}
    if case.config.with_state:
        leaves |= {f"state {k}": s for k, s in enumerate(case.states)}
    return results | {
        f"gradient of {k}": torch.zeros_like(v) if v.grad is None else v.grad.clone() for k, v in leaves.items()
    }


def run(module: nn.Module, case: Case) -> Results:
    return outcome(case, module, module.named_parameters())


def differences(found: Results, wanted: Results) -> dict[str, float]:
    """By name, the largest difference; gradients relative to their size where that is above 1. Another shape is infinitely far."""
    far = dict.fromkeys(set(found) ^ set(wanted), float("inf"))
    for name in set(found) & set(wanted):
        a, b = found[name], wanted[name]
        if a.shape != b.shape:
            far[name] = float("inf")
            continue
        scale = max(1.0, float(b.abs().max())) if name.startswith("gradient") else 1.0
        worst = float((a - b).abs().max()) / scale
        far[name] = worst if worst == worst else float("inf")  # NaN is as far as it gets
    return far


def too_far(far: dict[str, float]) -> dict[str, float]:
    """What breaks the project's tolerances: 1e-12 for values, 1e-11 for gradients."""
    return {name: d for name, d in far.items() if not d <= (1e-11 if name.startswith("gradient") else 1e-12)}


def varied(config: Config, **changes: Any) -> Config:
    return replace(config, **changes)
