"""The bench on which defects are tried out: one configuration that crosses everything, and how far a defect is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nn_grid import Case, Config, Results, differences, run
from torch import Tensor, nn

State = dict[str, Tensor]
Call = Callable[[nn.Module, Any, Any], tuple[Any, Any]]
H = 4
BASE = {"layers": 2, "bidirectional": True, "inputs": 8, "units": H, "batch": 3, "steps": 5, "form": "packed unsorted"}
BASE |= {"batch_first": False, "bias": True, "with_state": True, "strided": False, "seed": 77}


def config(kind: str, **changes: Any) -> Config:
    return Config(kind=kind, **{**BASE, **changes})


def values_only(results: Results) -> Results:
    """Without gradients: a defect should be seen going forward."""
    return {k: v for k, v in results.items() if not k.startswith("gradient")}


def seen(found: Results, case: Case, theirs: nn.Module) -> float:
    """The largest difference from torch.nn in what both have."""
    wanted = run(theirs, case)
    both = found.keys() & wanted.keys()
    return max(differences({k: found[k] for k in both}, {k: wanted[k] for k in both}).values())


def per_state(hx: Any, change: Callable[[Tensor], Tensor]) -> Any:
    return tuple(change(s) for s in hx) if isinstance(hx, tuple) else change(hx)
