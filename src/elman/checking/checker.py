"""`elman.check`: a file, its worksheet, its process, its verdict."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from elman.checking.judging import Asked, judge
from elman.checking.mistakes import mistake
from elman.checking.reading import UnreadableError, orders, read
from elman.checking.sandbox.answers import Answers, Problem, shown
from elman.checking.sandbox.asking import ask
from elman.checking.sandbox.process import Limits
from elman.checking.submission import Submission, find_worksheet, read_submission
from elman.checking.typed import typed_answers
from elman.checking.verdict import Finding, Verdict
from elman.checking.worksheets import worksheet as worksheet_of
from elman.checking.worksheets.worksheet import Question, Wrong

NONE: Wrong = frozenset()


def check(
    path: str | Path,
    worksheet: str | None = None,
    *,
    seed: int | None = None,
    limits: Limits | None = None,
    told: Callable[[int, int], None] | None = None,
) -> Verdict:
    """Check a student's file against a worksheet; the file runs in a process of its own, watched and limited.

    Args:
        path: the file.
        worksheet: its name; by default what the file says (`# worksheet: NAME`), else what its functions are called.
        seed: of the inputs; by default another one at each check.
        limits: what a question may cost.
        told: hears after each question how many have been asked, and of how many.

    Raises:
        DataError: the file can't be read. InputError: it is not a worksheet, or there is none of that name.
    """
    submission = read_submission(Path(path))
    sheet = worksheet_of(worksheet) if worksheet is not None else find_worksheet(submission)
    questions = sheet.questions(int.from_bytes(os.urandom(6), "big") if seed is None else seed)
    subject = f"{shown(submission.path.name)}, worksheet {sheet.name}"
    notes: tuple[str, ...] = ()
    if sheet.form == "numbers":
        answers = typed_answers(submission.text, questions)
    elif submission.tree is None:
        sentence = f"The file is not Python yet: {submission.problem}."
        return Verdict(
            subject, tuple(Finding(q.name, "wrong", sentence, points=q.points) for q in questions), (), sheet.name
        )
    else:
        preload = tuple(dict.fromkeys((*sheet.needs, *submission.libraries)))
        answers = ask(
            submission.data,
            [q.actions for q in questions],
            preload=preload,
            limits=limits,
            told=lambda done: told(done, len(questions)) if told else None,
        )
        notes = _notes(answers, submission)
    asked = [
        _asked(q, values, submission, answers.loading) for q, values in zip(questions, answers.questions, strict=True)
    ]
    return Verdict(subject, tuple(judge(sheet, asked)), notes, sheet.name)


def _notes(answers: Answers, submission: Submission) -> tuple[str, ...]:
    notes = []
    if answers.loading is not None and any(not isinstance(q, Problem) for q in answers.questions):
        notes.append(
            f"the file does not run to its end: {in_words(answers.loading)} What it had defined until then was checked."
        )
    if submission.unfinished:
        lines = submission.unfinished
        notes.append(f"`...` still waits for code on line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}.")
    return tuple(notes)


def _asked(
    question: Question, values: list[Any] | Problem, submission: Submission, loading: Problem | None
) -> Asked | Finding:
    if isinstance(values, Problem):
        sentence, cause = in_words(values), values
        if loading is not None and values is loading:
            sentence = f"{sentence} That is while the file is loaded, before any question."
        elif loading is not None and values.kind == "missing":
            sentence, cause = f"{sentence} It does not run to its end: {in_words(loading)}", loading
        return Finding(question.name, "wrong", sentence, hint=_next(cause, submission), points=question.points)
    with np.errstate(all="ignore"):
        wanted = question.reference(NONE)
    try:
        if question.digest is not None:
            values = question.digest(values)
        if len(values) != len(question.slots):
            raise UnreadableError("The answers that came back can't be read.")  # noqa: TRY301 - told like the others
        asked = Asked(question, read(question, values, wanted))
    except UnreadableError as error:
        others = [Asked(question, got) for got in orders(question, values, wanted)]
        accepted = next((a for a in others if a.explained(NONE)), None)
        return accepted or _unreadable(question, error)
    if asked.explained(NONE):
        return asked
    return next((a for got in orders(question, values, wanted) if (a := Asked(question, got)).explained(NONE)), asked)


def _unreadable(question: Question, error: UnreadableError) -> Finding:
    known = [mistake(question.absent[error.absent])] if error.absent in question.absent else []
    sentence = " ".join([str(error), *(m.sentence for m in known)])
    hint = " ".join(m.hint for m in known)
    return Finding(
        question.name, "wrong", sentence, hint=hint, mistakes=tuple(m.name for m in known), points=question.points
    )


def in_words(problem: Problem) -> str:
    """Why there was no answer, in a sentence."""
    where = f"Line {problem.line}: " if problem.line else ""
    match problem.kind:
        case "missing":
            return f"The file has no {problem.text}."
        case "time":
            return f"{where}It does not come to an end and was stopped{f' ({problem.text})' if problem.text else ''}."
        case "too large":
            return f"{where}What came back is far too large ({problem.text or 'megabytes'})."
        case "ended":
            return f"The process ended before it answered ({problem.text or 'no reason known'})."
        case "garbled":
            return "What came back can't be read: the file has changed what answers come back through."
        case "SystemExit":
            return f"{where}The file leaves the program with exit()."
        case "MemoryError":
            return f"{where}It asks for more memory than a worksheet can need."
        case "RefusedError":
            return f"{where}{problem.text}."
        case "EOFError":
            return f"{where}It waits for a keyboard; there is none in a check."
    text = " ".join(problem.text.split())
    return f"{where}It stops with {problem.kind}{f': {text}' if text else ''}."


def _next(problem: Problem, submission: Submission) -> str:
    if problem.kind == "missing":
        return "the names are those of the starter: `elman check --start NAME` writes it."
    if problem.line in submission.unfinished or "ellipsis" in problem.text.lower():
        return "replace the `...` with your code."
    if problem.kind in ("ValueError", "RuntimeError") and any(
        w in problem.text for w in ("shape", "align", "dimension", "size")
    ):
        return "write down the shape of each factor of that product: rows times columns."
    if problem.kind == "time":
        return "look for a loop whose condition never changes."
    return ""
