"""`compare`: train what is missing, measure, and put side by side."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from elman.comparing.baselines import ABOUT, baseline
from elman.comparing.contestants import Contestant, contestants
from elman.comparing.pairing import paired_test
from elman.comparing.plan import TITLES, Plan, read_plan
from elman.comparing.progress import Progress
from elman.comparing.run_files import Finished, read_run
from elman.comparing.shared_data import SharedData, shared_data
from elman.comparing.summary import confusion, mistakes, summarise
from elman.comparing.training_runs import trained
from elman.errors import FolderError, InputError, StorageError
from elman.reports.comparison import Comparison, PairedTest, Row, write_comparison
from elman.storage import RunLock, from_json, to_json, write_file
from elman.training import Listener

MARK = "plan.json"
"""What makes a folder that of a comparison."""


def compare(
    sources: str | Path | Sequence[str | Path],
    *,
    seeds: int | None = None,
    settings: Mapping[str, Any] | None = None,
    data: str | Path | None = None,
    out: str | Path | None = None,
    listener: Listener | None = None,
) -> Comparison:
    """Compare models that tell classes apart: on the same texts in the same parts, with intervals, baselines and a paired test.

    Runs that are there are used again, and one that was killed goes on: the same call after any interruption ends the same.

    Args:
        sources: a built-in comparison (`elman recipes` lists them) or its TOML file; or recipes, TOML files and run folders.
        seeds: how many runs each recipe gets (seeds 1, 2 ...); None: as the comparison says, else one.
        settings: keys of all recipes with their values, `{"training.epochs": 3}`; they win over the comparison's own.
        data: a file or folder of texts in the place of the recipes' own.
        out: the folder for runs and results; None: `comparisons/NAME`.
        listener: told how each training goes; None: a progress bar on a terminal, lines otherwise.

    Raises:
        InputError: fewer than two rows, one twice, a language model, or a folder that is something else. RecipeError: a recipe is wrong.
        DataError: rows read different texts. FolderError: a run has not ended or is damaged. RunInUseError: another process is at it.
        Interrupted, NonFiniteError, StorageError: as `elman.train`; what was done so far is kept.
    """
    sources = [sources] if isinstance(sources, (str, Path)) else list(sources)
    plan = read_plan(sources)
    rows = contestants(plan, seeds, settings or {}, None if data is None else Path(data))
    folder = Path("comparisons") / plan.name if out is None else Path(out)
    _refuse_foreign(folder)
    shared = shared_data(rows)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"can't make the folder {folder}: {error.strerror}") from error
    with RunLock(folder):
        write_file(folder / MARK, to_json({"format": 1, "title": plan.title, "rows": [row.title for row in rows]}))
        finished = _runs(rows, shared, folder, listener)
        comparison = replace(
            _side_by_side(plan, rows, finished, shared, folder, quiet=listener is not None),
            again=_command(sources, seeds, settings or {}, data, out),
        )
        write_comparison(comparison)
    return comparison


def _runs(
    rows: Sequence[Contestant], shared: SharedData, folder: Path, listener: Listener | None
) -> list[list[Finished]]:
    """The attempts of each row. All rows with the first seed come first, so that what is stopped early has each once."""
    progress = Progress([row.title for row in rows for _ in row.recipes], quiet=listener is not None)
    found: list[dict[int, Finished]] = [{} for _ in rows]
    for seed in sorted({seed for row in rows for seed in row.recipes}):
        for place, row in enumerate(rows):
            if seed not in row.recipes:
                continue
            if seed in row.runs:
                one = read_run(row.runs[seed], seed)
            else:
                path = folder / "runs" / f"{row.slug}-seed{seed}"
                one = trained(path, row.recipes[seed], listener, lambda: progress.begins(row.title, seed))  # noqa: B023
            if one.digest != shared.corpus.digest:
                raise FolderError(
                    f"{one.attempt.run} was trained on other texts than are found now ({shared.corpus.title}): models are "
                    "compared on the same texts only"
                )
            if one.labels != shared.splits[seed].test.labels:
                raise FolderError(
                    f"{one.attempt.run} was tested on other texts, or on the same in another order, than are found now"
                )
            progress.ended(row.title, one.attempt.seconds)
            found[place][seed] = one
    return [list(attempts.values()) for attempts in found]


def _side_by_side(
    plan: Plan,
    rows: Sequence[Contestant],
    finished: list[list[Finished]],
    shared: SharedData,
    folder: Path,
    *,
    quiet: bool,
) -> Comparison:
    progress = Progress([], quiet=quiet)
    table: list[Row] = []
    attempts = dict(zip([row.title for row in rows], finished, strict=True))
    for name in plan.baselines:
        progress.say(f"baseline: {TITLES[name]}")
        made = baseline(name, shared, rows, folder / "baselines")
        if name != "majority":
            attempts[TITLES[name]] = made
        table.append(summarise(TITLES[name], "baseline", ABOUT[name], [one.attempt for one in made]))
    for row, runs in zip(rows, finished, strict=True):
        table.append(summarise(row.title, "model", row.recipe.about, [one.attempt for one in runs]))
    best = max(range(len(plan.baselines), len(table)), key=lambda place: _validated(table[place]))
    winner = attempts[table[best].title]
    data = shared.describe()
    return Comparison(
        name=plan.name,
        title=plan.title,
        about=plan.about,
        data=data,
        seeds=tuple(shared.splits),
        rows=tuple(table),
        best=best,
        tests=_tests(table, best, attempts, one_test_part=data.one_test_part),
        confusion=confusion(winner, len(data.classes)),
        mistakes=mistakes(winner),
        folder=folder,
        again="",
    )


def _tests(
    table: Sequence[Row], best: int, attempts: Mapping[str, Sequence[Finished]], *, one_test_part: bool
) -> tuple[PairedTest, ...]:
    """The best row against the second best (both by the validation part), and against each baseline that answers."""
    models = [row for place, row in enumerate(table) if row.kind == "model" and place != best]
    against = [max(models, key=_validated), *(row for row in table if row.kind == "baseline")]
    first = table[best].title
    return tuple(
        paired_test((first, attempts[first]), (row.title, attempts[row.title]), one_test_part=one_test_part)
        for row in against
        if row.title in attempts
    )


def _command(
    sources: Sequence[str | Path],
    seeds: int | None,
    settings: Mapping[str, Any],
    data: str | Path | None,
    out: str | Path | None,
) -> str:
    words = ["elman", "compare", *map(str, sources)]
    options = {"--seeds": seeds, "--data": data, "--out": out}
    words += [str(word) for option, value in options.items() if value is not None for word in (option, value)]
    for key, value in settings.items():
        spelled = tomli_w.dumps({"value": value}).split(" = ", 1)[1]
        words += ["--set", f"{key}={' '.join(spelled.split())}"]
    return shlex.join(words)


def _validated(row: Row) -> float:
    return row.validation_accuracy.value if row.validation_accuracy else 0.0


def _refuse_foreign(folder: Path) -> None:
    """A comparison never writes into a folder that holds something else."""
    try:
        found = sorted(path.name for path in folder.iterdir() if path.name != "lock") if folder.exists() else []
        if not found or from_json((folder / MARK).read_bytes(), str(folder / MARK))["format"] == 1:
            return
    except NotADirectoryError:
        raise InputError(f"{folder} is a file: choose a folder with --out") from None
    except (FileNotFoundError, FolderError, KeyError, TypeError):
        pass
    except OSError as error:
        raise StorageError(f"{folder} can't be read: {error.strerror}") from error
    raise InputError(f"{folder} holds {found[0]} and is no comparison: choose another folder with --out")
