"""From logits to a symbol: temperature, top-k, top-p, and one uniform number."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from elman.errors import InputError, NonFiniteError

NOTHING_TO_DRAW = (
    "the model's logits are NaN or infinite: nothing can be drawn from them; its weights may have grown too large"
)


def check_filters(temperature: float, top_k: int | None, top_p: float | None, symbols: int) -> None:
    """Complain of a value out of range.

    Raises:
        InputError: a negative or infinite temperature, top_k below 1 or above the vocabulary, top_p outside (0, 1].
    """
    if not math.isfinite(temperature) or temperature < 0:
        raise InputError(f"temperature is 0 (always the likeliest symbol) or above; got {temperature}")
    if top_k is not None and not (isinstance(top_k, int) and 1 <= top_k <= symbols):
        raise InputError(f"top_k is between 1 and the {symbols} symbols of the vocabulary; got {top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise InputError(f"top_p is above 0 and at most 1; got {top_p}")


def filter_logits(
    logits: Tensor, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None
) -> Tensor:
    """Probabilities in float64, [B, V] from logits [B, V].

        p = softmax(logits / temperature), of which the k largest are kept, and of these the fewest that reach top_p; scaled to sum 1

    Temperature 0 puts everything on the likeliest symbol. Where logits are equal the lower symbol number comes first, so top-k keeps
    exactly k. A logit of -inf is a symbol that is never drawn.

    Raises:
        InputError: a value out of range.
        NonFiniteError: a logit is NaN or +inf, or all of a row are -inf.

    Source: Fan, Lewis and Dauphin 2018 (top-k, arXiv 1805.04833); Holtzman et al. 2019 (top-p, arXiv 1904.09751).
    """
    check_filters(temperature, top_k, top_p, logits.shape[-1])
    ordered, order = logits.double().sort(dim=-1, descending=True, stable=True)
    if not bool(torch.isfinite(ordered[..., 0]).all()):  # sorting puts NaN first
        raise NonFiniteError(NOTHING_TO_DRAW)
    if temperature == 0:
        return torch.zeros_like(ordered).scatter_(-1, order[..., :1], 1.0)
    p = torch.softmax((ordered - ordered[..., :1]) / temperature, -1)
    if top_k is not None:
        p[..., top_k:] = 0
        p = _to_one(p)
    if top_p is not None and top_p < 1:  # at 1 a rounded sum could cut off the tail
        # A symbol stays if those before it do not yet reach top_p; the first always does.
        before = torch.nn.functional.pad(p.cumsum(-1)[..., :-1], (1, 0))
        p = torch.where(before < top_p, p, 0.0)
        p = _to_one(p)
    return torch.zeros_like(p).scatter_(-1, order, p)


def _to_one(p: Tensor) -> Tensor:
    """Scaled to sum 1. Summed one after the other, as the kernels do: another order would round differently where top_p is just reached."""
    return p / p.cumsum(-1)[..., -1:]


def draw(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """One symbol for each row of probabilities [B, V]: the first whose cumulative sum exceeds a uniform number."""
    u = torch.rand(probabilities.shape[0], 1, generator=generator, dtype=torch.float64)
    cumulative = probabilities.cumsum(-1)
    # Sums end a rounding error away from 1: compare with what is really there, and never pass the last possible symbol.
    return (
        torch.searchsorted(cumulative, u * cumulative[:, -1:], right=True)
        .squeeze(-1)
        .clamp(max=probabilities.shape[-1] - 1)
    )
