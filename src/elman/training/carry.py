"""The recurrent state that truncated BPTT hands from one batch to the next: a tensor, a tuple of states, or None."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def detach(state: Any) -> Any:
    """The same numbers without their past: gradients of the next batch stop here. This is what truncates BPTT."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return state.detach()
    return tuple(detach(part) for part in state)


def pack(state: Any, tensors: dict[str, Tensor], name: str = "carry") -> Any:
    """Put the tensors of `state` into `tensors`; what comes back is its shape, with names in place of tensors, for JSON."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        tensors[name] = state
        return name
    return [pack(part, tensors, f"{name}.{number}") for number, part in enumerate(state)]


def unpack(shape: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of `pack`."""
    if shape is None:
        return None
    if isinstance(shape, str):
        return tensors[shape]
    return tuple(unpack(part, tensors) for part in shape)
