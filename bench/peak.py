"""What this machine can do at most, measured in the same run: multiply-adds on registers alone."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from elman.engines.fused import instruction_sets

BURST = 0.02  # seconds


def peak(threads: int, seconds: float = BURST, *, bf16: bool = False) -> float:
    """GF/s of the fastest build; bf16: with dot products of pairs. 0 where there are no kernels or no such instruction."""
    if not instruction_sets():
        return 0.0
    kernels: Any = import_module("elman._kernels")
    found: float = kernels.peak("", threads, seconds, bf16) / 1e9
    return found


def peaks(threads: int) -> list[dict[str, Any]]:
    """Of one core, of two, and of as many as the run uses."""
    counts = sorted({1, min(2, os.cpu_count() or 1), threads})
    return [
        {
            "threads": n,
            "gflops": max(peak(n) for _ in range(5)),
            "bf16_gflops": max(peak(n, bf16=True) for _ in range(5)),
        }
        for n in counts
    ]


def sentence(found: list[dict[str, Any]]) -> str:
    if not found[0]["gflops"]:
        return "No kernels are installed, so there is no FMA peak to hold times against."
    cores = "; ".join(
        f"{p['threads']} core{'s' * (p['threads'] > 1)}: {p['gflops']:.0f} GF/s"
        + (f" (bfloat16 dot products {p['bf16_gflops']:.0f})" if p["bf16_gflops"] else "")
        for p in found
    )
    return f"FMA peak, float32, {instruction_sets()[0]}: {cores}"
