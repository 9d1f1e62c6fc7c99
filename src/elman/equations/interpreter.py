"""Run a pointwise program in NumPy: what an engine in another language must agree with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from elman.cells.functions import NUMPY
from elman.equations.program import Program

_ARITHMETIC = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "negative": np.negative}


def run(program: Program, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a program by name.

    Args:
        program: what to run.
        inputs: an array for each name in `program.inputs`, all of one shape (or broadcastable).
    """
    registers: list[Any] = [inputs[name] for name in program.inputs]
    registers += [None] * (program.registers - len(registers))

    def value(place: int) -> Any:
        return registers[place] if place >= 0 else program.constants[-1 - place]

    for instruction in program.code:
        function = _ARITHMETIC.get(instruction.operation) or NUMPY[instruction.operation]
        registers[instruction.result] = function(*(value(p) for p in instruction.operands))
    return {name: value(place) for name, place in program.outputs}
