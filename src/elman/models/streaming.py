"""`LanguageModel.stream()`: which stream a model gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from elman.engines import dispatch
from elman.engines.streaming import check_stored
from elman.errors import InputError
from elman.models.fused_stream import FusedLanguageStream
from elman.models.language_stream import LanguageStream
from elman.models.stepped_stream import ModuleLanguageStream
from elman.nn.streaming import StreamState

if TYPE_CHECKING:
    from elman.models.language_model import LanguageModel


def language_stream_of(
    model: LanguageModel, count: int, categories: Sequence[int] | Tensor | None, precision: str
) -> LanguageStream:
    """See `LanguageModel.stream`."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InputError(f"count is 1 or more; got {count!r}")
    like = model.output.weight
    check_stored(precision, like.dtype)
    told = _told(model.categories, count, categories)
    layers = model.recurrent
    choice = dispatch.choose(layers.engine, layers.trace, dtype=like.dtype, device=like.device)
    form = StreamState(layers.trace.state, (layers.num_layers, count, layers.hidden_size), like)
    kind = FusedLanguageStream if choice.engine == "fused" else ModuleLanguageStream
    return kind(model, count, told, form, choice, precision)


def _told(known: int, count: int, categories: Sequence[int] | Tensor | None) -> Tensor | None:
    if known == 0 or categories is None:
        if known or categories is not None:
            asked = f"each of the {count} texts needs one of {known}" if known else "it was trained without any"
            raise InputError(f"categories do not fit this model: {asked}")
        return None
    told = torch.as_tensor(categories).cpu()
    if told.shape != (count,) or told.is_floating_point() or bool(((told < 0) | (told >= known)).any()):
        raise InputError(
            f"categories are {count} numbers from 0 to {known - 1}, one for each text; got {told.tolist()}"
        )
    return told.long()
