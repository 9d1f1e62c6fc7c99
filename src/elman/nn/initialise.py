"""Starting weights by name."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.nn.recurrent import Recurrent

SCHEMES = ("torch", "xavier", "orthogonal", "identity")


@torch.no_grad()
def initialise(
    module: Recurrent,
    scheme: str = "torch",
    *,
    generator: torch.Generator | None = None,
    scale: float = 1.0,
    forget_bias: float | None = None,
) -> None:
    """Give a module its starting weights.

    Args:
        module: what to initialise, in place.
        scheme: one of

            - "torch": uniform between -1/√H and 1/√H, biases too (torch.nn's default);
            - "xavier": each block of both matrices uniform between ±√(6 / (rows + columns)), biases 0 (Glorot and Bengio 2010);
            - "orthogonal": recurrent blocks random orthogonal matrices times `scale`, the others as "xavier" (Saxe et al. 2013,
              arXiv 1312.6120);
            - "identity": recurrent blocks the identity times `scale`, input blocks normal with deviation 0.001, biases 0 (the IRNN
              of Le, Jaitly and Hinton 2015, arXiv 1504.00941, with relu).

          Per-unit weights (`weight_p`) start uniform between ±1/√H, and at `scale` under "identity".
        generator: draws the numbers; None: torch's global one, as torch.nn does.
        scale: factor of the recurrent blocks for "orthogonal" and "identity".
        forget_bias: the total bias of the cell's forget gate at the start (Gers et al. 2000; 1 by Jozefowicz et al. 2015), put
            into `bias_ih` where the gate reads the input, with 0 in `bias_hh`; None leaves it to the scheme.

    Raises:
        InputError: unknown scheme, or a forget bias for a cell or module that has none.
    """
    if scheme not in SCHEMES:
        raise InputError(f"unknown initialisation {scheme!r}; there are: {', '.join(SCHEMES)}")
    if forget_bias is not None and (module.trace.forget_gate is None or not module.bias):
        lacks = "no forget gate" if module.bias else "no biases (bias = false)"
        raise InputError(f"forget_bias is set, but cell {module.trace.name} has {lacks} here; leave it out")
    module.reset_parameters(generator)
    if scheme != "torch":
        for layer in range(module.num_layers):
            for direction in range(module.directions):
                for name, parameter in module.weights_of(layer, direction).items():
                    _fill(module, name, parameter, scheme, generator, scale)
    if forget_bias is not None:
        _set_forget_bias(module, forget_bias)


def _fill(
    module: Recurrent, name: str, parameter: Tensor, scheme: str, generator: torch.Generator | None, scale: float
) -> None:
    H = module.hidden_size
    if name.startswith("bias"):
        parameter.zero_()
    elif name == "weight_p":
        if scheme == "identity":
            parameter.fill_(scale)
        else:
            parameter.uniform_(-1 / math.sqrt(H), 1 / math.sqrt(H), generator=generator)
    elif scheme == "identity":
        if name == "weight_hh":
            parameter.copy_(scale * torch.eye(H, dtype=parameter.dtype).repeat(parameter.shape[0] // H, 1))
        else:
            parameter.normal_(0.0, 0.001, generator=generator)
    else:
        for block in parameter.chunk(parameter.shape[0] // H):
            if scheme == "orthogonal" and name == "weight_hh":
                nn.init.orthogonal_(block, gain=scale, generator=generator)
            else:
                nn.init.xavier_uniform_(block, generator=generator)


def _set_forget_bias(module: Recurrent, value: float) -> None:
    t = module.trace
    for layer in range(module.num_layers):
        for direction in range(module.directions):
            weights = module.weights_of(layer, direction)
            total = value  # into the input's bias if the gate has one, else into the recurrent one
            for name, gates in (("bias_ih", t.x_gates), ("bias_hh", t.h_gates)):
                if name in weights and t.forget_gate in gates:
                    weights[name].data.chunk(len(gates))[gates.index(t.forget_gate)].fill_(total)
                    total = 0.0
