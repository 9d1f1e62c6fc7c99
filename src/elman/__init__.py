"""Elman: write a recurrent cell once, as equations; see every number in it, train it, and check anyone's.

`elman.cells`, `elman.nn` and the functions below are loaded when they are first used, so that importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elman import cells, nn
    from elman.checking.checker import check
    from elman.checking.laws import laws
    from elman.comparing.comparing import compare
    from elman.engines.bptt import bptt
    from elman.equations.explainer import explain
    from elman.errors import ElmanError
    from elman.insight.worked import worked
    from elman.runs.loaded import load
    from elman.runs.training import train

__version__ = "0.1.0"

_HOME = {
    "ElmanError": "elman.errors",
    "bptt": "elman.engines.bptt",
    "check": "elman.checking.checker",
    "compare": "elman.comparing.comparing",
    "explain": "elman.equations.explainer",
    "laws": "elman.checking.laws",
    "load": "elman.runs.loaded",
    "train": "elman.runs.training",
    "worked": "elman.insight.worked",
}
_ROOMS = ("cells", "nn")

__all__ = [
    "ElmanError",
    "__version__",
    "bptt",
    "cells",
    "check",
    "compare",
    "explain",
    "laws",
    "load",
    "nn",
    "train",
    "worked",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _ROOMS:
        return import_module(f"elman.{name}")
    raise AttributeError(f"module 'elman' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
