"""Reading what the coach said of a run: `advice` in its results.json."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from elman.coaching import Finding
from elman.errors import FolderError
from elman.storage import from_json


def read_advice(run: Path) -> list[Finding]:
    """The findings, most severe first; none is an answer too.

    Raises:
        FolderError: not a run folder, the training has not ended, or it ended without the coach.
    """
    path = Path(run) / "results.json"
    try:
        content = path.read_bytes()
    except OSError:
        what = "the training has not ended" if (Path(run) / "recipe.toml").is_file() else "it is no run folder"
        raise FolderError(f"{run} has no {path.name}: {what}; the coach looks at a run that has ended") from None
    found = from_json(content, str(path))
    advice = found.get("advice") if isinstance(found, dict) else None
    if not isinstance(advice, list):
        raise FolderError(f"{path} has no advice: the run was made by a version without the coach; train it again")
    try:
        return [Finding.model_validate(item) for item in advice]
    except ValidationError as error:
        raise FolderError(f"{path} is damaged: advice: {error.errors()[0]['msg']}") from None
