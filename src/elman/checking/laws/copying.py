"""A module of our own to ask: copied, in evaluation mode, in one precision, tensors that torch does not know of included."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from elman.errors import InputError

M = TypeVar("M", bound=nn.Module)


def copied(module: M, dtype: torch.dtype = torch.float64) -> M:
    """A copy in evaluation mode; in float64, rounding can't hide a fault.

    Raises:
        InputError: it can't be copied.
    """
    try:
        made = copy.deepcopy(module).to(dtype).eval()
        for _, part in _unregistered(made):
            part.to(dtype).eval()
        for owner, key, value in _plain(made):
            vars(owner)[key] = value.to(dtype)
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
        raise InputError(
            f"{type(module).__name__} can't be copied ({said(error)}), and laws never touch the original"
        ) from None
    return made


def unsaved_tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Tensors of numbers that state_dict() does not have: plain attributes, and layers in plain lists and dicts."""
    names = {id(part): path for path, part in module.named_modules()}
    for owner, key, value in _plain(module):
        yield f"{names[id(owner)]}.{key}".lstrip("."), value
    for path, part in _unregistered(module):
        for key, value in part.state_dict(keep_vars=True).items():
            if value.is_floating_point():
                yield f"{path}.{key}", value


def said(error: Exception) -> str:
    """The first line of what an exception says, else its kind."""
    return next(iter(str(error).strip().splitlines()), "") or type(error).__name__


def _plain(module: nn.Module) -> Iterator[tuple[nn.Module, str, Tensor]]:
    for part in module.modules():
        for key, value in list(vars(part).items()):
            if isinstance(value, Tensor) and value.is_floating_point():
                yield part, key, value


def _unregistered(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Modules that sit where torch does not look for them."""
    known = {id(part) for part in module.modules()}
    for path, owner in module.named_modules():
        for key, value in vars(owner).items():
            if not key.startswith("_"):
                for name, part in _within(value):
                    if id(part) not in known:
                        yield f"{path}.{key}{name}".lstrip("."), part


def _within(value: Any) -> Iterator[tuple[str, nn.Module]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for key, inner in pairs:
        if isinstance(inner, nn.Module):
            yield f"[{key!r}]", inner
        else:
            yield from ((f"[{key!r}]{name}", part) for name, part in _within(inner))
