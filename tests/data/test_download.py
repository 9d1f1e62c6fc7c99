"""Fetching from an address: a server on this machine stands for the official one."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from elman.data import SOURCES, DataSettings, downloading, fetch, load_corpus, streaming
from elman.data.sources import Download
from elman.errors import DataError, InputError, StorageError

OFFICIAL_CHECK = downloading.check_address
TEXT = b"To be, or not to be: that is the question.\n" * 5_000


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_address[1]}/text")
            self.end_headers()
            return
        if self.path == "/gone":
            self.send_error(404)
            return
        self.send_response(200)
        if self.path == "/short":
            self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        body = {"/short": TEXT[:1000], "/long": TEXT + b"!", "/altered": TEXT[:-1] + b"!"}.get(self.path, TEXT)
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(downloading, "check_address", lambda address, host=None: None)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def point(monkeypatch: pytest.MonkeyPatch, address: str, data: bytes = TEXT, **others: Any) -> None:
    download = Download(address, hashlib.sha256(data).hexdigest(), **{"size": len(data), **others})
    monkeypatch.setitem(SOURCES, "shakespeare", replace(SOURCES["shakespeare"], download=download))


def test_a_good_download_is_kept(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point(monkeypatch, f"{server}/text")
    folder = fetch("shakespeare")
    assert [path.name for path in cache.iterdir()] == ["tinyshakespeare"] == [folder.name]
    assert (folder / "input.txt").read_bytes() == TEXT
    point(monkeypatch, f"{server}/gone")
    assert fetch("shakespeare") == folder, "a second time nothing is fetched"
    assert load_corpus(DataSettings(source="shakespeare")).text == TEXT.decode()


def test_load_corpus_downloads_what_is_not_there(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    point(monkeypatch, f"{server}/text")
    corpus = load_corpus(DataSettings(source="shakespeare"))
    assert (corpus.title, corpus.text, corpus.notes) == ("Tiny Shakespeare", TEXT.decode(), ())


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("short", "ended after 1,000 of 215,000 bytes"),
        ("long", "is larger than the 215,000 bytes it may have"),
        ("altered", "is not what was published"),
        ("gone", "answered 404"),
    ],
)
def test_a_bad_download_leaves_nothing(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch, path: str, said: str
) -> None:
    point(monkeypatch, f"{server}/{path}")
    with pytest.raises(DataError, match=said):
        fetch("shakespeare")
    assert list(cache.iterdir()) == []


def test_an_unpublished_size_is_capped_too(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point(monkeypatch, f"{server}/text", size=None)
    monkeypatch.setattr(downloading, "LIMIT", 100_000)
    with pytest.raises(DataError, match="larger than the 100,000 bytes"):
        fetch("shakespeare")
    assert list(cache.iterdir()) == []


def test_a_redirect_to_another_host_is_refused(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_the_host(address: str, host: str | None = None) -> None:
        OFFICIAL_CHECK(address.replace("http://", "https://"), host)

    monkeypatch.setattr(downloading, "check_address", only_the_host)
    point(monkeypatch, f"{server}/moved")
    with pytest.raises(DataError, match=r"https://localhost:\d+/text was refused"):
        fetch("shakespeare")
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["http://example.org/a", "file:///etc/passwd", "ftp://example.org/a", "/etc/passwd"]
)
def test_only_https(address: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point(monkeypatch, address)
    with pytest.raises(DataError, match="only https"):
        fetch("shakespeare")
    assert list(cache.iterdir()) == []


def test_all_official_addresses_are_https_with_a_digest() -> None:
    downloads = {name: source.download for name, source in SOURCES.items() if source.download}
    assert set(downloads) == {"names", "shakespeare", "newsgroups", "imdb", "sst", "sst-fine", "yelp"}
    for download in downloads.values():
        downloading.check_address(download.address)
        if download.sha256 is None:
            assert len(bytes.fromhex(download.md5 or "")) == 16
        else:
            assert len(bytes.fromhex(download.sha256)) == 32


def test_a_redirect_to_a_listed_host_is_followed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def only_the_host(address: str, host: str | None = None) -> None:
        OFFICIAL_CHECK(address.replace("http://", "https://"), host)

    monkeypatch.setattr(downloading, "check_address", only_the_host)
    point(monkeypatch, f"{server}/moved", redirects=("localhost",))
    assert (fetch("shakespeare") / "input.txt").read_bytes() == TEXT


def test_an_md5_is_checked_where_there_is_nothing_better(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(**digests: str | None) -> None:
        download = Download(f"{server}/text", **digests)  # type: ignore[arg-type]
        monkeypatch.setitem(SOURCES, "shakespeare", replace(SOURCES["shakespeare"], download=download))

    listed(md5=hashlib.md5(TEXT + b"!").hexdigest())
    with pytest.raises(DataError, match=r"not what was published \(MD5 "):
        fetch("shakespeare")
    listed()
    with pytest.raises(DataError, match="without a digest"):
        fetch("shakespeare")
    assert list(cache.iterdir()) == []
    listed(md5=hashlib.md5(TEXT).hexdigest())
    assert (fetch("shakespeare") / "input.txt").read_bytes() == TEXT


def test_without_network_one_sentence_says_what_to_do(
    server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point(monkeypatch, "http://127.0.0.1:1/text")  # nothing listens there
    with pytest.raises(DataError) as caught:
        load_corpus(DataSettings(source="shakespeare"))
    sentence = str(caught.value)
    assert sentence.startswith(
        "Tiny Shakespeare: not on this machine, and the download failed: http://127.0.0.1:1/text"
    )
    assert f"put input.txt into {cache}/tinyshakespeare yourself" in sentence
    assert sentence.endswith("or name a file or folder with --data")
    assert "\n" not in sentence


def test_a_cache_that_can_not_be_written(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point(monkeypatch, f"{server}/text")
    cache.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="could not be written"):
        fetch("shakespeare")


@pytest.mark.parametrize("name", ["python", "names-embedded", "nothing"])
def test_what_has_no_address_can_not_be_fetched(name: str) -> None:
    with pytest.raises(InputError, match="these are: names, shakespeare"):
        fetch(name)


def test_names_come_out_of_the_archive(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("data/eng-fra.txt", "not wanted")
        opened.writestr("data/names/Polish.txt", "Nowak\n")
        opened.writestr("data/names/Czech.txt", "Novák")
    data = archive.getvalue()
    monkeypatch.setattr(
        Answers, "do_GET", lambda self: (self.send_response(200), self.end_headers(), self.wfile.write(data))
    )
    members = ("data/names/Czech.txt", "data/names/Polish.txt")
    download = Download(f"{server}/data.zip", hashlib.sha256(data).hexdigest(), members=members)
    monkeypatch.setitem(SOURCES, "names", replace(SOURCES["names"], download=download))
    folder = fetch("names")
    assert sorted(path.name for path in folder.iterdir()) == ["Czech.txt", "Polish.txt"]
    assert [path.name for path in cache.iterdir()] == ["names"]
    corpus = load_corpus(DataSettings(categories=True))
    assert (corpus.lines, corpus.categories) == (("Novák", "Nowak"), ("Czech", "Polish"))


def test_a_full_disk_leaves_nothing(server: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    point(monkeypatch, f"{server}/text")
    monkeypatch.setattr(streaming.os, "fsync", full)
    with pytest.raises(StorageError, match=r"could not be written \(No space left on device\): nothing was kept"):
        fetch("shakespeare")
    assert list(cache.iterdir()) == []
