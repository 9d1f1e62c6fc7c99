"""Whole folders, replaced as one: a reader finds all of the old files or all of the new ones, whenever the writer was killed.

Three places: NAME, `.NAME.new` (being written) and `.NAME.old` (being replaced). A write

1. puts each file into new, the manifest last, each synced, then syncs that folder;
2. renames NAME to old, then new to NAME, and syncs their parent;
3. removes old.

So NAME is complete whenever it is there, and old is complete whenever NAME is not: between the renames of step 2.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from elman.errors import FolderError
from elman.storage import disk
from elman.storage.files import beside, disk_errors, put
from elman.storage.intact import verified
from elman.storage.manifest import NAME, Manifest

ATTEMPTS = 100


def write_folder(path: Path, files: Mapping[str, bytes], *, kind: str) -> None:
    """Replace the folder at `path` (its parent must exist) by one with these files; one writer at a time (see `RunLock`).

    Raises:
        FolderError: a name is not a plain file name, or `path` holds something else than such a folder.
        StorageError: the disk is full or fails; the previous folder is intact.
    """
    manifest = Manifest.of(files, kind)
    with disk_errors(f"write {path}", "what was there before is intact"):
        target, new, old = _places(path)
        _refuse_foreign(target)
        sweep(path)
        try:
            _fill(new, {**files, NAME: manifest.to_bytes()})
            _swap(target, new, old)
        except OSError:
            with suppress(OSError):  # where the disk refuses that too, readers find enough, and `sweep` tries again
                _undo(target, new, old)
            raise
    with suppress(OSError):  # the new folder stands; `sweep` tries again
        _discard(old)


def read_folder(path: Path, *, kind: str | None = None, names: Collection[str] | None = None) -> dict[str, bytes]:
    """The files of a folder (only `names` where given), checked against its manifest; safe while a writer replaces it.

    Hidden files (a desktop's own) are never read and don't count as foreign.

    Raises:
        FolderError: missing, truncated, altered, of a newer format or another kind; the message names the file.
        StorageError: the disk can't be read.
    """
    with disk_errors(f"read {path}", "nothing was changed"):
        places = target, _, old = _places(path)
        for _ in range(ATTEMPTS):
            before = [disk.state(place) for place in places]
            try:
                standing = old if disk.exists(old) and not disk.exists(target) else target
                return verified(standing, kind, names)
            except FolderError:
                if [disk.state(place) for place in places] == before:
                    raise
    raise FolderError(f"{path} was replaced during each of {ATTEMPTS} attempts to read it: try again later")


def folder_exists(path: Path) -> bool:
    """Whether `read_folder` finds something here, also while a writer replaces it or after it was killed."""
    target, _, old = _places(path)
    with disk_errors(f"look for {path}", "nothing was changed"):
        return disk.exists(target) or disk.exists(old)


def sweep(path: Path) -> None:
    """Finish or remove what a killed writer left beside a folder or file. For writers only: a reader needs no help.

    Raises:
        StorageError: the disk fails; what can be read is the same as before.
    """
    with disk_errors(f"tidy up beside {path}", "nothing was lost"):
        target, new, old = _places(path)
        if disk.exists(old) and not disk.exists(target):
            disk.rename(old, target)
        elif disk.exists(old):
            disk.sync_folder(target.parent)  # the new name must be on the disk before the old content goes
            _discard(old)
        _discard(new)


def _places(path: Path) -> tuple[Path, Path, Path]:
    target = disk.real(path)
    return target, beside(target, "new"), beside(target, "old")


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    disk.make_folder(folder)
    for name, data in files.items():
        put(folder / name, data)
    disk.sync_folder(folder)


def _swap(target: Path, new: Path, old: Path) -> None:
    if disk.exists(target):
        disk.rename(target, old)
    disk.rename(new, target)
    disk.sync_folder(target.parent)


def _undo(target: Path, new: Path, old: Path) -> None:
    if disk.exists(old):
        if disk.exists(target):  # both renames were done, the last sync failed
            disk.rename(target, new)
        disk.rename(old, target)
    _discard(new)


def _discard(path: Path) -> None:
    if not disk.exists(path):
        return
    if not disk.is_folder(path):
        disk.remove(path)
        return
    for name in disk.listing(path):
        disk.remove(path / name)
    disk.remove_folder(path)


def _refuse_foreign(folder: Path) -> None:
    if not disk.exists(folder):
        return
    found = disk.listing(folder) if disk.is_folder(folder) else {folder.name: None}
    if None in found.values() or (found and NAME not in found):
        raise FolderError(f"{folder} holds something that Elman did not write: choose another folder, or move it away")
