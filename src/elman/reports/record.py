"""What a run folder tells about its run, read from the files alone; what is missing is said to be missing."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from elman.errors import FolderError
from elman.reports.contents import ClassResults, Epoch, Refused, Results, Stretch
from elman.storage import from_json, read_folder, read_lines

Contents = TypeVar("Contents", bound=BaseModel)


@dataclass(frozen=True)
class Record:
    """A run folder as data.

    Attributes:
        path: the folder, as one would type it where the run was made.
        recipe: recipe.toml.
        epochs: what each epoch, or part of one, came to.
        refused: steps that were not applied, since something was not finite.
        seconds: training time in all its goes.
        results: results.json; None if the run did not end.
        config: config.json of the best model, empty if there is none.
        environment: environment.json, empty if there is none.
        missing: a sentence for each thing that is not there or can't be read.
    """

    path: Path
    recipe: dict[str, Any]
    epochs: list[Epoch] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    seconds: float = 0.0
    results: Results | ClassResults | None = None
    config: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The recipe's title, or the folder's name."""
        return str(self.recipe.get("title") or self.path.name)

    @property
    def unit(self) -> str:
        """What a loss is of: a symbol, or a text with a class."""
        model = self.recipe.get("model")
        shape = model.get("shape", "language-model") if isinstance(model, dict) else "language-model"
        return "symbol" if shape == "language-model" else "text"

    @property
    def best(self) -> Epoch | None:
        """The epoch whose weights are in best/."""
        found = [row for row in self.epochs if row.best and row.validation]
        return found[-1] if found else None


def read_record(run: Path) -> Record:
    """Read a run folder; only its recipe has to be there.

    Raises:
        FolderError: it holds no run, or its recipe is not TOML.
    """
    recipe = _recipe(run / "recipe.toml")
    missing: list[str] = []
    rows = _rows(run / "metrics.jsonl", missing)
    epochs = _parse(Epoch, [r for r in rows if r.get("kind") in ("epoch", "stop")], "metrics.jsonl", missing)
    return Record(
        path=_shown(run),
        recipe=recipe,
        epochs=epochs,
        refused=_parse(Refused, [r for r in rows if r.get("kind") == "nonfinite"], "metrics.jsonl", missing),
        seconds=sum(
            row.seconds for row in _parse(Stretch, _rows(run / "timing.jsonl", missing), "timing.jsonl", missing)
        ),
        results=_results(run / "results.json", missing),
        config=_config(run / "best", missing),
        environment=_environment(run / "environment.json", missing),
        missing=missing,
    )


def _recipe(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FolderError(f"{path.parent} is no run folder: it has no recipe.toml")
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FolderError(f"{path} is damaged: {error}") from None


def _rows(path: Path, missing: list[str]) -> list[dict[str, Any]]:
    """The rows of a log; none where it was not begun."""
    if not path.is_file():
        return []
    try:
        return read_lines(path)
    except FolderError as error:
        missing.append(f"{error}.")
        return []


def _results(path: Path, missing: list[str]) -> Results | ClassResults | None:
    if not path.is_file():
        missing.append(f"The training has not ended: there is no {path.name}, so no test loss yet.")
        return None
    values = _object(_json(path.read_bytes(), path, missing))
    kind: type[Results | ClassResults] = ClassResults if "classes" in values else Results
    found = _parse(kind, [values] if values else [], path.name, missing)
    return found[0] if found else None


def _config(best: Path, missing: list[str]) -> dict[str, Any]:
    try:
        content = read_folder(best, names=["config.json"])["config.json"]
    except FolderError as error:
        missing.append(f"There is no best model to read the equations from: {error}.")
        return {}
    return _object(_json(content, best / "config.json", missing))


def _environment(path: Path, missing: list[str]) -> dict[str, Any]:
    return _object(_json(path.read_bytes(), path, missing)) if path.is_file() else {}


def _json(content: bytes, path: Path, missing: list[str]) -> Any:
    try:
        return from_json(content, path.name)
    except FolderError as error:
        missing.append(f"{error}.")
        return None


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _parse(kind: type[Contents], values: list[Any], name: str, missing: list[str]) -> list[Contents]:
    """The values with their types; those that are not what they should be are left out, and told once."""
    found, wrong = [], ""
    for value in values:
        if value is None:
            continue
        try:
            found.append(kind.model_validate(value))
        except ValidationError as error:
            first = error.errors()[0]
            wrong = f"{name} is not as this version writes it: {'.'.join(map(str, first['loc']))}: {first['msg']}."
    if wrong:
        missing.append(wrong)
    return found


def _shown(run: Path) -> Path:
    """The folder as typed from here, so that commands can be copied; a folder elsewhere by its full path."""
    absolute, here = run.resolve(), Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) and absolute != here else absolute
