"""A small archive in the layout of IMDB's, for tests of the parts that read it."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

SAID = {"neg": "dull", "pos": "fine"}


def write_reviews(folder: Path, train: int = 40, test: int = 10) -> None:
    """So many reviews of each kind below `folder`/imdb: a word that says which kind, then 0 to 6 that say nothing."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for part, count in (("train", train), ("test", test)):
            for kind, word in SAID.items():
                for number in range(count):
                    text = f"{word} {'words ' * (number % 7)}{part}{number}{kind}".encode()
                    entry = tarfile.TarInfo(f"aclImdb/{part}/{kind}/{number}_{2 if kind == 'neg' else 9}.txt")
                    entry.size = len(text)
                    archive.addfile(entry, io.BytesIO(text))
    (folder / "imdb").mkdir(parents=True)
    (folder / "imdb" / "aclImdb_v1.tar.gz").write_bytes(gzip.compress(made.getvalue(), mtime=0))
