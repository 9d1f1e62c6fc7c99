"""Dropout that draws from a generator of its own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def dropout(values: Tensor, p: float, generator: torch.Generator | None) -> Tensor:
    """Each value zero with probability p, the others scaled by 1 / (1 - p), so that the mean stays.

    Without a generator it draws from torch's global one, as torch.nn does. With one, p is taken to the nearest 65536th.

    Source: Srivastava et al., Dropout, JMLR 15 (2014); scaling at training time.
    """
    if p == 0.0:
        return values
    if p == 1.0:
        return values * 0.0
    if generator is None:
        return functional.dropout(values, p)
    # Four values of 16 bits from each whole number that is drawn: bernoulli_ takes ten times as long, and was a third of a model's step.
    drawn = torch.empty((values.numel() + 3) // 4, dtype=torch.int64, device=generator.device)
    bits = drawn.random_(-(2**63), None, generator=generator).view(torch.int16)[: values.numel()].view(values.shape)
    dropped = min(max(round(p * 65536), 1), 65535)
    keep = bits.ge_(dropped - 32768)  # 0 or 1, where the bits were: a third less time than a tensor of truth values
    return values * keep.to(values).div_(1 - p)
