"""Which engine runs a layer. Nothing falls back in silence: the choice and its reason are kept for whoever asks."""

from __future__ import annotations

from typing import NamedTuple

import torch

from elman.cells.cell import Cell
from elman.engines import fused, loop, native, operator
from elman.engines.layout import LayerCall, LayerResult
from elman.equations.tracing import Trace
from elman.errors import EngineError, InputError

ENGINES = ("auto", "fused", "loop", "torch")
PRECISIONS = ("float32", "bf16")


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


def check_precision(precision: str, engine: str) -> str:
    """The precision itself.

    Raises:
        InputError: there is no such precision, or the engine asked for does not have it.
    """
    if precision not in PRECISIONS:
        raise InputError(f"unknown precision {precision!r}; there are: {', '.join(PRECISIONS)}")
    if precision == "bf16" and engine in ("loop", "torch"):
        raise InputError(f"precision='bf16' is the fused engine's; engine={engine!r} computes in the weights' own type")
    return precision


def choose(
    engine: str,
    t: Trace,
    *,
    empty: bool = False,
    dtype: torch.dtype = torch.float32,
    device: torch.device = torch.device("cpu"),  # noqa: B008 - a constant
    precision: str = "float32",
    graph: bool = False,
) -> Choice:
    """Resolve an engine's name for a cell.

    Args:
        engine: "auto", "fused", "loop" or "torch".
        t: the traced cell.
        empty: whether the input has no steps or no sequences, which the kernels refuse.
        dtype: of weights and input.
        device: on which they are.
        precision: of the products; another engine than fused computes in the weights' own type, and the reason says so.
        graph: whether it is for a graph that is being compiled.

    Raises:
        InputError: there is no such engine. EngineError: the engine was asked for by name and can't run this; the message says why.
    """
    check_name(engine)
    kernel = native.kernel_of(t)
    obstacle = fused.obstacle(t, dtype, device) or (operator.obstacle(t) if graph else None)
    if precision == "bf16" and dtype != torch.float32:
        raise EngineError(f"precision='bf16' is for float32 weights; these are {dtype}")
    if engine == "fused" and obstacle:
        raise EngineError(f"the fused engine can't run cell {t.name} here: {obstacle}; engine='loop' runs any cell")
    if engine == "torch" and kernel is None:
        raise EngineError(
            f"torch has no kernel for cell {t.name}, only for LSTM, GRU and Elman with tanh or relu; engine='loop' runs any cell"
        )
    if engine == "loop":
        return Choice("loop", "asked for")
    if empty:
        return Choice("loop", "the input is empty, which the kernels refuse")
    if engine != "auto":
        return Choice(engine, "asked for")
    obstacle = obstacle or moment()
    if not obstacle:
        return Choice("fused", "the cell's equations fit a pointwise program, and the kernels run on this CPU")
    if precision == "bf16":
        obstacle += ", so precision='bf16' has no effect"
    if kernel is not None and not _mapped():
        return Choice("torch", f"torch's own kernel {kernel} computes these equations; not fused: {obstacle}")
    other = (
        f"torch has no kernel for cell {t.name}" if kernel is None else f"torch's kernel {kernel} has no rule for it"
    )
    return Choice("loop", f"not fused: {obstacle}; {other}")


def moment() -> str | None:
    """What about this moment, rather than about the cell, keeps the fused engine from being taken by itself."""
    if torch.is_autocast_enabled("cpu"):
        return "autocast is on"
    if torch._C._functorch.maybe_current_level() is not None:  # noqa: SLF001 - there is no public way to ask
        return "a function transform (vmap, grad) is running"
    return None


def _mapped() -> bool:
    """Whether a function transform is running that torch's kernels have no rule for."""
    functorch = torch._C._functorch  # noqa: SLF001 - there is no public way to ask
    stack = functorch.get_interpreter_stack() if functorch.maybe_current_level() is not None else ()
    return any(transform.key() != functorch.TransformType.Grad for transform in stack or ())


def run(choice: Choice, cell: Cell, t: Trace, call: LayerCall) -> LayerResult:
    """Run one layer with the chosen engine."""
    if choice.engine == "fused":
        return fused.run(t, call)
    call = call.spelled_out(len(t.state))
    return native.run(t, call) if choice.engine == "torch" else loop.run(cell, t, call)
