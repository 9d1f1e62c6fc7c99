"""Unrolling a cell over time: `loop` (any cell), `native` (torch's kernels), `fused` (C++), `paper` (NumPy, derived formulas)."""

from elman.engines.bptt import bptt
from elman.engines.dispatch import ENGINES, Choice, choose
from elman.engines.layer import Layer, ParameterShapes
from elman.engines.layout import LayerCall, LayerResult
from elman.engines.layouts import LAYOUTS, from_layout
from elman.engines.paper import Paper, Step, StepGradients

__all__ = [
    "ENGINES",
    "LAYOUTS",
    "Choice",
    "Layer",
    "LayerCall",
    "LayerResult",
    "Paper",
    "ParameterShapes",
    "Step",
    "StepGradients",
    "bptt",
    "choose",
    "from_layout",
]
