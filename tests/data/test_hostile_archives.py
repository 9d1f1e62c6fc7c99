"""Archives made to do harm: each gets one sentence, and no byte lands where we didn't put it."""

from __future__ import annotations

import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from elman.data.unpacking import unpack
from elman.errors import DataError

WANTED = ("data/names/Polish.txt",)


def entry(name: str, *, kind: int = stat.S_IFREG, size: int | None = None) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o644) << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def missing(archive: zipfile.ZipFile) -> None:
    archive.writestr("Polish.txt", "x")


def double(archive: zipfile.ZipFile) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of the very thing that is tested
        archive.writestr(WANTED[0], "x")
        archive.writestr(WANTED[0], "y")


def symbolic_link(archive: zipfile.ZipFile) -> None:
    archive.writestr(entry(WANTED[0], kind=stat.S_IFLNK), "/etc/passwd")


def device(archive: zipfile.ZipFile) -> None:
    archive.writestr(entry(WANTED[0], kind=stat.S_IFCHR), "x")


def other_case(archive: zipfile.ZipFile) -> None:
    archive.writestr("DATA/names/polish.TXT", "x")


def bomb(archive: zipfile.ZipFile) -> None:
    archive.writestr(entry(WANTED[0]), b"\0" * 10_000_000)


def folder_of_that_name(archive: zipfile.ZipFile) -> None:
    archive.writestr(WANTED[0] + "/", "")


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (missing, "0 entries named"),
        (double, "2 entries named"),
        (symbolic_link, "not a regular file"),
        (device, "not a regular file"),
        (other_case, "0 entries named"),
        (bomb, "larger than the 100,000 bytes"),
        (folder_of_that_name, "0 entries named"),
    ],
)
def test_refused(tmp_path: Path, build: Callable[[zipfile.ZipFile], None], said: str) -> None:
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        build(archive)
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(DataError, match=said):
        unpack(tmp_path / "archive", WANTED, target, limit=100_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "target"]
    assert sum(path.stat().st_size for path in target.iterdir()) <= 100_000


def test_entries_that_were_not_asked_for_do_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        for name in (
            "../evil",
            "/tmp/elman-evil",
            "data/names/../../../evil",
            "a/" * 2000 + "evil",
            "C:\\evil",
            "evil\0",
        ):
            archive.writestr(name, "evil")
        archive.writestr(entry("link", kind=stat.S_IFLNK), "/etc")
        archive.writestr("link/passwd", "evil")
        archive.writestr("data/names/Polish.txt.txt", "evil")
        archive.writestr(WANTED[0], "Nowak\n")
    target = tmp_path / "a" / "target"
    target.mkdir(parents=True)
    unpack(tmp_path / "archive", WANTED, target)
    everything = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert everything == ["a", "a/target", "a/target/Polish.txt", "archive"]
    assert (target / "Polish.txt").read_text() == "Nowak\n"
    assert not Path("/tmp/elman-evil").exists()


def test_the_limit_is_for_all_members_together(tmp_path: Path) -> None:
    members = tuple(f"{n}.txt" for n in range(5))
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        for member in members:
            archive.writestr(member, "x" * 30)
    (tmp_path / "target").mkdir()
    with pytest.raises(DataError, match="larger than"):
        unpack(tmp_path / "archive", members, tmp_path / "target", limit=149)
    (tmp_path / "again").mkdir()
    unpack(tmp_path / "archive", members, tmp_path / "again", limit=150)
    assert len(list((tmp_path / "again").iterdir())) == 5


def test_a_size_that_lies_does_not_help(tmp_path: Path) -> None:
    """The declared size is set to 10 bytes in both headers; the content is a megabyte."""
    path = tmp_path / "archive"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry(WANTED[0]), b"x" * 1_000_000)
    data = path.read_bytes()
    assert data.count((1_000_000).to_bytes(4, "little")) == 2
    path.write_bytes(data.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    (tmp_path / "target").mkdir()
    with pytest.raises(DataError, match="damaged"):  # the checksum is of what was not read
        unpack(path, WANTED, tmp_path / "target", limit=1000)
    assert sum(file.stat().st_size for file in (tmp_path / "target").iterdir()) <= 1000


def test_every_truncation_and_every_flipped_byte_ends_in_a_sentence_or_the_right_text(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(WANTED[0], "Nowak\nKowalski\nNowak\n" * 3)
    good = path.read_bytes()
    variants = [good[:length] for length in range(len(good))]
    variants += [
        good[:n] + bytes([good[n] ^ flip]) + good[n + 1 :] for n in range(len(good)) for flip in (1, 0x40, 0xFF)
    ]
    refused = 0
    for number, data in enumerate(variants):
        path.write_bytes(data)
        target = tmp_path / str(number)
        target.mkdir()
        try:
            unpack(path, WANTED, target)
        except DataError:
            refused += 1
        else:
            assert (target / "Polish.txt").read_text() == "Nowak\nKowalski\nNowak\n" * 3
    assert refused > len(good)
