"""What a question asks of the student's file: actions, as data. Nothing here knows an expected value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Action = list[Any]


def array(value: Any, kind: str = "numpy") -> dict[str, Any]:
    """Numbers on their way to the student's file; `kind` is "numpy", "int", "torch" or "int torch"."""
    return {"array": np.asarray(value).tolist(), "kind": kind}


THE_OBJECT = {"object": True}
"""As an argument: the object that `make` made."""


def generator(seed: int) -> dict[str, Any]:
    """A NumPy generator, made over there."""
    return {"array": seed, "kind": "generator"}


def plain(value: Any) -> Any:
    """Arguments: arrays inside lists and dicts become `array`."""
    if isinstance(value, np.ndarray):
        return array(value, "int" if value.dtype.kind in "iu" else "numpy")
    if isinstance(value, dict) and not {"array", "object"} & set(value):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def call(name: str, *args: Any, times: int = 1) -> Action:
    """Call a function of the file, `times` times with the same arguments."""
    return ["call", name, plain(list(args)), times]


def make(name: str, *args: Any) -> Action:
    """Make an object of a class of the file."""
    return ["make", name, plain(list(args))]


def expect(*names: str) -> Action:
    """Attributes that the constructor has to have made."""
    return ["expect", list(names)]


def assign(values: Mapping[str, Any]) -> Action:
    """Set attributes of the object."""
    return ["set", {k: plain(v) for k, v in values.items()}]


def method(name: str, *args: Any) -> Action:
    """Call a method of the object."""
    return ["method", name, plain(list(args))]


def read(name: str) -> Action:
    """Read an attribute of the object, or of the file."""
    return ["get", name]
