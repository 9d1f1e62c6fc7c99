"""Disk full and kill -9 at every single operation: the previous or the new content can always be read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from disk_faults import Before, full_from, full_once, leftovers, watched
from folder_states import NEW, OLD, STATES, previous
from storage_process import LARGE, Start

from elman.errors import FolderError, StorageError
from elman.storage import LineLog, append_file, disk, read_folder, read_lines, sweep, write_file, write_folder


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The faults here are no power cuts (see test_storage_order.py): nothing depends on waiting for the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def read(path: Path) -> dict[str, bytes] | None:
    try:
        return read_folder(path, kind="model")
    except FolderError as error:
        if "there is no" in str(error):
            return None
        raise  # damaged


@pytest.mark.parametrize("fault", [full_once, full_from])
@pytest.mark.parametrize("state", STATES)
def test_disk_full_at_every_operation_of_a_folder(tmp_path: Path, state: str, fault: Callable[[int], Before]) -> None:
    said = []
    for n in count(1):
        path = tmp_path / str(n) / "model"
        path.parent.mkdir()
        STATES[state](path)
        before = read(path)
        try:
            with watched(fault(n)) as met:
                write_folder(path, NEW, kind="model")
        except StorageError as error:
            said.append(str(error))
            assert read(path) in (before, NEW)
            if fault is full_once and state in ("nothing", "previous") and before:
                assert read(path) == before
                assert leftovers(path.parent) == []
        else:
            assert read(path) == NEW
        write_folder(path, NEW, kind="model")  # the disk is fine again
        assert read(path) == NEW
        assert leftovers(path.parent) == []
        if len(met) < n:
            break
    assert len(said) > 15
    assert all(
        re.fullmatch("can't .*: No space left on device; (what was there before is intact|nothing .*)", s) for s in said
    )


@pytest.mark.parametrize("state", STATES)
def test_killed_at_every_operation_of_a_folder(tmp_path: Path, start: Start, state: str) -> None:
    STATES[state](tmp_path / "model")
    before = read(tmp_path / "model")
    process = start("kill_at_every_operation", tmp_path, state)
    assert process.wait() == 0
    found = []
    for n in count(1):
        path = tmp_path / str(n) / "model"
        if not path.parent.exists():
            break
        found.append(read(path))
        assert found[-1] in (before, NEW)
        sweep(path)
        assert read(path) == found[-1]
        assert path.exists() == (found[-1] is not None)
        assert leftovers(path.parent) == []
        write_folder(path, NEW, kind="model")
        assert read(path) == NEW
    assert len(found) > 20
    assert found[0] == before
    assert found[-1] == NEW


@pytest.mark.parametrize("fault", [full_once, full_from])
def test_disk_full_at_every_operation_of_a_file(tmp_path: Path, fault: Callable[[int], Before]) -> None:
    path = tmp_path / "file.txt"
    for n in range(1, 7):
        write_file(path, "old")
        with (
            watched(fault(n)),
            pytest.raises(StorageError, match=r"can't write .*: No space left on device; it was not left half"),
        ):
            write_file(path, "new")
        assert path.read_text() in ("old", "new")
        if fault is full_once:
            assert leftovers(tmp_path) == []
    write_file(path, "new")
    with watched(full_once(7)):
        write_file(path, "newer")  # there is no seventh operation
    assert path.read_text() == "newer"
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("fault", [full_once, full_from])
def test_disk_full_at_every_operation_of_a_log(tmp_path: Path, fault: Callable[[int], Before], torn: bool) -> None:
    for n in count(1):
        log = LineLog(tmp_path / f"{n}.jsonl")
        log.append({"row": 1})
        before = log.path.read_bytes()
        if torn:
            log.path.write_bytes(before + b'{"ro')
        try:
            with watched(fault(n)):
                log.append({"row": 2})
        except StorageError:
            assert [row["row"] for row in read_lines(log.path)] in ([1], [1, 2])  # two where only the cut-back failed
            if fault is full_once:
                assert log.path.read_bytes() in (before, before + b'{"ro')
        else:
            break
        kept = read_lines(log.path)
        log.append({"row": 3})
        assert read_lines(log.path) == [*kept, {"row": 3}]
    assert n > 8


@pytest.mark.parametrize("kind", ["log", "file"])
def test_killed_at_every_operation_of_a_log_or_file(tmp_path: Path, start: Start, kind: str) -> None:
    assert start("kill_at_every_operation", tmp_path, kind).wait() == 0
    folders = list(tmp_path.iterdir())
    for folder in folders:
        if kind == "log":
            path = folder / "log.jsonl"
            rows = read_lines(path)
            assert rows in ([{"row": 1}], [{"row": 1}, {"row": 2}])
            LineLog(path).append({"row": 3})
            assert read_lines(path) == [*rows, {"row": 3}]
        else:
            assert (folder / "file.txt").read_text() in ("old", "new")
            sweep(folder / "file.txt")
            assert leftovers(folder) == []
    assert len(folders) > 6


def test_the_kernel_refuses_to_write(tmp_path: Path, start: Start) -> None:
    previous(tmp_path / "model")
    write_file(tmp_path / "file.txt", "old")
    append_file(tmp_path / "samples.txt", b"old")
    LineLog(tmp_path / "log.jsonl").append({"row": 1})
    said, _ = start("hit_file_size_limit", tmp_path).communicate()
    assert len(re.findall("^can't .*: File too large; ", said, re.MULTILINE)) == 4
    assert read(tmp_path / "model") == OLD
    assert (tmp_path / "file.txt").read_text() == "old"
    assert (tmp_path / "samples.txt").read_text() == "old"
    assert read_lines(tmp_path / "log.jsonl") == [{"row": 1}]
    assert leftovers(tmp_path) == []
    write_file(tmp_path / "file.txt", LARGE)
    assert (tmp_path / "file.txt").read_bytes() == LARGE


def test_a_system_that_takes_three_bytes_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "write", lambda file, data: file.write(data[:3]))
    write_folder(tmp_path / "model", NEW, kind="model")
    LineLog(tmp_path / "log.jsonl").append({"row": 1})
    assert read(tmp_path / "model") == NEW
    assert read_lines(tmp_path / "log.jsonl") == [{"row": 1}]
