"""What a layer's arguments must be; the sentences are torch.nn's, which people search for.

All raise WrongTypeError or InputError.
"""

from __future__ import annotations

from typing import Any

from elman.errors import InputError, WrongTypeError


def positive(name: str, value: Any) -> int:
    """A whole number above zero."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise WrongTypeError(f"{name} should be of type int, got: {type(value).__name__}")
    if value <= 0:
        raise InputError(f"{name} must be greater than zero, got {value}")
    return value


def boolean(name: str, value: Any) -> bool:
    """True or False, not something that counts as one."""
    if not isinstance(value, bool):
        raise WrongTypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    return value


def probability(value: Any, name: str = "dropout") -> float:
    """A share of dropout, from 0 to 1."""
    if value is None or isinstance(value, (list, tuple, dict)):
        raise WrongTypeError(f"{name} should be a number in range [0, 1], got: {type(value).__name__}")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise InputError(
            f"{name} should be a number in range [0, 1] representing the probability of an element being zeroed, got {value!r}"
        )
    return float(value)
