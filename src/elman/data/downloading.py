"""Fetching a source from its official address into the user's cache, checked before it is let in."""

from __future__ import annotations

import http.client
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPMessage
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import platformdirs

from elman.data.progress import watched
from elman.data.sources import SOURCES, Download
from elman.data.streaming import BLOCK, write_capped
from elman.data.unpacking import unpack
from elman.errors import DataError, InputError, StorageError

LIMIT = 128 * 2**20
"""Most bytes of a download whose size is not published."""
TIMEOUT = 30.0
"""Seconds without any answer until the network counts as absent."""


def cache_folder() -> Path:
    """Where downloads are kept between runs."""
    return platformdirs.user_cache_path("elman", appauthor=False)


def fetch(name: str) -> Path:
    """Downloads the source of that name unless the cache has it; returns its folder.

    The folder gets its name only when every file in it is complete and checked; otherwise nothing is left behind.

    Raises:
        InputError: the source has no official address.
        DataError: no network, or what came is not what was published.
        StorageError: the cache can't be written.
    """
    source = SOURCES.get(name)
    if source is None or source.download is None or source.folder is None:
        downloads = ", ".join(other.name for other in SOURCES.values() if other.download)
        raise InputError(f'"{name}" is not a source that can be downloaded; these are: {downloads}')
    folder = cache_folder() / source.folder
    if any(folder.glob(source.pattern)):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as temporary:
            complete = Path(temporary) / folder.name
            complete.mkdir()
            if source.download.members:
                archive = Path(temporary) / "archive"
                _download(source.download, archive)
                unpack(archive, source.download.members, complete)
            else:
                _download(source.download, complete / source.pattern)
            if not any(folder.glob(source.pattern)):  # unless another process was quicker
                complete.rename(folder)
    except DataError as error:
        raise DataError(
            f"{source.title}: not on this machine, and the download failed: {error}; "
            f"put {source.pattern} into {folder} yourself, or name a file or folder with --data"
        ) from error
    except OSError as error:
        raise StorageError(f"{folder} could not be written ({error.strerror or error}): nothing was kept") from error
    return folder


def _download(wanted: Download, path: Path) -> None:
    limit = LIMIT if wanted.size is None else wanted.size
    algorithm, expected = ("md5", wanted.md5) if wanted.sha256 is None else ("sha256", wanted.sha256)
    if expected is None:
        raise DataError(f"{wanted.address} is listed without a digest, so what it sends could not be checked")
    blocks = watched(_blocks(wanted), f"downloading {wanted.address} (bytes)", wanted.size, size=len)
    size, digest = write_capped(blocks, path, limit=limit, what=wanted.address, algorithm=algorithm)
    if wanted.size is not None and size != wanted.size:
        raise DataError(f"{wanted.address} ended after {size:,} of {wanted.size:,} bytes: try again")
    if digest != expected:
        raise DataError(
            f"what {wanted.address} sent is not what was published "
            f"({'MD5' if wanted.sha256 is None else 'SHA-256'} {digest[:12]}..., expected {expected[:12]}...): "
            "it was thrown away"
        )


def check_address(address: str, host: str | None = None) -> None:
    """Raises `DataError` unless the address is https and, after a redirect, at a host that may answer."""
    parts = urlsplit(address)
    if parts.scheme != "https" or parts.hostname != (host or parts.hostname):
        raise DataError(f"{address} was refused: only https at the official address is used")


class _ListedHosts(urllib.request.HTTPRedirectHandler):
    """Follows redirects at the same host, and to hosts that the source lists."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.hosts = hosts

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        fp.close()
        target = urlsplit(newurl).hostname
        check_address(newurl, host=target if target in self.hosts else urlsplit(req.full_url).hostname)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _blocks(wanted: Download) -> Iterator[bytes]:
    address = wanted.address
    check_address(address)
    opener = urllib.request.build_opener(_ListedHosts(wanted.redirects))
    request = urllib.request.Request(address, headers={"User-Agent": "elman"})  # noqa: S310 - https was checked above
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            while block := response.read(BLOCK):
                yield block
    except urllib.error.HTTPError as error:
        error.close()
        raise DataError(f"{address} answered {error.code} ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"{address} could not be reached ({reason})") from error
