"""Downloads of labelled texts: a server on this machine stands for the official ones."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from labelled_examples import newsgroups, reviews, settings, tar

from elman.data import SOURCES, LabelledCorpus, downloading, load_labelled, load_unlabelled
from elman.data.sources import Download
from elman.errors import DataError


def load(source: str) -> LabelledCorpus:
    return load_labelled(settings(source=source))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Files by path that a server answers with."""
    files: dict[str, bytes] = {}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(files[self.path])

        def log_message(self, *arguments: Any) -> None:
            pass

    monkeypatch.setattr(downloading, "check_address", lambda address, host=None: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        for name in ("newsgroups", "imdb", "sst", "sst-fine", "yelp"):
            source = SOURCES[name]
            assert source.download
            address = f"http://127.0.0.1:{running.server_address[1]}/{source.folder}"
            changed = replace(source.download, address=address, sha256=None, md5=None, size=None)
            monkeypatch.setitem(SOURCES, name, replace(source, download=changed))
        yield files
        running.shutdown()
        thread.join()


def publish(files: dict[str, bytes], name: str, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    source = SOURCES[name]
    assert isinstance(source.download, Download)
    files[f"/{source.folder}"] = data
    checked = replace(source.download, md5=hashlib.md5(data).hexdigest())
    monkeypatch.setitem(SOURCES, name, replace(source, download=checked))


def test_downloads(published: dict[str, bytes], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(published, "newsgroups", tar(tmp_path / "n", newsgroups()).read_bytes(), monkeypatch)
    publish(published, "imdb", tar(tmp_path / "i", reviews()).read_bytes(), monkeypatch)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        for part in ("train", "dev", "test"):
            opened.writestr(f"trees/{part}.txt", "(3 (2 good) (2 one))\n(1 (2 bad) (2 one))\n")
        opened.writestr("trees/README.txt", "not wanted")
    publish(published, "sst", archive.getvalue(), monkeypatch)
    sentences = io.BytesIO()
    with zipfile.ZipFile(sentences, "w") as opened:
        opened.writestr("sentiment labelled sentences/yelp_labelled.txt", "good\t1\nbad\t0\n")
    publish(published, "yelp", sentences.getvalue(), monkeypatch)
    counts = {name: len(load(name).texts) for name in ("newsgroups", "imdb", "sst", "sst-fine", "yelp")}
    assert counts == {"newsgroups": 72, "imdb": 28, "sst": 6, "sst-fine": 6, "yelp": 2}
    kept = sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file())
    assert kept == [
        "20newsgroups/20news-bydate.tar.gz",
        "imdb/aclImdb_v1.tar.gz",
        "sentiment/sst/dev.txt",
        "sentiment/sst/test.txt",
        "sentiment/sst/train.txt",
        "sentiment/uci_sentences/yelp_labelled.txt",
    ]
    published.clear()
    assert len(load("imdb").texts) == 28, "a second time nothing is fetched"
    assert load_unlabelled(settings(source="imdb")) == ("no\nlabel",) * 3


def test_without_network_and_without_a_copy(published: dict[str, bytes], cache: Path) -> None:
    with pytest.raises(DataError, match="IMDB film reviews, positive or negative: not on this machine") as caught:
        load("imdb")
    assert f"put aclImdb_v1.tar.gz into {cache}/imdb yourself" in str(caught.value)
    assert "\n" not in str(caught.value)
