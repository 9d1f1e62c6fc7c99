"""`advise`: all that the coach has to say of a training, most severe first."""

from __future__ import annotations

from collections.abc import Callable

from elman.coaching import course, fit, gradients, inside
from elman.coaching.evidence import Evidence
from elman.coaching.finding import ORDER, Finding

#: Causes before consequences: of two findings that are equally severe, the first one to change comes first.
SYMPTOMS: tuple[Callable[[Evidence], Finding | None], ...] = (
    gradients.refused_steps,
    gradients.exploding_gradient,
    course.rate_too_high,
    inside.dead_units,
    inside.saturated_gates,
    gradients.vanishing_gradient,
    course.rate_too_low,
    fit.class_imbalance_ignored,
    fit.overfitting,
    fit.too_many_parameters,
    fit.underfitting,
    course.stopped_too_early,
)
#: A finding is not told where one of these explains it: more units or more epochs would not help there.
EXPLAINED = {
    "underfitting": {
        "steps refused", "exploding gradient", "rate too high", "dead units", "saturated gates", "vanishing gradient", "rate too low",
    },
    "overfitting": {"rate too high"},
    "too many parameters for the data": {"rate too high"},
    "stopped too early": {"rate too low"},
    "rate too low": {"dead units", "vanishing gradient", "exploding gradient"},
}  # fmt: skip


def advise(evidence: Evidence) -> list[Finding]:
    """What is wrong with a training, most severe first; nothing found is an answer too: an empty list."""
    found = [finding for symptom in SYMPTOMS if (finding := symptom(evidence)) is not None]
    told = {finding.symptom for finding in found}
    unexplained = [finding for finding in found if not EXPLAINED.get(finding.symptom, set()) & told]
    return sorted(unexplained, key=lambda finding: ORDER.index(finding.severity))
