"""A class: every submission of a folder checked, each in a process of its own; a table of points, and which mistakes were made."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from elman.checking.checker import check
from elman.checking.mistakes import CATALOGUE
from elman.checking.results import mistake_counts
from elman.checking.sandbox.process import Limits
from elman.checking.verdict import Verdict
from elman.errors import DataError, ElmanError, RecipeError

SUFFIXES = (".py", ".txt")
LONGEST_NAME = 120
"""Bytes of a student's name in the name of a folder; file systems allow 255 in all."""


class CheckSettings(BaseModel):
    """What a teacher sets, in TOML.

    `points` gives for a worksheet either what it is worth in all, shared evenly among its questions, or the points of each question by name
    (those that are not named keep 1).
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    worksheet: str | None = None
    seed: int | None = Field(None, ge=0)
    seconds: float = Field(5.0, gt=0, le=600)
    memory_mib: int = Field(2048, ge=64, le=1 << 20)
    points: dict[str, float | dict[str, float]] = {}

    @property
    def limits(self) -> Limits:
        """For each question."""
        return Limits(self.seconds, self.memory_mib << 20)

    def weighed(self, verdict: Verdict, worksheet: str) -> Verdict:
        """The verdict with these points.

        Raises:
            RecipeError: it names a question that the worksheet does not have.
        """
        given = self.points.get(worksheet)
        if given is None:
            return verdict
        if isinstance(given, dict):
            unknown = set(given) - {f.name for f in verdict.findings}
            if unknown:
                there = ", ".join(repr(f.name) for f in verdict.findings)
                raise RecipeError(
                    f"points.{worksheet}: there is no question {sorted(unknown)[0]!r}; there are: {there}"
                )
            findings = tuple(replace(f, points=given.get(f.name, f.points)) for f in verdict.findings)
        else:
            findings = tuple(replace(f, points=given / len(verdict.findings)) for f in verdict.findings)
        return replace(verdict, findings=findings)


def read_settings(path: Path | None) -> CheckSettings:
    """Settings from a TOML file; the usual ones without.

    Raises:
        DataError: it can't be read. RecipeError: it is no TOML, or has other keys.
    """
    if path is None:
        return CheckSettings()
    try:
        return CheckSettings.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} can't be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path} is not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{path}: {key}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


@dataclass(frozen=True)
class Graded:
    """One submission: its verdict, or the problem why there is none."""

    student: str
    file: Path
    verdict: Verdict | None
    problem: str = ""

    @property
    def folder(self) -> str:
        """A name for a folder of results: letters, digits and `-_.@`, not too long for a file system."""
        name = "".join(c if c.isalnum() or c in "-_.@ " else "_" for c in self.student)
        return name.encode()[:LONGEST_NAME].decode(errors="ignore").strip()

    def row(self) -> dict[str, Any]:
        """Of the table."""
        earned, possible = self.verdict.points if self.verdict else (0.0, 0.0)
        return {
            "student": _harmless(self.student), "file": _harmless(self.file.name),
            "worksheet": self.verdict.worksheet if self.verdict else "", "points": f"{earned:g}", "of": f"{possible:g}",
            "right": str(bool(self.verdict and self.verdict.right)).lower(),
            "mistakes": " ".join(self.verdict.mistakes) if self.verdict else "", "problem": _harmless(self.problem),
        }  # fmt: skip


def submissions(folder: Path) -> list[tuple[str, Path]]:
    """Student and file: `NAME.py` in the folder, or any file in a folder NAME; a folder NAME without one stands for itself.

    Hidden files are left alone.

    Raises:
        DataError: there is no such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise DataError(
            f"there is no folder {folder}; --submissions takes a folder with a file, or a folder, for each student"
        )
    found = []
    for top in sorted(folder.iterdir()):
        if top.is_dir() and not top.is_symlink():
            files = [f for f in sorted(top.rglob("*")) if _submitted(f, folder)]
            found += [(top.name, f) for f in files or [top] if _visible(f, folder)]
        elif _submitted(top, folder):
            found.append((top.stem, top))
    if all(f.is_dir() for _, f in found):
        raise DataError(f"{folder} has no submissions: no file that ends with {' or '.join(SUFFIXES)}")
    return found


def _submitted(path: Path, folder: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and (path.is_symlink() or not path.is_dir()) and _visible(path, folder)


def _visible(path: Path, folder: Path) -> bool:
    return not any(part.startswith((".", "__")) for part in path.relative_to(folder).parts)


def grade(found: list[tuple[str, Path]], settings: CheckSettings, seed: int) -> Iterator[Graded]:
    """Check one after the other; the same inputs for all."""
    for student, file in found:
        if file.is_symlink():
            yield Graded(
                student, file, None, f"{file} is a link, which may lead anywhere; a submission is a file of its own"
            )
            continue
        if file.is_dir():
            yield Graded(student, file, None, f"the folder {file} has no file that ends with {' or '.join(SUFFIXES)}")
            continue
        try:
            verdict = check(file, settings.worksheet, seed=seed, limits=settings.limits)
        except RecipeError:
            raise
        except ElmanError as error:
            yield Graded(student, file, None, str(error))
            continue
        except Exception as error:  # noqa: BLE001 - one submission that we did not foresee must not cost the class
            yield Graded(student, file, None, f"the checker itself failed: {type(error).__name__}: {error}")
            continue
        yield Graded(student, file, settings.weighed(verdict, verdict.worksheet))


def table(graded: list[Graded]) -> str:
    """The grades as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(graded[0].row()), lineterminator="\n")
    writer.writeheader()
    writer.writerows(g.row() for g in graded)
    return out.getvalue()


def mistake_report(graded: list[Graded]) -> list[dict[str, Any]]:
    """Which mistakes were made by how many, with what they are."""
    counts = mistake_counts([g.verdict for g in graded if g.verdict])
    return [{"mistake": name, "count": count, "sentence": CATALOGUE[name].sentence} for name, count in counts.items()]


def _harmless(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula, in one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line
