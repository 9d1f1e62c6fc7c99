"""Small labelled texts in all the forms in which they come."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path
from typing import Any

from elman.data import DataSettings, LabelledCorpus, load_labelled

POST = """From: {who}@{group}.org (Somebody)
Subject: Re: {subject}
Organization: University of {group}
Lines: 3

In article <1@x.org>, other@x.org (Other) writes:
> what {group} is about

{body}
--
{who}, University of {group}
"""


def write(path: Path, data: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def settings(path: Path | None = None, **others: Any) -> DataSettings:
    values = {"source": "file", "kind": "labelled", "units": "words", **others}
    return DataSettings(**values) if path is None else DataSettings(path=str(path), **values)


def load(path: Path, **others: Any) -> LabelledCorpus:
    return load_labelled(settings(path, **others))


def table(path: Path, rows: int = 20, header: str = "text,label\n") -> Path:
    """Texts that say their class, in turns."""
    lines = [f'"text {n}, {"good" if n % 2 else "bad"} film",{"pos" if n % 2 else "neg"}' for n in range(rows)]
    return write(path, header + "\n".join(lines) + "\n")


def tar(path: Path, files: dict[str, bytes]) -> Path:
    """A gzipped tar archive of regular files."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(made.getvalue(), mtime=0))
    return path


def newsgroups(
    groups: tuple[str, ...] = ("sci.crypt", "sci.electronics", "sci.med", "sci.space", "alt.atheism"),
) -> dict[str, bytes]:
    """An archive's files: 12 posts for training and 6 for testing in each group."""
    files = {}
    for part, numbers in (("train", range(12)), ("test", range(100, 106))):
        for group in groups:
            for number in numbers:
                post = POST.format(
                    who=f"user{number % 4}",
                    group=group,
                    subject=f"{group} {number % 6}",
                    body=f"caf\xe9 {group} {number}",
                )
                files[f"20news-bydate-{part}/{group}/{number}"] = post.encode("latin-1")
    return files


def reviews() -> dict[str, bytes]:
    """An archive's files: 10 reviews for training and 4 for testing of each kind, and 3 without a label."""
    files = {"aclImdb/README": b"not a review", "aclImdb/train/urls_pos.txt": b"neither"}
    for part, count in (("train", 10), ("test", 4)):
        for kind, rating in (("neg", 2), ("pos", 9)):
            for number in range(count):
                text = f"<br />A {kind} film,<br /><br />number {number} of {part}. {rating}/10"
                files[f"aclImdb/{part}/{kind}/{number}_{rating}.txt"] = text.encode()
    files |= {f"aclImdb/train/unsup/{number}_0.txt": b"no<br />label" for number in range(3)}
    return files
