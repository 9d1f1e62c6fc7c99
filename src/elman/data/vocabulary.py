"""The vocabulary: which number stands for which symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, get_args

from elman.data.corpus import Corpus
from elman.data.progress import watched
from elman.data.settings import DataSettings, Units
from elman.data.tokens import Tokeniser
from elman.data.units import BYTES, join_units, split_units
from elman.errors import DataError, FolderError, InputError

UNKNOWN = "<unknown>"


@dataclass(frozen=True)
class Vocabulary:
    """Symbols by number.

    Where examples are lines, number 0 is the boundary (written as the empty string): it starts and ends a line. With
    words, `UNKNOWN` may be among the symbols and stands for every word that isn't. All 256 bytes are always known.

    Where examples are texts with labels, `tokeniser` says how they are read. Number 0 then stands where there is no text:
    for an empty one, and beyond the end of a shorter one in a batch. Words and characters always have `UNKNOWN`.
    """

    units: Units
    symbols: tuple[str, ...]
    has_boundary: bool
    tokeniser: Tokeniser | None = None

    BOUNDARY: ClassVar[int] = 0

    @classmethod
    def build(cls, corpus: Corpus, settings: DataSettings) -> Vocabulary:
        """The symbols of a corpus: bytes in order, characters by code point, words from the most frequent down.

        It reads all parts of the corpus: a symbol that only the test part has is a symbol, not a surprise.
        Raises `DataError` if there are fewer than two different symbols.
        """
        counts: Counter[str] = Counter()
        for text in corpus.lines or (corpus.text,):
            counts.update(split_units(text, settings.units))
        if len(counts) < 2:
            only = "".join(f" ({symbol!r})" for symbol in counts)
            raise DataError(f"{corpus.title} has only {len(counts)} symbol{only}: there is nothing to predict")
        if settings.units == "bytes":
            symbols = list(BYTES)
        elif settings.units == "characters":
            symbols = sorted(counts)
        else:
            symbols = sorted(counts, key=lambda word: (-counts[word], word))
            if settings.max_symbols is not None:
                symbols = [UNKNOWN, *[word for word in symbols if word != UNKNOWN][: settings.max_symbols]]
        boundary = [""] if corpus.kind == "lines" else []
        return cls(settings.units, (*boundary, *symbols), bool(boundary))

    @classmethod
    def of_texts(cls, texts: Sequence[str], settings: DataSettings, title: str = "the training part") -> Vocabulary:
        """The tokens of the training texts, from the most frequent down; `max_symbols` of them at most.

        Give it the training part only: words that just the test part has are unknown, as they would be in use.
        Raises `DataError` if the texts have no tokens at all.
        """
        tokeniser = Tokeniser.of(settings)
        counts: Counter[str] = Counter()
        for text in watched(texts, "counting words (texts)", len(texts)):
            counts.update(tokeniser.tokens(text))
        counts.pop(UNKNOWN, None)
        if not counts:
            raise DataError(f"{title} has no {settings.units} at all: every text is empty")
        if settings.units == "bytes":
            return cls(settings.units, ("", *BYTES), True, tokeniser)
        symbols = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))[: settings.max_symbols]
        return cls(settings.units, ("", UNKNOWN, *symbols), True, tokeniser)

    @property
    def size(self) -> int:
        """How many symbols there are, boundary and unknown included."""
        return len(self.symbols)

    @property
    def unknown(self) -> int | None:
        """The number of the unknown word, if there is one (a text that has the word `UNKNOWN` itself brings it along)."""
        return self._numbers.get(UNKNOWN)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols) if symbol}

    def split(self, text: str) -> Sequence[str]:
        """The symbols of a text, known or not."""
        return split_units(text, self.units) if self.tokeniser is None else self.tokeniser.tokens(text)

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's symbols, without boundaries.

        Raises `InputError` for symbols that the vocabulary doesn't have, naming them and where they are, unless it has
        `unknown`.
        """
        symbols = self.split(text)
        if self.unknown is not None:
            get, unknown = self._numbers.get, self.unknown
            return [get(symbol, unknown) for symbol in symbols]
        try:
            return [self._numbers[symbol] for symbol in symbols]
        except KeyError:
            raise InputError(self._complaint(text)) from None

    def _complaint(self, text: str) -> str:
        first: dict[str, int] = {}
        for place, symbol in enumerate(self.split(text), start=1):
            if symbol not in self._numbers:
                first.setdefault(symbol, place)
        listed = ", ".join(f"{symbol!r} ({self.units[:-1]} {place})" for symbol, place in list(first.items())[:5])
        more = f" and {len(first) - 5} more" if len(first) > 5 else ""
        return f"the vocabulary has no {listed}{more}: it has {self.size:,} other symbols"

    def unknown_in(self, text: str) -> Counter[str]:
        """The symbols of a text that the vocabulary doesn't have, with their counts."""
        return Counter(symbol for symbol in self.split(text) if symbol not in self._numbers)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of these numbers; a boundary adds nothing. `InputError` for a number that stands for nothing."""
        symbols = []
        for number in numbers:
            if not 0 <= number < self.size:
                raise InputError(f"{number} is not a symbol's number: they go from 0 to {self.size - 1}")
            symbols.append(self.symbols[number])
        return join_units((symbol for symbol in symbols if symbol), self.units)

    def to_json(self) -> dict[str, Any]:
        """What a model folder keeps."""
        found = {"units": self.units, "boundary": self.has_boundary, "symbols": list(self.symbols)}
        return found if self.tokeniser is None else {**found, "tokeniser": self.tokeniser.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Vocabulary:
        """The vocabulary of a model folder; `FolderError` says what is wrong with it."""
        if not isinstance(data, Mapping) or set(data) - {"tokeniser"} != {"units", "boundary", "symbols"}:
            raise FolderError("the vocabulary must have exactly the keys units, boundary and symbols")
        tokeniser = Tokeniser.from_json(data["tokeniser"]) if "tokeniser" in data else None
        units, boundary, symbols = data["units"], data["boundary"], data["symbols"]
        if units not in get_args(Units):
            raise FolderError(f"the vocabulary's units are {units!r}: expected {', '.join(get_args(Units))}")
        if not isinstance(boundary, bool) or not isinstance(symbols, list):
            raise FolderError("the vocabulary's boundary must be true or false and its symbols a list")
        if boundary != (symbols[:1] == [""]):
            raise FolderError("the vocabulary's boundary and its first symbol contradict each other")
        if tokeniser is not None and (tokeniser.units != units or not boundary):
            raise FolderError("the vocabulary's tokeniser and its units or boundary contradict each other")
        real = symbols[1:] if boundary else symbols
        wrong = [symbol for symbol in real if not _is_symbol(symbol, units, tokeniser)]
        if wrong:
            raise FolderError(f"the vocabulary has {wrong[0]!r} among its {units}")
        if not real or len(set(real)) != len(real) or (units == "bytes" and tuple(real) != BYTES):
            raise FolderError("the vocabulary has symbols missing or twice")
        if tokeniser is not None and units != "bytes" and UNKNOWN not in real:
            raise FolderError("the vocabulary of a model that classifies has no unknown word")
        return cls(units, tuple(symbols), boundary, tokeniser)


def _is_symbol(symbol: object, units: Units, tokeniser: Tokeniser | None) -> bool:
    if units == "bytes":
        return symbol in BYTES
    if not isinstance(symbol, str) or any("\ud800" <= character <= "\udfff" for character in symbol):
        return False  # half a surrogate pair can't come from a file and can't be printed
    if tokeniser is None:
        return list(split_units(symbol, units)) == [symbol]
    return symbol == UNKNOWN or list(tokeniser.all_tokens(symbol)) == [symbol]
