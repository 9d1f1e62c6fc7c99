"""Dropout on the recurrent weights: the same connections are missing at every step, so the memory is not erased step by step."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from elman.equations.tracing import Trace
from elman.errors import InputError
from elman.nn.arguments import probability
from elman.nn.dropout import dropout

Weights = list[list[Mapping[str, Tensor]]]


def recurrent_probability(value: float, t: Trace) -> float:
    """The share of recurrent weights to drop, from 0 to 1.

    Raises:
        InputError, WrongTypeError: not a probability. InputError: the cell has no recurrent matrix.
    """
    p = probability(value, "recurrent_dropout")
    if p > 0 and not t.h_gates:
        raise InputError(
            f"recurrent_dropout drops weights of the recurrent matrix W_hh, and cell {t.name} has none; use dropout"
        )
    return p


def drop_recurrent(weights: Weights, p: float, generator: torch.Generator | None) -> Weights:
    """Every W_hh (by layer and direction) under a mask of its own: each weight zero with probability p, the others times 1 / (1 - p).

    One mask for a whole sequence: W_hh is dropped once, before the first step. Gradients go through the weights that were kept.

    Source: Merity, Keskar and Socher, Regularizing and optimizing LSTM language models, 2017 (arXiv 1708.02182), section 2:
    DropConnect (Wan et al. 2013) on the hidden-to-hidden weights.
    """
    if p == 0.0:
        return weights
    return [[{**w, "weight_hh": dropout(w["weight_hh"], p, generator)} for w in layer] for layer in weights]
