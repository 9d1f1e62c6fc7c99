"""Which engine runs a layer. Nothing falls back in silence: the choice and its reason are kept for whoever asks."""

from __future__ import annotations

from typing import NamedTuple

from elman.cells.cell import Cell
from elman.engines import loop, native
from elman.engines.layout import LayerCall, LayerResult
from elman.equations.tracing import Trace
from elman.errors import EngineError, InputError

ENGINES = ("auto", "fused", "loop", "torch")


class Choice(NamedTuple):
    """The engine that runs, and why."""

    engine: str
    reason: str


def check_name(engine: str) -> str:
    """The name itself.

    Raises:
        InputError: there is no such engine.
    """
    if engine not in ENGINES:
        raise InputError(f"unknown engine {engine!r}; there are: {', '.join(ENGINES)}")
    return engine


def choose(engine: str, t: Trace, *, empty: bool = False) -> Choice:
    """Resolve an engine's name for a cell.

    Args:
        engine: "auto", "fused", "loop" or "torch".
        t: the traced cell.
        empty: whether the input has no steps or no sequences, which torch's kernels refuse.

    Raises:
        InputError: there is no such engine. EngineError: the engine was asked for by name and can't run this; the message says why.
    """
    check_name(engine)
    kernel = native.kernel_of(t)
    if engine == "fused":
        raise EngineError("the fused engine is not part of this version; engine='auto' takes the fastest one there is")
    if engine == "torch" and kernel is None:
        raise EngineError(
            f"torch has no kernel for cell {t.name}, only for LSTM, GRU and Elman with tanh or relu; engine='loop' runs any cell"
        )
    if engine == "loop":
        return Choice("loop", "asked for")
    if engine == "torch" and not empty:
        return Choice("torch", "asked for")
    if kernel is None:
        return Choice("loop", f"torch has no kernel for cell {t.name}")
    if empty:
        return Choice("loop", "the input is empty, which torch's kernels refuse")
    return Choice("torch", f"torch's own kernel {kernel} computes these equations")


def run(choice: Choice, cell: Cell, t: Trace, call: LayerCall) -> LayerResult:
    """Run one layer with the chosen engine."""
    return native.run(t, call) if choice.engine == "torch" else loop.run(cell, t, call)
