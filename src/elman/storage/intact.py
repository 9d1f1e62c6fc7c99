"""Whether a folder is what its manifest says, file by file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from elman.errors import FolderError
from elman.storage import disk
from elman.storage.canonical import MAX_BYTES
from elman.storage.manifest import NAME, Entry, Manifest


def verified(folder: Path, kind: str | None, names: Collection[str] | None) -> dict[str, bytes]:
    """The files in `folder` (only `names` where given).

    Raises:
        FolderError: anything is not as the manifest says, or the folder is of another kind.
    """
    try:
        found = disk.listing(folder)
        manifest = _manifest(folder, found)
        _compare(folder, found, manifest)
        if kind not in (None, manifest.kind):
            raise FolderError(f"{folder} holds a {manifest.kind}, not a {kind}")
        wanted = set(manifest.files if names is None else names)
        if missing := sorted(wanted - set(manifest.files)):
            raise FolderError(f"{folder} has no {', '.join(missing)}")
        return {name: _content(folder / name, entry) for name, entry in manifest.files.items() if name in wanted}
    except FileNotFoundError as error:
        raise FolderError(f"there is no {error.filename}: check the path") from error
    except NotADirectoryError as error:
        raise FolderError(f"{folder} is not a folder") from error


def _manifest(folder: Path, found: Mapping[str, int | None]) -> Manifest:
    size = found.get(NAME)
    if size is None or size > MAX_BYTES:
        raise FolderError(f"{folder} is not a folder of Elman's, or is damaged: it has no usable {NAME}")
    return Manifest.from_bytes(disk.read(folder / NAME), str(folder / NAME))


def _compare(folder: Path, found: Mapping[str, int | None], manifest: Manifest) -> None:
    for name, entry in manifest.files.items():
        size = found.get(name)
        if size != entry.size:
            state = "is missing or no plain file" if size is None else f"has {size} bytes, not {entry.size}"
            raise FolderError(f"{folder / name} {state}: take an intact copy of the folder")
    for name in sorted(set(found) - set(manifest.files) - {NAME}):
        if not name.startswith("."):
            raise FolderError(f"{folder / name} is not in the folder's manifest: move it away")


def _content(file: Path, entry: Entry) -> bytes:
    data = disk.read(file)
    if Entry.of(data) != entry:
        raise FolderError(f"{file} was altered: its SHA-256 is not the manifest's; take an intact copy of the folder")
    return data
