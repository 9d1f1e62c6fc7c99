"""An initial state as people give it, by name; and gradients in the form in which it was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from elman.engines.layer import Array, to_float64
from elman.errors import ShapeError


class StateForm:
    """Knows the form of a given state: None, one array, a tuple or list in the cell's order, or a dict by name.

    Each array is [H], [B, H] or, as torch.nn has it, [1, B, H] (with one layer and direction).
    """

    def __init__(self, names: tuple[str, ...], given: Any, *, batch: int, units: int, batched: bool) -> None:
        self.names = names
        self.given = given
        self.plain = (batch, units) if batched else (units,)
        self.full = (batch, units)
        self.parts: dict[str, Any] = self._by_name(given)
        self.shapes = {k: self._shape(k, v) for k, v in self.parts.items()}

    def _by_name(self, given: Any) -> dict[str, Any]:
        if given is None:
            return {}
        if isinstance(given, Mapping):
            unknown = [k for k in given if k not in self.names]
            if unknown or len(given) != len(self.names):
                raise ShapeError(
                    f"this cell's state is {', '.join(self.names)}; got {', '.join(map(str, given)) or 'none'}"
                )
            return dict(given)
        parts = given if self._several else (given,)
        if len(parts) != len(self.names):
            raise ShapeError(
                f"this cell's state has {len(self.names)} part(s), {', '.join(self.names)}; got {len(parts)}"
            )
        return dict(zip(self.names, parts, strict=True))

    @property
    def _several(self) -> bool:
        """Whether the given state is a tuple of states: a single one may stand alone, as in torch.nn, and may itself be a list."""
        return isinstance(self.given, (tuple, list)) and (
            len(self.names) > 1 or (len(self.given) == 1 and hasattr(self.given[0], "shape"))
        )

    def _shape(self, name: str, value: Any) -> tuple[int, ...]:
        shape = to_float64(value).shape
        if shape not in (self.plain, (1, *self.plain)):
            axes = "[sequences, units]" if len(self.plain) == 2 else "[units]"
            raise ShapeError(f"state {name} is {axes} = {list(self.plain)}; got {list(shape)}")
        return shape

    def values(self) -> dict[str, Array]:
        """Each state as [B, H]; zeros where none was given."""
        return {
            k: to_float64(self.parts[k]).reshape(self.full) if k in self.parts else np.zeros(self.full)
            for k in self.names
        }

    def like_given(self, values: dict[str, Array]) -> Any:
        """Values of [B, H] in the form and shapes of the given state."""
        shaped = {k: values[k].reshape(self.shapes.get(k, self.plain)) for k in self.names}
        if isinstance(self.given, Mapping):
            return shaped
        alone = len(self.names) == 1 and not self._several
        return shaped[self.names[0]] if alone else tuple(shaped[k] for k in self.names)
