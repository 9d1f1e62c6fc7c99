"""Tar archives made to do harm: each gets one sentence, and nothing is written anywhere."""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from labelled_examples import tar

from elman.data.archives import tar_files
from elman.errors import DataError

WANTED = re.compile(r"a/(?P<name>\d+)")


def read(path: Path, **limits: int) -> dict[str, bytes]:
    return {match["name"]: data for match, data in tar_files(path, WANTED, **limits)}


def hostile(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    path.write_bytes(gzip.compress(made.getvalue()))
    return path


def member(
    name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, data


def test_only_what_was_asked_for_is_read(tmp_path: Path) -> None:
    files = {"a/1": b"one", "b/2": b"no", "a/3x": b"no", "../a/1": b"no", "/a/1": b"no", "a/20": b"", "a/../a/4": b"no"}
    assert read(tar(tmp_path / "x", files)) == {"1": b"one", "20": b""}
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (lambda: [member("a/1", tarfile.SYMTYPE, link="/etc/passwd")], "not a regular file"),
        (lambda: [member("b", data=b"x"), member("a/1", tarfile.LNKTYPE, link="b")], "not a regular file"),
        (lambda: [member("a/1", tarfile.FIFOTYPE)], "not a regular file"),
        (lambda: [member("a/1", tarfile.CHRTYPE)], "not a regular file"),
        (lambda: [member("a/1", data=b"x"), member("a/1", data=b"y")], "has a/1 twice"),
        (lambda: [member("a/1", data=b"x" * 5000)], "larger than the 1,000 bytes"),
        (lambda: [member("b", data=b"x" * 500_000)], "unpacks to more than the 100,000 bytes"),
    ],
)
def test_refused(members: Callable[[], list[tuple[tarfile.TarInfo, bytes]]], said: str, tmp_path: Path) -> None:
    path = hostile(tmp_path / "x", *members())
    with pytest.raises(DataError, match=said):
        read(path, total=100_000, largest=1000)


def test_links_and_devices_that_nobody_asked_for_do_nothing(tmp_path: Path) -> None:
    others = [member("x", tarfile.SYMTYPE, link="/etc"), member("y", tarfile.BLKTYPE), member("a", tarfile.DIRTYPE)]
    assert read(hostile(tmp_path / "x", *others, member("a/1", data=b"1"))) == {"1": b"1"}


@pytest.mark.parametrize("data", [b"", b"text", gzip.compress(b"x" * 5000), gzip.compress(b"x" * 5000)[:-4]])
def test_what_is_no_archive(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(DataError, match="not a gzipped tar archive"):
        read(tmp_path / "x")


def test_truncations_and_flipped_bytes_end_in_a_sentence_or_the_right_text(tmp_path: Path) -> None:
    files = {f"a/{n}": f"text number {n}".encode() for n in range(5)}
    good = tar(tmp_path / "good", files).read_bytes()
    right = {name[2:]: data for name, data in files.items()}
    variants = [good[:length] for length in range(0, len(good), 7)]
    variants += [good[:n] + bytes([good[n] ^ flip]) + good[n + 1 :] for n in range(len(good)) for flip in (1, 0x80)]
    refused = 0
    for data in variants:
        (tmp_path / "x").write_bytes(data)
        try:
            assert read(tmp_path / "x", total=10**6) == right
        except DataError:
            refused += 1
    assert refused > len(variants) / 2
