"""`train`: from a recipe to a run folder, once or in several goes."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elman.cells.cell import Cell
from elman.equations import cell_to_text
from elman.errors import ElmanError, FolderError, InputError, Interrupted, NonFiniteError, RecipeError, StorageError
from elman.models import SIZES, load_model
from elman.recipes.reading import read_recipe, recipe_to_toml, with_overrides
from elman.recipes.recipe import Recipe
from elman.reports import write_report
from elman.runs.assembly import Assembly, assemble
from elman.runs.coach import advice
from elman.runs.loaded import load
from elman.storage import folder_exists, from_json, read_lines, to_json, write_file
from elman.training import Listener, Outcome, ProgressListener, RunFolder, fit


@dataclass(frozen=True)
class Run:
    """A run: the folder that a training left, and how it ended.

    Attributes:
        path: the folder.
        outcome: why and when the training stopped.
    """

    path: Path
    outcome: Outcome

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of metrics.jsonl."""
        return read_lines(self.path / "metrics.jsonl")

    @property
    def results(self) -> dict[str, Any]:
        """What was measured at the end: test loss, samples, novelty."""
        path = self.path / "results.json"
        found: dict[str, Any] = from_json(path.read_bytes(), str(path))
        return found

    @property
    def report(self) -> Path:
        """The one-file HTML report."""
        return self.path / "report.html"

    def model(self) -> Any:
        """The model with the best validation loss."""
        return load(self.path)


def train(
    recipe: str | Path | Recipe,
    *,
    run: str | Path | None = None,
    resume: bool = False,
    listener: Listener | None = None,
    settings: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> Run:
    """Train a model as a recipe says, and leave a run folder.

    Args:
        recipe: a built-in name (`elman recipes` lists them), a TOML file, or a `Recipe`.
        run: the folder; None: `runs/NAME`, with a number behind it where that holds a run already.
        resume: go on with the run in the folder, bit for bit as if it had not stopped; its own recipe counts.
        listener: told what happens; None: a progress bar on a terminal, lines otherwise.
        settings: keys of the recipe with their values, `{"training.rate": 0.01}`; they win over all others.
        overrides: any key of a recipe, `epochs=3`; further `data` (a file or folder), `size` ("tiny", "small", "medium", "large"),
            `cell` (a name or a `Cell`).

    Raises:
        RecipeError, DataError, InputError, CellError: something asked for is wrong; nothing was written.
        RunInUseError: another process writes to the folder. NonFiniteError: NaN; the parameters are as before it.
        Interrupted: a signal; the state is saved. StorageError: the disk failed; the last checkpoint is intact.
    """
    values = overridden(overrides, settings)
    path = Path(run) if run is not None else _default_folder(recipe, resume=resume)
    before = _recipe_of(path) if resume else None
    resolved = resolve(before or recipe, values)
    if before is not None:
        _refuse_other(before, resolved)
    else:
        _refuse_foreign(path)
    parts = assemble(resolved)
    if resume:
        _refuse_other_data(path, parts)
    with RunFolder(path) as folder:
        try:
            outcome = fit(
                parts.task, parts.train, parts.validation, resolved.training, test=parts.test,
                generators=parts.generators, run=folder, listener=listener or ProgressListener(), resume=resume,
                model_files=parts.files, samples=parts.samples,
                accepted=lambda: write_file(path / "recipe.toml", recipe_to_toml(resolved)),
            )  # fmt: skip
        except (Interrupted, NonFiniteError):
            with suppress(ElmanError):  # a courtesy, which must not hide why the run stopped
                write_report(path)
            raise
        measured = parts.measure(path, _seconds(path))
        write_file(path / "results.json", to_json({**measured, "advice": advice(parts, path, measured)}))
        write_report(path)
    return Run(path, outcome)


def overridden(overrides: dict[str, Any], settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """What `train` was told beside the recipe, in terms of the recipe's own keys."""
    values = {**_overrides(overrides), **(settings or {})}
    if {"cell", "model.cell"} & set(values):  # a cell by name takes the place of one that the recipe writes down
        values.setdefault("model.cell_text", None)
    return values


def _overrides(given: dict[str, Any]) -> dict[str, Any]:
    """The shorthands in terms of the recipe's own keys; the rest as they are."""
    rest = {key: value for key, value in given.items() if value is not None}
    data, size, cell = (rest.pop(key, None) for key in ("data", "size", "cell"))
    values: dict[str, Any] = {}
    if size is not None:
        if size not in SIZES:
            raise InputError(f"unknown size {size!r}; there are: {', '.join(SIZES)}")
        values |= {f"model.{key}": value for key, value in SIZES[size].items()}
    values |= rest  # what is said in detail wins over the dial
    if data is not None:
        values["data.path"] = str(data)
    if isinstance(cell, Cell) or (isinstance(cell, type) and issubclass(cell, Cell)):
        made = cell() if isinstance(cell, type) else cell
        values |= {"model.cell": made.title, "model.cell_text": cell_to_text(made)}
    elif cell is not None:
        values["model.cell"] = cell
    return values


def resolve(recipe: str | Path | Recipe, values: Mapping[str, Any]) -> Recipe:
    """The recipe with these keys changed."""
    if isinstance(recipe, Recipe):
        return with_overrides(tomllib.loads(recipe_to_toml(recipe)), values, where="the recipe")
    return read_recipe(recipe, values)


def _default_folder(recipe: str | Path | Recipe, *, resume: bool) -> Path:
    """`runs/NAME`; with a number where it is taken, or the newest one to resume."""
    stem = Path(recipe).stem if isinstance(recipe, (str, Path)) else "run"
    runs = Path("runs")
    taken = [path for path in [runs / stem, *(runs / f"{stem}-{k}" for k in range(2, 1000))] if path.exists()]
    if resume:
        if not taken:
            raise FolderError(f"there is no run of {stem} in {runs} to resume; name its folder with --run")
        return max(taken, key=lambda path: path.stat().st_mtime)
    return runs / stem if not taken else next(p for k in range(2, 1001) if not (p := runs / f"{stem}-{k}").exists())


def _recipe_of(path: Path) -> Recipe:
    try:
        return read_recipe(path / "recipe.toml")
    except RecipeError as error:
        raise FolderError(f"{path} can't be resumed: {error}") from None


def _refuse_foreign(path: Path) -> None:
    """A new run never writes into a folder that has files of its own."""
    try:
        found = sorted(p.name for p in path.iterdir() if p.name != "lock") if path.is_dir() else []
    except OSError as error:
        raise StorageError(f"{path} can't be read: {error.strerror}") from error
    if found:
        raise InputError(
            f"{path} already holds {found[0]}: go on with --resume if it is a run, or choose another folder with --run"
        )


def _refuse_other(before: Recipe, now: Recipe) -> None:
    """A run goes on with its own data, model and samples; the training room looks after its own section."""
    for section in ("data", "model", "sample"):
        old, new = getattr(before, section).model_dump(), getattr(now, section).model_dump()
        # The data may have moved; whether it is the same is told by its digest.
        changed = [key for key in old if old[key] != new[key] and (section, key) != ("data", "path")]
        if changed:
            key = changed[0]
            raise InputError(
                f"a resumed run keeps its {section}: {section}.{key} was {old[key]!r}; start another run with --run"
            )


def _refuse_other_data(path: Path, parts: Assembly) -> None:
    if folder_exists(path / "last"):
        trained_on = load_model(path / "last").config.get("corpus", {}).get("digest")
        if trained_on != parts.corpus.digest:
            raise FolderError(f"{path} can't be resumed: its data, {parts.corpus.title}, has changed since")


def _seconds(path: Path) -> float:
    timing = path / "timing.jsonl"
    return float(sum(row["seconds"] for row in read_lines(timing))) if timing.exists() else 0.0
