"""Hidden layers that read one vector: what the models without recurrence are made of."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from elman.cells import functions
from elman.models.settings import ModelSettings
from elman.nn import dropout


class FeedForward(nn.Module):
    """v_k = f(W_k v_{k-1} + b_k) for each hidden layer, then an affine output; dropout before every map but the first.

    Args:
        settings: `hidden_layers`, `activation`, `dropout`.
        inputs: numbers in the vector; None where the vector is already the first hidden layer's (before its activation).
        outputs: logits.
    """

    def __init__(self, settings: ModelSettings, inputs: int | None, outputs: int) -> None:
        super().__init__()
        self.p = settings.dropout
        self.activation = getattr(functions, settings.activation)
        self.dropout_generator: torch.Generator | None = None
        sizes = [*([] if inputs is None else [inputs]), *settings.hidden_layers, outputs]
        self.begins_hidden = inputs is None
        self.layers = nn.ModuleList(nn.Linear(n, m, device="meta") for n, m in pairwise(sizes))
        if not torch.empty(0).is_meta:
            self.layers.to_empty(device="cpu")

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator) -> None:
        """Uniform between ±1/√n with n the inputs of a map, as torch.nn.Linear starts."""
        for layer in self.layers:
            weight, bias = layer.parameters()
            bound = 1 / math.sqrt(weight.shape[1])
            weight.uniform_(-bound, bound, generator=generator)
            bias.uniform_(-bound, bound, generator=generator)

    def forward(self, values: Tensor) -> Tensor:
        """Logits [B, outputs] of vectors [B, inputs]."""
        hidden = self.begins_hidden
        for layer in self.layers:
            if hidden:
                values = self.activation(values)
                values = dropout(values, self.p, self.dropout_generator) if self.training else values
            values = layer(values)
            hidden = True
        return values
