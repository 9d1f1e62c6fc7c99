"""Film reviews of IMDB: how the archive is laid out, and a known giveaway.

Source: Maas, Daly, Pham, Huang, Ng and Potts, Learning Word Vectors for Sentiment Analysis, ACL 2011.
"""

from __future__ import annotations

import re

LAYOUT = re.compile(
    r"(?:\./)?aclImdb/(?P<part>train|test)/(?P<label>neg|pos)/(?P<name>\d+_\d+)\.txt", re.ASCII
)  # what is in train/unsup has no label
UNLABELLED = re.compile(r"(?:\./)?aclImdb/train/(?P<label>unsup)/(?P<name>\d+_\d+)\.txt", re.ASCII)

NAMES = {"neg": "negative", "pos": "positive"}


def plain(text: str) -> str:
    """A review with line ends where its web page had breaks."""
    return text.replace("<br />", "\n")


_RATING = re.compile(r"\b(10|\d)(?:\.\d)?\s*(?:/|out of)\s*(?:10|ten)\b", re.IGNORECASE)


def stated_rating(text: str) -> str | None:
    """The rating out of ten that a review states itself ("7/10", "3 out of 10"): labels were made of ratings."""
    found = _RATING.search(text)
    return found.group(1) if found else None
