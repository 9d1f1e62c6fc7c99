"""Power cuts: only what was synced is on the disk. The order of syncs and renames decides, so it is tested."""

from __future__ import annotations

import ast
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from disk_faults import leftovers, watched
from folder_states import NEW, OLD, not_tidied, previous

import elman.storage
from elman.errors import FolderError
from elman.storage import disk, read_folder, sweep, write_file, write_folder

Step = tuple[str, tuple[Any, ...]]
NAMES = ("make_folder", "create", "rename", "remove", "remove_folder")


def journal(act: Callable[[], None]) -> list[Step]:
    """The changing operations of `act`, with paths for files and bytes for data."""
    steps: list[Step] = []

    def note(number: int, name: str, arguments: tuple[Any, ...]) -> None:
        if name in (*NAMES, "write", "sync", "sync_folder"):
            plain = [Path(a.name) if hasattr(a, "fileno") else a for a in arguments]
            steps.append((name, tuple(bytes(a) if isinstance(a, memoryview) else a for a in plain)))

    with watched(note):
        act()
    return steps


def test_order_of_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "model"
    previous(path)
    new, old = tmp_path / ".model.new", tmp_path / ".model.old"
    steps = journal(lambda: write_folder(path, NEW, kind="model"))
    written = [arguments[0].name for name, arguments in steps if name == "create"]
    assert written == [*NEW, "manifest.json"]
    for name in written:
        write, sync = steps.index(("sync", (new / name,))) - 1, steps.index(("sync", (new / name,)))
        assert steps[write][0] == "write"
        assert steps[write][1][0] == new / name
        assert sync < steps.index(("sync_folder", (new,)))
    tail = steps[steps.index(("sync_folder", (new,))) :]
    assert tail[:4] == [
        ("sync_folder", (new,)),
        ("rename", (path, old)),
        ("rename", (new, path)),
        ("sync_folder", (tmp_path,)),
    ]
    assert {name for name, _ in tail[4:]} == {"remove", "remove_folder"}


def test_order_of_a_sweep(tmp_path: Path) -> None:
    """The old content must not go before the name of the new one is on the disk."""
    not_tidied(tmp_path / "model")
    steps = [name for name, _ in journal(lambda: sweep(tmp_path / "model"))]
    assert steps == ["sync_folder", "remove", "remove_folder"]


def test_order_of_a_file(tmp_path: Path) -> None:
    path, new = tmp_path / "file.txt", tmp_path / ".file.txt.new"
    assert journal(lambda: write_file(path, "new")) == [
        ("create", (new,)),
        ("write", (new, b"new")),
        ("sync", (new,)),
        ("rename", (new, path)),
        ("sync_folder", (tmp_path,)),
    ]


def test_power_cut_at_every_moment(tmp_path: Path) -> None:
    """Replays a write as far as the disk got: names up to any moment since the last sync of a folder, content only if synced."""
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    previous(recorded / "model")
    steps = journal(lambda: write_folder(recorded / "model", NEW, kind="model"))
    outcomes = []
    for cut in range(len(steps) + 1):
        synced = {arguments[0] for name, arguments in steps[:cut] if name == "sync"}
        durable = max((i for i in range(cut) if steps[i][0] == "sync_folder"), default=0)
        for names_until in range(durable, cut + 1):
            disk_now = tmp_path / f"{cut}-{names_until}"
            disk_now.mkdir()
            previous(disk_now / "model")
            replay(steps[:names_until], synced, recorded, disk_now)
            outcomes.append(read_folder(disk_now / "model"))
            assert outcomes[-1] in (OLD, NEW)
            sweep(disk_now / "model")
            assert read_folder(disk_now / "model") == outcomes[-1]
            assert leftovers(disk_now) == []
    assert outcomes[0] == OLD
    assert outcomes[-1] == NEW


def replay(steps: list[Step], synced: set[Path], recorded: Path, target: Path) -> None:
    for name, arguments in steps:
        there = [target / a.relative_to(recorded) if isinstance(a, Path) else a for a in arguments]
        if name == "create":
            there[0].touch()
        elif name in NAMES:
            getattr(disk, name)(*there)
        elif name == "write" and arguments[0] in synced:
            there[0].write_bytes(arguments[1])


def test_a_write_without_syncs_would_not_survive_a_power_cut(tmp_path: Path) -> None:
    """The test above can fail: without synced content, the names alone give a damaged folder."""
    recorded, target = tmp_path / "recorded", tmp_path / "target"
    recorded.mkdir()
    target.mkdir()
    steps = journal(lambda: write_folder(recorded / "model", NEW, kind="model"))
    replay(steps, set(), recorded, target)
    with pytest.raises(FolderError):
        read_folder(target / "model")


@pytest.mark.parametrize(("number", "passes"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_network_disks_that_cannot_sync_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, passes: bool
) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    if passes:
        disk.sync_folder(tmp_path)
    else:
        with pytest.raises(OSError, match="Input/output"):
            disk.sync_folder(tmp_path)


def test_only_one_file_touches_the_disk() -> None:
    """So that the faults above reach everything."""
    touching = {"open", "write_bytes", "write_text", "read_bytes", "read_text", "unlink", "replace", "mkdir", "rmdir"}
    touching |= {"touch", "stat", "is_dir", "is_file", "iterdir", "glob", "fsync", "truncate", "save_file", "load_file"}
    for file in Path(elman.storage.__file__).parent.glob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
        own = {"truncate"} if file.name == "lines.py" else set()  # LineLog's method
        names = {
            f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls if _module(f) != "disk"
        }
        assert bool(names & (touching - own)) == (file.name == "disk.py"), file.name


def _module(function: ast.expr) -> str | None:
    value = getattr(function, "value", None)
    return value.id if isinstance(value, ast.Name) else None
