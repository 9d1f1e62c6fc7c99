"""Twenty newsgroups of 1993, split by date: reading the posts, and taking away what gives the group away.

Source: http://qwone.com/~jason/20Newsgroups/ (Lang 1995; the by-date version by Rennie).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from elman.data.settings import Strip

FOUR = ("sci.crypt", "sci.electronics", "sci.med", "sci.space")
"""The course's four: cryptography, electronics, medicine, space."""

LAYOUT = re.compile(
    r"(?:\./)?(?:[^/]+/)?20news-bydate-(?P<part>train|test)/(?P<label>[a-z][a-z.-]+)/(?P<name>\d+)", re.ASCII
)
"""How a post is called in the official archive."""

ENCODING = "latin-1"
"""Posts of 1993 state none; every byte means something in this one."""


class Post(NamedTuple):
    """A post: the lines up to the first empty one, and what comes after it."""

    headers: str
    body: str


def parse(text: str) -> Post:
    """A post's headers and body; without a header in the first line all is body."""
    if not _HEADER.match(text):
        return Post("", text)
    headers, _, body = text.partition("\n\n")
    return Post(headers, body)


_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*:")


def strip(text: str, parts: Collection[Strip]) -> str:
    """A post without its headers, without what it quotes (and the line that says whom), without its signature."""
    if "headers" in parts:
        text = parse(text).body
    if "quotes" in parts:
        text = _QUOTES.sub("", text)
    if "footers" in parts:
        text = _without_signature(text)
    return text.strip("\n")


# "In article <...> somebody writes:", also over two lines, and lines that begin with a quotation sign.
_QUOTES = re.compile(
    r"^(?:In (?:article|message)\b[^\n]*(?:\n[^\n>|:]*\b(?:writes|wrote|says|said):?)?[^\n]*"
    r"|[^\n]*\b(?:writes|wrote|says|said):[ \t]*"
    r"|[ \t]*(?:[A-Za-z]{0,4}>|[|:]).*)(?:\n|\Z)",
    re.MULTILINE,
)

_RULE = re.compile(r"[ \t]*[-_=*~#+]{2,}.*")
LONGEST_SIGNATURE = 12  # lines


def _without_signature(text: str) -> str:
    """Without what follows the last line that starts with a rule such as `--`, if that is near the end."""
    lines = text.rstrip().split("\n")
    while lines and _RULE.match(lines[-1]):  # a rule may close the signature too
        lines.pop()
    for place in range(len(lines) - 2, max(len(lines) - 2 - LONGEST_SIGNATURE, 0), -1):
        if _RULE.match(lines[place]):
            return "\n".join(lines[:place])
    return "\n".join(lines)


def header_clues() -> dict[str, Callable[[str], str | None]]:
    """Headers that may decide: the sender, the machine, the organisation, and the thread's subject."""
    return {
        "the sender's address": lambda text: _sender(_field(text, "from")),
        "the posting machine": lambda text: _field(text, "nntp-posting-host"),
        "the organisation": lambda text: _field(text, "organization"),
        "the thread's subject": lambda text: _thread(_field(text, "subject")),
    }


def _field(text: str, name: str) -> str | None:
    for line in parse(text).headers.split("\n"):
        key, colon, value = line.partition(":")
        if colon and key.lower() == name:
            return value.strip().lower() or None
    return None


_ADDRESS = re.compile(r"[\w.%+!-]+@[\w.-]+")
_REPLY = re.compile(r"^(?:(?:re|fwd?)(?:\[\d+\])?\s*:\s*)+")


def _sender(value: str | None) -> str | None:
    found = _ADDRESS.search(value or "")
    return found.group() if found else value


def _thread(value: str | None) -> str | None:
    return _REPLY.sub("", value).strip() or None if value else None
