"""Cells of users' own, as they would write them."""

from __future__ import annotations

from typing import Any

from elman.cells import Cell, sigmoid, tanh


class MyCell(Cell):
    gates = ("k", "n")
    state = ("h", "m")

    def step(self, x: Any, h: Any, s: Any) -> dict[str, Any]:
        keep = sigmoid(x.k + h.k + 1)
        new = tanh(x.n + h.n)
        m = keep * s.m + (1 - keep) * new
        return {"keep": keep, "new": new, "m": m, "h": 0.9 * m + 0.1 * new * s.h}


class LoopCell(Cell):
    """With a product in mid-step and a weight for each unit."""

    gates = ("r", "n")
    vectors = ("u",)

    def step(self, x: Any, h: Any, s: Any, p: Any) -> dict[str, Any]:
        r = sigmoid(x.r + h.r)
        n = tanh(x.n + h(r * s.h).n + p.u * s.h)
        return {"r": r, "n": n, "h": s.h + r * (n - s.h)}
