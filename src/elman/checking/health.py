"""What `elman doctor` looks at."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch

from elman.cells import get, names
from elman.data import SOURCES
from elman.engines.bptt import bptt
from elman.engines.fused import instruction_sets
from elman.engines.native import kernel_of
from elman.equations import compile_step, trace
from elman.nn import Recurrent

PACKAGES = ("torch", "numpy", "sympy", "pydantic", "safetensors", "plotly", "typer", "rich")


def examine() -> list[dict[str, Any]]:
    """Findings, each with "what", "ok" and "detail"."""
    return [_python(), *_packages(), _processor(), _engines(), _cells(), _agreement(), _data()]


def _finding(what: str, detail: str, *, ok: bool = True) -> dict[str, Any]:
    return {"what": what, "ok": ok, "detail": detail}


def _python() -> dict[str, Any]:
    return _finding("Python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def _packages() -> list[dict[str, Any]]:
    findings = []
    for name in PACKAGES:
        try:
            findings.append(_finding(name, version(name)))
        except PackageNotFoundError:
            findings.append(_finding(name, "missing: install elman again", ok=False))
    return findings


def _processor() -> dict[str, Any]:
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else "no CUDA device"
    detail = f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}, {accelerator}"
    return _finding("processor", detail)


def _engines() -> dict[str, Any]:
    sets = instruction_sets()
    fast = [n for n in names() if kernel_of(trace(get(n)))]
    compiled = (
        f"fused ({sets[0]})" if sets else "fused is missing: a C++ compiler was not found when Elman was installed"
    )
    return _finding("engines", f"{compiled}; torch's kernels for {', '.join(fast)}; loop for every cell")


def _cells() -> dict[str, Any]:
    """How many cells compile to a pointwise program."""
    traces = [trace(get(n)) for n in names()]
    compiled = [t for t in traces if t.obstacle is None and compile_step(t).forward.code]
    return _finding("cells", f"{len(traces)} built in, {len(compiled)} of them as pointwise programs")


def _agreement() -> dict[str, Any]:
    """Loop and torch engine against the paper engine on an LSTM, gradients included."""
    began = time.monotonic()
    generator = torch.Generator().manual_seed(1)
    xs = torch.randn(9, 3, 5, generator=generator, dtype=torch.float64)
    sent = torch.randn(9, 3, 7, generator=generator, dtype=torch.float64)
    worst = 0.0
    engines = ("loop", "torch", "fused") if instruction_sets() else ("loop", "torch")
    for engine in engines:
        layer = Recurrent("lstm", 5, 7, engine=engine, dtype=torch.float64)
        layer.reset_parameters(generator)
        outputs, _ = layer(xs)
        outputs.backward(sent)
        derived = bptt("lstm", layer.state_dict(), xs, sent)
        worst = max(
            worst,
            *(
                float(np.abs(derived[n] - p.grad.numpy()).max())
                for n, p in layer.named_parameters()
                if p.grad is not None
            ),
        )
    detail = (
        f"{', '.join(engines)} and derived formulas differ by at most {worst:.1e} ({time.monotonic() - began:.1f} s)"
    )
    return _finding("agreement", detail, ok=worst < 1e-10)


def _data() -> dict[str, Any]:
    folder = os.environ.get("ELMAN_DATA")
    if folder and not os.path.isdir(folder):  # noqa: PTH112
        return _finding("data", f"ELMAN_DATA is {folder}, which is not a folder", ok=False)
    return _finding("data", f"{len(SOURCES)} sources; ELMAN_DATA is {folder or 'not set'}; `elman data` tells more")
