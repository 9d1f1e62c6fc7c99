"""Exercises as TOML: a small network with its numbers, as a course sheet gives them."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from elman.cells import get
from elman.engines.layer import ParameterShapes
from elman.engines.layouts import from_layout
from elman.equations.tracing import trace
from elman.errors import DataError, RecipeError
from elman.insight.worked import Worked, worked

BUILT_IN = ("forward-by-hand", "assignment", "worksheet-rnn", "worksheet-lstm", "slides-lstm", "lesson-rnn")
Matrix = list[list[float]]


class Exercise(BaseModel):
    """A network and its inputs.

    The weights are given in one of three ways: `weights` in torch.nn's names; `input`, `recurrent` and `bias` in the `layout` of a
    course (by gate, or alone for a cell with one); or `fill`, the same number everywhere, with `units`, `outputs` and `bias = true`.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    title: str = ""
    source: str = ""
    cell: str = "elman"
    layout: Literal["columns", "rows", "concatenated"] = "columns"
    xs: Matrix
    targets: list[int | list[float]] | None = None
    output: Literal["softmax", "sigmoid", "linear"] = "softmax"
    state: list[float] | dict[str, list[float]] | None = None
    weights: dict[str, Any] | None = None
    input: Matrix | dict[str, Matrix] | None = None
    recurrent: Matrix | dict[str, Matrix] | None = None
    bias: bool | list[float] | dict[str, list[float]] | None = None
    head_weight: Matrix | None = None
    head_bias: list[float] | None = None
    fill: float | None = None
    units: int | None = Field(None, ge=1, le=1000)
    outputs: int | None = Field(None, ge=1, le=1000)

    def work(self) -> Worked:
        """Work it through.

        Raises:
            InputError, ShapeError: its numbers don't fit each other.
        """
        weights, head = self._filled() if self.fill is not None else (self._weights(), self._head())
        return worked(self.cell, weights, self.xs, self.state, head, self.output, self.targets)

    def _weights(self) -> dict[str, Any]:
        if self.weights is not None:
            return self.weights
        if self.recurrent is None:
            raise DataError(
                "the exercise has no weights: give `weights`, or `input` and `recurrent`, or `fill` and `units`"
            )
        bias = None if isinstance(self.bias, bool) else self.bias
        return dict(from_layout(self.cell, self.layout, input=self.input, recurrent=self.recurrent, bias=bias))

    def _head(self) -> Any:
        return None if self.head_weight is None else (np.array(self.head_weight), self.head_bias)

    def _filled(self) -> tuple[dict[str, Any], Any]:
        """All weights and biases one number; one hidden bias, as on paper."""
        if self.units is None or not self.xs:
            raise DataError("`fill` needs `units` and at least one step in `xs`")
        shapes = ParameterShapes(trace(get(self.cell)), self.units).of(len(self.xs[0]), bias=self.bias is True)
        weights = {f"{name}_l0": np.full(shape, self.fill) for name, shape in shapes.items() if name != "bias_hh"}
        if self.outputs is None:
            return weights, None
        bias = np.full(self.outputs, self.fill) if self.bias is True else None
        return weights, (np.full((self.outputs, self.units), self.fill), bias)


def exercise_titles() -> dict[str, str]:
    """The built-in exercises and what they are."""
    return {name: read_exercise(name).title for name in BUILT_IN}


def read_exercise(source: str | Path) -> Exercise:
    """An exercise by built-in name or from a TOML file.

    Raises:
        DataError: no such exercise, or it can't be read. RecipeError: not TOML, or not the keys of an exercise.
    """
    if str(source) in BUILT_IN:
        text = resources.files("elman.insight").joinpath("exercises", f"{source}.toml").read_text("utf-8")
    else:
        try:
            text = Path(source).read_text("utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{source} is not UTF-8: byte {error.start} can't be decoded") from None
        except (OSError, ValueError):
            raise DataError(
                f"there is no exercise {str(source)[:80]!r}, neither built in ({', '.join(BUILT_IN)}) nor as a file that can be read"
            ) from None
    try:
        return Exercise.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{source} is not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{source}: {key}: {first['msg'][0].lower()}{first['msg'][1:]}") from None
