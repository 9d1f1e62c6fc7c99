"""What a recipe says about its data: the section `[data]`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, model_validator

SourceName = Literal["names", "names-embedded", "shakespeare", "python", "file"]
Kind = Literal["lines", "continuous"]
Units = Literal["characters", "bytes", "words"]


class DataSettings(BaseModel, extra="forbid", frozen=True):
    """The section `[data]` of a recipe."""

    source: SourceName = "names"
    """Which text: a name of `elman.data.SOURCES`, or `file` for the one at `path`."""
    path: str | None = None
    """A file or folder that is read instead of the source's own (what `--data` sets)."""
    kind: Kind | None = None
    """One example per line, or one running text. None: as the source says; for a file, as it looks."""
    units: Units = "characters"
    """What a symbol is: a Unicode code point, a byte of UTF-8, or a word."""
    categories: bool = False
    """Condition the model on the file that a line comes from (for names: the language)."""
    max_length: int = Field(default=40, ge=1)
    """Lines with more units than this are left out and reported, never cut."""
    max_symbols: int | None = Field(default=None, ge=1)
    """Words only: keep this many of the most frequent; the rest become the unknown symbol."""
    validation: float = Field(default=0.1, ge=0, lt=1)
    """Share of the data that tells when to stop."""
    test: float = Field(default=0.1, ge=0, lt=1)
    """Share of the data that is looked at once, at the end."""
    max_characters: int | None = Field(default=None, ge=2)
    """Running text only: read no more than this (a whole number of lines where possible)."""

    @model_validator(mode="after")
    def _fits_together(self) -> DataSettings:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation = {self.validation} and test = {self.test} leave nothing to train on: "
                "their sum must be below 1"
            )
        if self.max_symbols is not None and self.units != "words":
            raise ValueError(f'max_symbols needs units = "words"; units is "{self.units}"')
        return self
