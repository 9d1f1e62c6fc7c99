"""Plans that can't be right: the kernels trust their numbers with addresses, so each is refused where it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from random_layers import cell_of

from elman.engines import fused
from elman.engines.plans import plan_numbers
from elman.equations import trace

pytestmark = pytest.mark.skipif(not fused.instruction_sets(), reason="Elman was installed without a C++ compiler")
HUGE = 2**31 - 1

# What a Plan is made of, by place: x_block, h_block, history, vectors, saved, then code, constants, inputs, outputs, registers twice.
X_BLOCK, H_BLOCK, HISTORY, VECTORS, SAVED = range(5)
CODE, CONSTANTS, INPUTS, OUTPUTS, REGISTERS = range(5, 10)
BACK = 5
COLUMN, STATE_OLD, STATE_NEW, VECTOR, SAVED_SLOT, GRADIENT = range(6)
Edit = Callable[[list[Any]], Any]


def put(at: int, value: Any) -> Edit:
    return lambda numbers: numbers.__setitem__(at, value)


def put_in(at: int, line: int, place: int, value: Any) -> Edit:
    return lambda numbers: numbers[at][line].__setitem__(place, value)


PLANS: dict[str, Edit] = {
    "no states": put(HISTORY, []),
    "65 states": put(HISTORY, [-1] * 65),
    "a block less": lambda n: n[X_BLOCK].pop(),
    "an x-block too high": lambda n: n[X_BLOCK].__setitem__(0, 4),
    "a huge h-block": lambda n: n[H_BLOCK].__setitem__(0, HUGE),
    "a block below -1": lambda n: n[H_BLOCK].__setitem__(0, -2),
    "a block twice": lambda n: n[X_BLOCK].__setitem__(0, n[X_BLOCK][1]),
    "history among the saved": lambda n: n[HISTORY].__setitem__(1, 0),
    "history too high": lambda n: n[HISTORY].__setitem__(1, 99),
    "a state without its history": lambda n: n[HISTORY].__setitem__(1, -1),
    "negative vectors": put(VECTORS, -1),
    "huge vectors": put(VECTORS, HUGE),
    "negative saved": put(SAVED, -1),
    "huge saved": put(SAVED, HUGE),
    "too large for an int": put(SAVED, 2**31),
    "half a number": put(SAVED, 1.5),
    "text": put(CODE, "code"),
    "None": put(CODE, None),
    "65 constants": put(CONSTANTS, [1.0] * 65),
    "no constants, though they are used": put(BACK + CONSTANTS, []),
    "a constant that is text": put(CONSTANTS, ["1"]),
    "negative registers": put(REGISTERS, -1),
    "no registers": put(REGISTERS, 0),
    "5000 registers": put(REGISTERS, 5000),
    "an unknown operation": put_in(CODE, 0, 0, 18),
    "a negative operation": put_in(CODE, 0, 0, -1),
    "an instruction too short": lambda n: n[CODE][0].pop(),
    "an instruction too long": lambda n: n[CODE][0].append(0),
    "a result beyond the registers": put_in(CODE, 0, 1, 4095),
    "a result in a constant": put_in(CODE, 0, 1, -1),
    "a result in an input": put_in(CODE, 0, 1, 0),
    "an operand beyond the registers": put_in(CODE, 0, 2, 4095),
    "an operand beyond the constants": put_in(CODE, 0, 3, -65),
    "the smallest int": put_in(CODE, 0, 3, -(2**31)),
    "an input of two numbers": lambda n: n[INPUTS][0].pop(),
    "an input of nothing": lambda n: n[INPUTS][0].clear(),
    "an input in a constant": put_in(INPUTS, 0, 2, -1),
    "an input in another's register": put_in(INPUTS, 0, 2, 1),
    "an input beyond the registers": put_in(INPUTS, 0, 2, 4000),
    "an unknown kind": put_in(INPUTS, 0, 0, 6),
    "a negative kind": put_in(INPUTS, 0, 0, -1),
    "forward from a gradient": put_in(INPUTS, 0, 0, GRADIENT),
    "forward from what is saved": put_in(INPUTS, 0, 0, SAVED_SLOT),
    "forward from the new state": put_in(INPUTS, 0, 0, STATE_NEW),
    "a column too high": put_in(INPUTS, 0, slice(0, 2), [COLUMN, 4]),
    "a negative column": put_in(INPUTS, 0, slice(0, 2), [COLUMN, -1]),
    "an old state too high": put_in(INPUTS, 0, slice(0, 2), [STATE_OLD, 2]),
    "a vector that there is not": put_in(INPUTS, 0, slice(0, 2), [VECTOR, 0]),
    "an output to a column": put_in(OUTPUTS, 0, 0, COLUMN),
    "an output to the old state": put_in(OUTPUTS, 0, 0, STATE_OLD),
    "a new state too high": put_in(OUTPUTS, 0, slice(0, 2), [STATE_NEW, 2]),
    "a quantity too high": put_in(OUTPUTS, 0, slice(0, 2), [SAVED_SLOT, 99]),
    "an output beyond the registers": put_in(OUTPUTS, 0, 2, 4000),
    "an output beyond the constants": put_in(OUTPUTS, 0, 2, -99),
    "an output of one number": put(OUTPUTS, [[STATE_NEW]]),
    "back from a column": put_in(BACK + INPUTS, 0, 0, COLUMN),
    "back from a quantity too high": put_in(BACK + INPUTS, 0, slice(0, 2), [SAVED_SLOT, 99]),
    "back from a gradient too high": put_in(BACK + INPUTS, 0, slice(0, 2), [GRADIENT, 2]),
    "back to a gradient": put_in(BACK + OUTPUTS, 0, 0, GRADIENT),
    "back to the new state": put_in(BACK + OUTPUTS, 0, 0, STATE_NEW),
    "back to what is saved": put_in(BACK + OUTPUTS, 0, 0, SAVED_SLOT),
    "back to a column too high": put_in(BACK + OUTPUTS, 0, slice(0, 2), [COLUMN, 4]),
    "back to a vector that there is not": put_in(BACK + OUTPUTS, 0, slice(0, 2), [VECTOR, 0]),
    "too few arguments": lambda n: n.pop(),
    "too many": lambda n: n.append(0),
}


def numbers_of(name: str) -> list[Any]:
    def copied(value: Any) -> Any:
        return [copied(v) for v in value] if isinstance(value, (list, tuple)) else value

    return list(copied(plan_numbers(trace(cell_of(name)))))


@pytest.mark.parametrize("edit", PLANS.values(), ids=PLANS)
def test_plans(edit: Edit) -> None:
    numbers = numbers_of("lstm")
    fused._kernels.Plan(*numbers)
    edit(numbers)
    with pytest.raises((ValueError, TypeError, IndexError)):
        fused._kernels.Plan(*numbers)
