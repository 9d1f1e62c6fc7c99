"""The catalogue of known mistakes (`mistakes.toml`): what a student did, in a plain sentence, and a next step that is not the answer."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib import resources

VARIANT = "@"
"""What stands behind it tells apart several ways of making one mistake, `gates-swapped@use`; a sentence may have a place for it, `{}`."""


@dataclass(frozen=True)
class Mistake:
    """A mistake that is known by the numbers it makes.

    Attributes:
        name: as in reports and `Finding.mistakes`.
        sentence: what was done instead.
        hint: a next step.
    """

    name: str
    sentence: str
    hint: str


def _read() -> dict[str, Mistake]:
    text = resources.files("elman.checking").joinpath("mistakes.toml").read_text("utf-8")
    return {name: Mistake(name, **row) for name, row in tomllib.loads(text).items()}


CATALOGUE = _read()
"""All known mistakes by name."""


def mistake(name: str) -> Mistake:
    """A mistake by name, with or without a variant."""
    name, _, variant = name.partition(VARIANT)
    found = CATALOGUE[name]
    return replace(found, sentence=found.sentence.replace("{}", variant))
