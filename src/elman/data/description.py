"""What `elman data` tells: where each source is, and what is in one."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from elman.data.corpus import load_corpus
from elman.data.downloading import fetch
from elman.data.labelled import LabelledReport, report_labelled
from elman.data.labelled.finding import looks_labelled
from elman.data.locating import local_files, readable
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


def get(source: str) -> None:
    """Downloads a source by name unless the cache has it.

    Raises:
        DataError: it is none that can be downloaded, or the download failed.
    """
    if source not in SOURCES or source == "file":
        listed = ", ".join(name for name, other in SOURCES.items() if other.download)
        raise DataError(f"{source!r} is not a source that can be downloaded; there are: {listed}")
    fetch(source)


def usual_settings(source: str) -> dict[str, Any]:
    """The settings with which a source, or a file or folder of the user's, is described unless they say otherwise."""
    if source in SOURCES and source != "file":
        if SOURCES[source].kind == "labelled":
            return {"source": source, "kind": "labelled", "units": "words"}
        return {
            "source": source,
            "categories": source.startswith("names"),
            "max_characters": 2_000_000 if source == "python" else None,
        }
    with readable(source) as path:
        if looks_labelled(path):
            return {"source": "file", "path": str(Path(source)), "kind": "labelled", "units": "words"}
    return {"source": "file", "path": str(Path(source)), "max_length": 100_000}


def describe(settings: DataSettings) -> LabelledReport | dict[str, Any]:
    """What is in the data that settings name: counts, lengths, notes; for texts with labels also what gives them away.

    Raises:
        DataError: it is not there or can't be read; the message says what to put where.
    """
    if settings.kind == "labelled":
        return report_labelled(settings)
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
