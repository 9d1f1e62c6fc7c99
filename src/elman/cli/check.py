"""`elman check`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from elman.cli.options import Json, Seed, print_json, write_out

if TYPE_CHECKING:
    from elman.checking.grading import CheckSettings

QUIET = 2.0
"""Seconds before anything is said, and between two lines."""


def check(
    file: Annotated[Path | None, typer.Argument(help="Your file.", show_default=False)] = None,
    list_all: Annotated[bool, typer.Option("--list", help="The worksheets that there are.")] = False,
    start: Annotated[
        str | None, typer.Option("--start", metavar="NAME", help="Write a worksheet's starter file.")
    ] = None,
    worksheet: Annotated[
        str | None,
        typer.Option("--worksheet", metavar="NAME", help="Which worksheet it is, where the file does not say."),
    ] = None,
    solution: Annotated[
        bool, typer.Option("--solution", help="Also the worked solution, with the explanation.")
    ] = False,
    seed: Seed = None,
    submissions: Annotated[
        Path | None,
        typer.Option("--submissions", metavar="FOLDER", help="Check a class: a file or folder for each student."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where --start or --submissions writes (a starter, a table of grades).")
    ] = None,
    settings: Annotated[Path | None, typer.Option("--settings", help="Points and limits, a TOML file.")] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", help="Also Gradescope's results.json; with --submissions a folder for them."),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text or otter.")] = "text",
    as_json: Json = False,
) -> None:
    """Check a worksheet: which gate, which step, which mistake. Exit code 0 right, 1 wrong, 2 not a worksheet."""
    from elman.errors import InputError

    if form not in ("text", "otter"):
        raise InputError(f"unknown format {form!r}; there are: text, otter")
    if sum((list_all, start is not None, submissions is not None, file is not None)) > 1:
        raise InputError("give one of FILE, --list, --start and --submissions")
    if list_all:
        _list(as_json)
    elif start is not None:
        _start(start, out, as_json)
    elif submissions is not None:
        _class(submissions, out, results, _settings(settings, worksheet, seed), as_json)
    elif file is not None:
        _file(file, _settings(settings, worksheet, seed), results, form, solution, as_json)
    elif solution and worksheet is not None:
        _solution(worksheet, as_json)
    else:
        raise InputError("give your FILE; --list shows the worksheets, --start NAME writes a file to begin with")


def _settings(path: Path | None, worksheet: str | None, seed: int | None) -> CheckSettings:
    from elman.checking.grading import read_settings

    found = read_settings(path)
    given = {k: v for k, v in (("worksheet", worksheet), ("seed", seed)) if v is not None}
    return found.model_copy(update=given)


def _list(as_json: bool) -> None:
    from elman.checking.worksheets import worksheets

    sheets = worksheets()
    if as_json:
        print_json([{"name": s.name, "title": s.title, "course": s.course, "needs": list(s.needs)} for s in sheets])
        return
    for sheet in sheets:
        typer.echo(f"{sheet.name:<16} {sheet.title}\n{'':<16}   {sheet.course}")
    typer.echo("\nelman check --start NAME writes a file to begin with, elman check FILE judges it.")


def _start(name: str, out: Path | None, as_json: bool) -> None:
    from elman.checking.worksheets import worksheet
    from elman.errors import InputError
    from elman.storage import write_file

    sheet = worksheet(name)
    path = out or Path(f"{name.replace('-', '_')}{'.py' if sheet.form == 'python' else '.txt'}")
    if path.exists():
        raise InputError(f"{path} is already there and may be your work; name another with --out")
    write_file(path, sheet.starter_file())
    if as_json:
        print_json({"worksheet": name, "file": str(path)})
        return
    typer.echo(
        f"{sheet.title} ({sheet.course})\n\n{sheet.statement.strip()}\n\nwrote {path}; check it with: elman check {path}"
    )


def _file(file: Path, settings: CheckSettings, results: Path | None, form: str, solution: bool, as_json: bool) -> None:
    from elman.checking.checker import check as check_file
    from elman.checking.results import gradescope, otter
    from elman.checking.worksheets import worksheet

    verdict = check_file(file, settings.worksheet, seed=settings.seed, limits=settings.limits, told=_Patience())
    verdict = settings.weighed(verdict, verdict.worksheet)
    sheet = worksheet(verdict.worksheet)
    if results is not None:
        write_out(results, json.dumps(gradescope(verdict), indent=1) + "\n")
    if as_json:
        more: dict[str, Any] = {"solution": sheet.solution, "explanation": sheet.explanation} if solution else {}
        print_json(verdict.to_json() | more)
    else:
        sys.stdout.write(verdict.text if form == "text" else otter(verdict))
        if solution:
            _solution(sheet.name, as_json)
    if not verdict.right:
        raise typer.Exit(1)


class _Patience:
    """After two seconds says how far the questions are, and how long the rest may take."""

    def __init__(self) -> None:
        self.began = self.shown = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done < total and now - self.shown > QUIET:
            self.shown = now
            left = (now - self.began) / done * (total - done)
            sys.stderr.write(f"checking: {done} of {total} questions, about {left:.0f} s left\n")


def _solution(name: str, as_json: bool) -> None:
    from elman.checking.worksheets import worksheet

    sheet = worksheet(name)
    if as_json:
        print_json({"worksheet": name, "solution": sheet.solution, "explanation": sheet.explanation})
        return
    typer.echo(f"\nThe solution of {name}:\n{sheet.solution}\nWhy:\n{sheet.explanation}", nl=False)


def _folder(path: Path) -> Path:
    from elman.errors import StorageError

    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"the folder {path} can't be made: {error.strerror}") from None
    return path


def _class(folder: Path, out: Path | None, results: Path | None, settings: CheckSettings, as_json: bool) -> None:
    from elman.checking import grading
    from elman.checking.results import gradescope
    from elman.data.progress import watched
    from elman.errors import InputError
    from elman.reports.wording import visible
    from elman.storage import write_file

    if out is None:
        raise InputError("--submissions wants --out FILE for the grades")
    found = grading.submissions(folder)
    seed = int.from_bytes(os.urandom(4), "big") if settings.seed is None else settings.seed
    graded: list[grading.Graded] = []
    for one in watched(grading.grade(found, settings, seed), "checking submissions", len(found)):
        graded.append(one)
        write_file(out, grading.table(graded))  # after each: whatever stops the rest, these are there
        if results is not None and one.verdict is not None:
            target = _folder(results / f"{len(graded):04}-{one.folder}") / "results.json"
            write_file(target, json.dumps(gradescope(one.verdict), indent=1) + "\n")
    sys.stderr.write(f"wrote {out}\n")
    report = grading.mistake_report(graded)
    if as_json:
        print_json({"seed": seed, "grades": [g.row() for g in graded], "mistakes": report})
        return
    right = sum(bool(g.verdict and g.verdict.right) for g in graded)
    typer.echo(
        f"{len(graded)} submissions, {right} right, {sum(g.verdict is None for g in graded)} could not be judged (seed {seed})"
    )
    for row in report:
        typer.echo(f"{row['count']:>4}  {row['mistake']:<30} {row['sentence']}")
    for one in graded:
        if one.verdict is None:
            typer.echo(visible(f"   -  {one.student}: {one.problem}"))
