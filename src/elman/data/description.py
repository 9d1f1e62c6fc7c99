"""What `elman data` tells: where each source is, and what is in one."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from elman.data.corpus import load_corpus
from elman.data.downloading import fetch
from elman.data.locating import local_files
from elman.data.settings import DataSettings
from elman.data.sources import SOURCES
from elman.data.vocabulary import Vocabulary
from elman.errors import DataError


def overview() -> list[dict[str, str]]:
    """Each source with its title and where its files would be read from now."""
    rows = []
    for source in SOURCES.values():
        if source.name == "file":
            continue
        found = local_files(source)
        if found:
            where = f"here: {found[0].parent}"
        elif source.folder is None:
            where = "here: nothing to download"
        elif source.name == "names":
            where = "not here: the embedded names are used; `elman data names --get` downloads it"
        else:
            where = (
                f"not here: `elman data {source.name} --get` downloads it, or put it into $ELMAN_DATA/{source.folder}"
            )
        rows.append({"name": source.name, "title": source.title, "where": where, "terms": source.terms})
    return rows


def describe(source: str, *, get: bool = False) -> dict[str, Any]:
    """What is in a source, or in a file or folder of the user's: counts, lengths, symbols, notes.

    Raises:
        DataError: it is not there or can't be read; the message says what to put where.
    """
    known = source in SOURCES and source != "file"
    if get:
        if not known:
            raise DataError(
                f"{source!r} is not a source that can be downloaded; there are: {', '.join(s for s in SOURCES if s != 'file')}"
            )
        fetch(source)
    settings = DataSettings.model_validate(
        {
            "source": source,
            "categories": source.startswith("names"),
            "max_characters": 2_000_000 if source == "python" else None,
        }
        if known
        else {"source": "file", "path": str(Path(source)), "max_length": 100_000}
    )
    corpus = load_corpus(settings)
    vocabulary = Vocabulary.build(corpus, settings)
    report: dict[str, Any] = {"title": corpus.title, "kind": corpus.kind, "sha256": corpus.digest}
    if corpus.lines:
        lengths = [len(line) for line in corpus.lines]
        report |= {
            "lines": len(corpus.lines),
            "different": len(set(corpus.lines)),
            "length": {"shortest": min(lengths), "median": statistics.median(lengths), "longest": max(lengths)},
        }
    else:
        report["characters"] = len(corpus.text)
    if corpus.labels is not None:
        counts = Counter(corpus.labels)
        report["categories"] = {name: counts[k] for k, name in enumerate(corpus.categories)}
    shown = "".join(s for s in vocabulary.symbols if len(s) == 1 and s.isprintable())
    report |= {"symbols": vocabulary.size, "alphabet": shown[:300], "notes": list(corpus.notes)}
    return report
