from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from elman.data import SOURCES, DataSettings


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"validation": 0.5, "test": 0.5}, "leave nothing to train on"),
        ({"validation": -0.1}, "greater than or equal to 0"),
        ({"test": 1.0}, "less than 1"),
        ({"validation": float("nan")}, "nan"),
        ({"max_length": 0}, "greater than or equal to 1"),
        ({"max_symbols": 10}, 'max_symbols needs units = "words"'),
        ({"units": "letters"}, "'characters', 'bytes' or 'words'"),
        ({"source": "nmaes"}, "'names'"),
        ({"kind": "line"}, "'lines', 'continuous' or 'labelled'"),
        ({"shuffle": True}, "Extra inputs"),
    ],
)
def test_impossible_values_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DataSettings(**values)


def test_every_source_can_be_asked_for() -> None:
    for name in SOURCES:
        assert DataSettings(source=name).source == name  # type: ignore[arg-type]


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        DataSettings().max_length = 3  # type: ignore[misc]
