"""Every worksheet: the starter is incomplete, the solution is right, and each known mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from wrong_solutions import LONGER, ON_PAPER, WRONG, Change

import elman
from elman.checking.mistakes import CATALOGUE, VARIANT
from elman.checking.verdict import Verdict
from elman.checking.worksheets import WORKSHEETS, worksheet

CASES = [(sheet, mistake, change) for sheet, rows in WRONG.items() for mistake, change in rows]


def changed(sheet: str, changes: list[Change]) -> str:
    text = worksheet(sheet).solution
    for old, new in changes:
        assert old in text, f"{sheet}: the solution has no {old!r}"
        text = text.replace(old, new)
    assert text != worksheet(sheet).solution
    return text


def checked(folder: Path, text: str, sheet: str, seed: int | None = None) -> Verdict:
    path = folder / "mine.py"
    path.write_text(text, "utf-8")
    return elman.check(path, sheet, seed=seed)


@pytest.mark.parametrize(("sheet", "mistake", "change"), CASES, ids=[f"{s}-{m}" for s, m, _ in CASES])
def test_the_mistake_is_named(sheet: str, mistake: str, change: Change, tmp_path: Path) -> None:
    verdict = checked(tmp_path, changed(sheet, [change] if change[0] else LONGER[sheet, mistake]), sheet)
    assert not verdict.right
    if mistake in CATALOGUE:
        assert verdict.mistakes == (mistake,), verdict.text
        assert all(part in verdict.text for part in CATALOGUE[mistake].sentence.split("{}")), verdict.text


@pytest.mark.parametrize("name", WORKSHEETS)
def test_the_solution_is_right_and_the_starter_is_not(name: str, tmp_path: Path) -> None:
    sheet = worksheet(name)
    path = tmp_path / f"anything{'.py' if sheet.form == 'python' else '.txt'}"
    for seed in (None, 1, 2):
        path.write_text(sheet.solution_file(), "utf-8")
        verdict = elman.check(path, seed=seed)
        assert verdict.right, verdict.text
        assert verdict.worksheet == name
    path.write_text(sheet.starter_file(), "utf-8")
    verdict = elman.check(path)
    assert not verdict.right
    assert not any(f.mistakes for f in verdict.findings), "an empty form makes no known mistake"
    if sheet.form == "python":
        assert any("waits for code" in note for note in verdict.notes)


def test_the_catalogue_is_large_and_every_mistake_belongs_to_a_worksheet() -> None:
    named = {m for name in WORKSHEETS for q in worksheet(name).questions(3) for m in q.mistakes}
    named |= {m for name in WORKSHEETS for q in worksheet(name).questions(3) for m in q.absent.values()}
    assert {name.split(VARIANT)[0] for name in named} | {"carried-on"} == set(CATALOGUE)
    assert set(CATALOGUE) <= {m for _, m, _ in CASES} | ON_PAPER, "each has a wrong solution of its own"
    for mistake in CATALOGUE.values():
        assert mistake.sentence.endswith(".")
        assert mistake.hint.endswith(("?", "."))
    assert len({m.sentence for m in CATALOGUE.values()}) == len(CATALOGUE)
