"""The names and first lines of the built-in recipes, without reading any other part of the package."""

from __future__ import annotations

import tomllib
from importlib import resources

ORDER = (
    *("names-quick", "names", "shakespeare", "shakespeare-long", "code"),
    *("docstrings-bow", "docstrings-gru", "sentiment"),
    *("newsgroups-bow", "newsgroups-mlp", "newsgroups-average"),
    *("newsgroups-rnn", "newsgroups-gru", "newsgroups-lstm", "newsgroups-bilstm", "newsgroups-best"),
    *("imdb-bow", "imdb-rnn", "imdb-bilstm", "imdb-best"),
)

COMPARISONS = ("docstrings", "newsgroups", "newsgroups-stripped", "imdb")
"""Tables of several recipes, for `elman compare`."""


def builtin_names() -> tuple[str, ...]:
    """Names of the built-in recipes, simplest first."""
    return ORDER


def builtin_summaries() -> list[dict[str, str]]:
    """Name, title and a sentence for each built-in recipe."""
    folder = resources.files("elman.recipes").joinpath("builtin")
    found = []
    for name in ORDER:
        values = tomllib.loads(folder.joinpath(f"{name}.toml").read_text("utf-8"))
        found.append({"name": name, "title": values["title"], "about": values["about"]})
    return found
