"""What a text is made of: characters (Unicode code points), bytes of its UTF-8, or words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from elman.data.settings import Units
from elman.errors import InputError

BYTES = tuple(f"{byte:02x}" for byte in range(256))
"""A byte as a symbol: two hexadecimal digits."""

_CLOSING = ".,;:!?…)]}»”、。！？"
_OPENING = "([{«“„¿¡"
_NO_BLANK_BEFORE = frozenset(_CLOSING) | {"\n"}
_NO_BLANK_AFTER = frozenset(_OPENING) | {"\n"}
_MARKS = re.escape(_CLOSING + _OPENING + '"')
_WORD = re.compile(rf"\n|--+|[{_MARKS}]|(?:-(?!-)|[^\s\-{_MARKS}])+")
"""A line end, a dash, one punctuation mark, or a run of anything else: don't, well-known and 3D are one word each."""


def split_units(text: str, units: Units) -> Sequence[str]:
    """The symbols of a text, in order. Words lose the blanks between them; nothing else is lost."""
    if units == "characters":
        return text
    if units == "words":
        return _WORD.findall(text)
    try:
        return [BYTES[byte] for byte in text.encode("utf-8")]
    except UnicodeEncodeError as error:
        raise InputError(f"the text can't be written as UTF-8: character {error.start + 1} is half a pair") from error


def join_units(symbols: Iterable[str], units: Units) -> str:
    """The text of these symbols. Words get blanks between them as in print; bytes that aren't UTF-8 become �."""
    if units == "bytes":
        return bytes.fromhex("".join(symbols)).decode("utf-8", errors="replace")
    if units == "characters":
        return "".join(symbols)
    parts: list[str] = []
    for word in symbols:
        glued = not parts or parts[-1] in _NO_BLANK_AFTER or word in _NO_BLANK_BEFORE
        parts += [word] if glued else [" ", word]
    return "".join(parts)
