"""How a text that is classified becomes tokens. Unlike the units of a language model, these need no way back."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from elman.data.settings import DataSettings, Units
from elman.data.units import split_units
from elman.errors import FolderError

_WORD = r"n't|'(?:s|m|re|ve|ll|d)(?![^\W_])|[^\W_]+"
_PLAIN = re.compile(_WORD, re.IGNORECASE)
_MARKED = re.compile(rf"{_WORD}|[-=_*~#.]{{2,}}|[^\w\s]|_", re.IGNORECASE)


@dataclass(frozen=True)
class Tokeniser:
    """Characters, bytes, or words as in treebanks and GloVe: `don't` is `do n't`, `it's` is `it 's`, marks stand alone.

    Attributes:
        units: what a token is.
        lower: capital letters become small ones first.
        punctuation: words only: marks (and runs of them, `...` or `-----`) are tokens; otherwise they are left out.
        cut_at: only so many tokens from the beginning count; None: all.
    """

    units: Units = "words"
    lower: bool = False
    punctuation: bool = True
    cut_at: int | None = None

    @classmethod
    def of(cls, settings: DataSettings) -> Tokeniser:
        """The one that a recipe's data section describes."""
        return cls(settings.units, settings.lower, settings.punctuation, settings.cut_at)

    def tokens(self, text: str) -> Sequence[str]:
        """The tokens that are read of a text, in order; none for an empty one.

        Raises:
            InputError: units are bytes and the text has half a surrogate pair.
        """
        return self.all_tokens(text)[: self.cut_at]

    def all_tokens(self, text: str) -> Sequence[str]:
        """The tokens of a text, also those behind `cut_at`."""
        if self.lower:
            text = text.lower()
        if self.units != "words":
            return split_units(text, self.units)
        text = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("n't", " n't").replace("N'T", " N'T")
        return (_MARKED if self.punctuation else _PLAIN).findall(text)

    def to_json(self) -> dict[str, Any]:
        """What a model folder keeps."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Any) -> Tokeniser:
        """The tokeniser of a model folder; `FolderError` says what is wrong with it."""
        if not isinstance(data, Mapping) or set(data) != {"units", "lower", "punctuation", "cut_at"}:
            raise FolderError("the tokeniser must have exactly the keys units, lower, punctuation and cut_at")
        if data["units"] not in get_args(Units):
            raise FolderError(f"the tokeniser's units are {data['units']!r}: expected {', '.join(get_args(Units))}")
        if not isinstance(data["lower"], bool) or not isinstance(data["punctuation"], bool):
            raise FolderError("the tokeniser's lower and punctuation must be true or false")
        cut_at = data["cut_at"]
        if cut_at is not None and (isinstance(cut_at, bool) or not isinstance(cut_at, int) or cut_at < 1):
            raise FolderError(f"the tokeniser's cut_at is {cut_at!r}: expected a whole number from 1, or null")
        return cls(data["units"], data["lower"], data["punctuation"], cut_at)
