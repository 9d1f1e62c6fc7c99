"""Finding the model in a folder that a user names: a run's best weights, or a model folder itself."""

from __future__ import annotations

from pathlib import Path

from elman.errors import FolderError
from elman.models.folder import StoredModel, load_model
from elman.storage import folder_exists


def stored_model(path: str | Path) -> tuple[Path, StoredModel]:
    """The model folder that was meant, and what it holds.

    Raises:
        FolderError: missing, truncated, altered, of a newer format, or with NaN in its weights; the message says which.
    """
    folder = Path(path)
    try:
        found = folder.exists() or folder_exists(folder)
        is_run = (folder / "recipe.toml").is_file()
    except (OSError, ValueError) as error:
        raise FolderError(f"{str(folder)[:80]} can't be a folder: {error}") from None
    if not found:
        raise FolderError(f"there is no {folder}; a run is a folder that `elman train` left, such as runs/names-quick")
    if is_run:
        folder = folder / "best" if folder_exists(folder / "best") else folder / "last"
    return folder, load_model(folder)
