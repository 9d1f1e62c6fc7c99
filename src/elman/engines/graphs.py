"""Marks for what torch's compiler may not trace. Its own (`assume_constant_result`, `disable`) import it at once, which takes seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

F = TypeVar("F", bound=Callable[..., Any])


def constant(function: F) -> F:
    """Called while a graph is being compiled; the graph holds what it returned. It is compiled again for other arguments.

    (For another `self` too, but not for what has changed in it.)
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]  # noqa: SLF001 - as assume_constant_result does
    return function


def outside(function: F) -> F:
    """Never in a graph, and nothing that it calls: the graph breaks here."""
    kept: Any = torch._compile._disable_dynamo(function)  # noqa: SLF001 - torch's way to do it without the import
    return kept  # type: ignore[no-any-return]
