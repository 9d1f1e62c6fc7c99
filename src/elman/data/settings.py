"""What a recipe says about its data: the section `[data]`."""

from __future__ import annotations

import codecs
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

SourceName = Literal[
    "names", "names-embedded", "shakespeare", "python",
    "docstrings", "newsgroups", "imdb", "sst", "sst-fine", "yelp",
    "file",
]  # fmt: skip
Kind = Literal["lines", "continuous", "labelled"]
Units = Literal["characters", "bytes", "words"]
Strip = Literal["headers", "quotes", "footers"]

FOR_LABELLED = (
    *("text_column", "label_column", "header", "encoding", "classes", "strip"),
    *("lower", "punctuation", "cut_at", "drop_duplicates"),
)
"""Settings that only texts with labels have."""
FOR_LANGUAGE = ("categories", "max_length", "max_characters")
"""Settings that only lines and running text have."""


class DataSettings(BaseModel, extra="forbid", frozen=True):
    """The section `[data]` of a recipe."""

    source: SourceName = "names"
    """Which text: a name of `elman.data.SOURCES`, or `file` for the one at `path`."""
    path: str | None = None
    """A file or folder that is read instead of the source's own (what `--data` sets)."""
    kind: Kind | None = None
    """One example per line, one running text, or texts with labels. None: as the source says; for a file, as it looks."""
    units: Units = "characters"
    """What a symbol is: a Unicode code point, a byte of UTF-8, or a word."""
    categories: bool = False
    """Condition the model on the file that a line comes from (for names: the language)."""
    max_length: int = Field(default=40, ge=1)
    """Lines with more units than this are left out and reported, never cut."""
    max_symbols: int | None = Field(default=None, ge=1)
    """Words only: keep this many of the most frequent; the rest become the unknown symbol."""
    validation: float = Field(default=0.1, ge=0, lt=1)
    """Share of the data that tells when to stop; of the training part, where a data set has a test part of its own."""
    test: float = Field(default=0.1, ge=0, lt=1)
    """Share of the data that is looked at once, at the end; not used where a data set has a test part of its own."""
    max_characters: int | None = Field(default=None, ge=2)
    """Running text only: read no more than this (a whole number of lines where possible)."""

    text_column: str | None = None
    """Tables: the column with the text, by its name or its number counted from 1. None: found by its name or looks."""
    label_column: str | None = None
    """Tables: the column with the class, likewise."""
    header: bool | None = None
    """CSV and TSV: whether the first row names the columns. None: as it looks."""
    encoding: str = "utf-8"
    """Of a file or folder of one's own: utf-8, cp1252, latin-1, utf-16 ..."""
    classes: list[str] = []
    """Texts of these classes only (newsgroups: any of the twenty groups). Empty: all (newsgroups: the course's four)."""
    strip: list[Strip] = []
    """Newsgroups: take away what gives the answer away."""
    lower: bool = False
    """Texts with labels: capital letters are read as small ones."""
    punctuation: bool = True
    """Texts with labels, words: punctuation marks are words of their own; false leaves them out."""
    cut_at: int | None = Field(default=None, ge=1)
    """Texts with labels: only the first so many units of each are read."""
    drop_duplicates: bool = False
    """Texts with labels: training texts that the validation or test part has too are left out, and reported."""

    @field_validator("text_column", "label_column", mode="before")
    @classmethod
    def _number_as_text(cls, column: object) -> object:
        """A column's number may be written without quotation marks, `--set text_column=2`."""
        return str(column) if type(column) is int else column

    @field_validator("encoding")
    @classmethod
    def _is_a_text_encoding(cls, name: str) -> str:
        try:
            known = codecs.lookup(name).name
            "a".encode(known)  # refuses those that are no encodings of text, such as base64
        except (LookupError, ValueError):
            raise ValueError("no encoding of that name is known; try utf-8, cp1252, latin-1 or utf-16") from None
        return known

    @model_validator(mode="after")
    def _fits_together(self) -> DataSettings:
        if self.validation + self.test >= 1:
            raise ValueError(
                f"validation = {self.validation} and test = {self.test} leave nothing to train on: "
                "their sum must be below 1"
            )
        if self.max_symbols is not None and self.units != "words":
            raise ValueError(f'max_symbols needs units = "words"; units is "{self.units}"')
        if not self.punctuation and self.units != "words":
            raise ValueError(f'punctuation = false needs units = "words"; units is "{self.units}"')
        if len(set(self.classes)) == 1:
            raise ValueError(f"classes names only {self.classes[0]!r}: telling apart takes at least two")
        return self

    def changed(self, names: tuple[str, ...]) -> list[str]:
        """Which of these settings differ from their defaults."""
        fields: Any = type(self).model_fields
        return [name for name in names if getattr(self, name) != fields[name].default]
