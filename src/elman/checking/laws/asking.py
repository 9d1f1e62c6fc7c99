"""Asking all laws of something: a run, a model, a module, a cell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from elman.cells import registry
from elman.cells.cell import Cell
from elman.checking.laws import batches, calls, directions, numbers, time
from elman.checking.laws.adapting import subject_of
from elman.checking.laws.copying import said
from elman.checking.laws.law import Broken, Holds, Law
from elman.checking.laws.subject import Subject
from elman.checking.verdict import Finding, Verdict
from elman.data.progress import watched
from elman.errors import InputError, WrongTypeError
from elman.models.finding import stored_model
from elman.nn import Recurrent
from elman.randomness import named_generator

LAWS: tuple[Law, ...] = (*calls.LAWS, *time.LAWS, *directions.LAWS, *batches.LAWS, *numbers.LAWS)
UNMET = {
    "repeat": "two calls with the same input differ, so nothing can be compared",
    "precision": "numbers are rounded on the way, so that small differences mean nothing",
}


def laws(model: Any, *, inputs: Tensor | None = None, batch_first: bool | None = None) -> Verdict:
    """Whether a recurrent model keeps the laws that every correct one keeps, with the smallest example where it does not.

    Nothing is changed: a copy is asked, in float64 and in evaluation mode.

    Args:
        model: a `torch.nn.Module` (a layer, a language model, a classifier, of anyone's), a run or model folder, a model that
            `elman.load` gave, or a cell (by name, class or object).
        inputs: for a module of which it can't be told what it reads: an example, [B, T, I] or [B, T].
        batch_first: for a module of which it can't be told which axis comes first.

    Raises:
        InputError: it can't be called; the message says what to give. FolderError: the folder can't be loaded. CellError: unknown cell.
        WrongTypeError: something else than these.
    """
    module, name = _module_of(model)
    with torch.no_grad():
        subject = subject_of(module, name, inputs=inputs, batch_first=batch_first)
        findings: list[Finding] = []
        for law in watched(LAWS, "asking (laws)", len(LAWS)):
            findings.append(_asked(law, subject, findings))
    return Verdict(f"{name}, laws of recurrent models", tuple(findings), (subject.called,) if subject.called else ())


def _module_of(model: Any) -> tuple[nn.Module, str]:
    if isinstance(model, nn.Module):
        return model, type(model).__name__
    if isinstance(getattr(model, "network", None), nn.Module):
        return model.network, str(model.config.get("title") or type(model).__name__)
    if isinstance(model, str) and model in registry.names():
        model = registry.get(model)
    if isinstance(model, type) and issubclass(model, Cell):
        model = model()
    if isinstance(model, Cell):
        layer = Recurrent(model, 3, 4, 2, batch_first=True, generator=named_generator(1, "laws"))
        return layer, f"{model.title}, two layers"
    if isinstance(model, (str, Path)):
        return stored_model(model)[1].model, str(model)
    raise WrongTypeError(f"laws are asked of a module, a folder, a model or a cell; got {type(model).__name__}")


def _asked(law: Law, subject: Subject, before: list[Finding]) -> Finding:
    """One law; not judged where one that it needs is broken, or where it fails as an earlier one did."""
    title = f"{law.name}: {law.demands}"
    broken = {f.name.split(":")[0]: f for f in before if f.outcome == "wrong"}
    if (first := next((name for name in law.needs if name in broken), None)) is not None:
        return Finding(title, "not judged", f"{UNMET[first]}: see {first}")
    try:
        found = law.check(subject)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - a stranger's module may raise anything
        message = said(error)
        if (same := next((name for name, f in broken.items() if message in f.sentence), None)) is not None:
            return Finding(title, "not judged", f"it fails as before: see {same}")
        return Finding(
            title, "wrong", f"it fails while this is asked: {message}", hint=f"usually it is {law.usual_cause}"
        )
    if isinstance(found, Holds):
        return Finding(title, "right", f"tried: {found.tried}")
    if isinstance(found, Broken):
        example = "; ".join(f"{key}: {_short(value)}" for key, value in found.example.items())
        return Finding(title, "wrong", found.sentence, hint=f"usually it is {law.usual_cause}", example=example)
    return Finding(title, "not asked", found.reason)


def _short(value: object, most: int = 200) -> str:
    text = str(value)
    return text if len(text) <= most else text[:most] + " ..."
