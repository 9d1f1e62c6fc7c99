"""What a recurrent cell is: names, and one pure function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elman.errors import CellError


class Names:
    """Values by attribute or key: `x.i`, `s["c"]`. Asking for a name that is not there says which are."""

    def __init__(self, what: str, values: Mapping[str, Any]) -> None:
        self.__what = what
        self.__values = values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # protocols such as copying ask for these
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        try:
            return self.__values[name]
        except KeyError:
            known = ", ".join(self.__values) or "none"
            raise CellError(f"the step asks for {self.__what}.{name}; what this cell declares is: {known}") from None


class Cell:
    """The equations of one step of a recurrent layer.

    A subclass says its names and computes one step:

    - `gates`: the blocks of the affine maps. `x.k` is W_ik x_t + b_ik, `h.k` is W_hk h_{t-1} + b_hk. `h(v).k` applies the same
      recurrent map to another vector v than the previous output (a matrix product in mid-step).
    - `state`: what is carried from step to step, each of [units]; the first one is the output. `s.k` is the previous one.
    - `vectors`: weights with one number for each unit (peepholes), given to the step as a fourth argument `p`.
    - `forget_gate`: the gate that lets the state survive where it is open, if there is one; its bias can be raised at the start.

    `step` returns everything it computes, by name, the new state among it. It may use `+ - * /`, whole powers and the functions of
    `elman.cells`; it may not branch on values, since it is also run on symbols.
    """

    name: str = ""
    gates: tuple[str, ...] = ("h",)
    state: tuple[str, ...] = ("h",)
    vectors: tuple[str, ...] = ()
    forget_gate: str | None = None

    def step(self, *blocks: Any) -> dict[str, Any]:
        """One step: `step(x, h, s)`, or `step(x, h, s, p)` for a cell with `vectors`."""
        raise NotImplementedError

    def __call__(self, x: Any, h: Any, s: Any, p: Any) -> dict[str, Any]:
        """Run `step` and check that what it returns holds every state."""
        computed = self.step(x, h, s, p) if self.vectors else self.step(x, h, s)
        if not isinstance(computed, Mapping):
            raise CellError(
                f"{self.title}.step must return a dict of everything it computes, by name; got {type(computed).__name__}"
            )
        missing = [k for k in self.state if k not in computed]
        if missing:
            raise CellError(
                f"{self.title}.step must return its new state {', '.join(self.state)}; {', '.join(missing)} is missing"
            )
        return dict(computed)

    @property
    def title(self) -> str:
        """The registered name, or the name of the class."""
        return self.name or type(self).__name__

    def __repr__(self) -> str:
        return f"{type(self).__name__}(gates={self.gates}, state={self.state})"
