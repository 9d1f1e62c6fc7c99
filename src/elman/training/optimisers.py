"""The optimisers of the course, by name. The arithmetic is `torch.optim`'s; the rate comes from the schedule, step by step."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, optim

from elman.training.settings import TrainingSettings


def make_optimiser(settings: TrainingSettings, parameters: Iterable[Tensor]) -> optim.Optimizer:
    """The optimiser that the settings name, over `parameters`.

    With gradient g, weight w, rate η:

    - `sgd`: w -= η g; with momentum μ: v = μ v + g, w -= η v; Nesterov (1983): w -= η (g + μ v).
    - `rmsprop` (Hinton 2012): s = 0.99 s + 0.01 g², w -= η g / √s.
    - `adagrad` (Duchi et al. 2011): s += g², w -= η g / √s.
    - `adam` (Kingma and Ba 2015): bias-corrected means of g (0.9) and g² (0.999), w -= η m / √v.
    - `adamw` (Loshchilov and Hutter 2019): the same, and w -= η λ w apart from the gradient.

    All weights in one call where torch has it (all but rmsprop): its loop over single tensors takes as long as a small layer.
    """
    rate, decay = settings.rate, settings.weight_decay
    match settings.optimiser:
        case "sgd":
            return optim.SGD(
                parameters,
                lr=rate,
                momentum=settings.momentum,
                nesterov=settings.nesterov,
                weight_decay=decay,
                fused=True,
            )
        case "rmsprop":
            return optim.RMSprop(parameters, lr=rate, momentum=settings.momentum, weight_decay=decay)
        case "adagrad":
            return optim.Adagrad(parameters, lr=rate, weight_decay=decay, fused=True)
        case "adam":
            return optim.Adam(parameters, lr=rate, weight_decay=decay, fused=True)
        case "adamw":
            return optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)


def set_rate(optimiser: optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step."""
    for group in optimiser.param_groups:
        group["lr"] = rate
