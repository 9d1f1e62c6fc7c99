"""What goes on inside, seen by the probe: gates at their ends, and units that tell nothing.

For the thresholds see `elman.coaching.course`.
"""

from __future__ import annotations

from elman.coaching import options
from elman.coaching.evidence import Evidence
from elman.coaching.finding import Finding

SATURATED = 0.75
"""Share of a gate's values at an end: up to 0.47 in healthy models, 0.79 and more where weights were 30 times too large or the rate 50
times too high."""
DEAD = 0.25
"""Share of a layer's units: 0.04 in healthy models."""


def saturated_gates(e: Evidence) -> Finding | None:
    """A gate (other than the forget gate, which is meant to stand open) that is nearly always at one of its ends."""
    found = [gate for gate in e.probe.gates if gate.saturated > SATURATED and not gate.forgets] if e.probe else []
    if not found:
        return None
    worst = max(found, key=lambda gate: gate.saturated)
    scale = float(e.model.get("init_scale", 1.0))
    return Finding(
        symptom="saturated gates",
        sentence="Gates stand at their ends, where the curve is flat: hardly any gradient passes, so what they do can't be unlearned.",
        figure=f"{worst.saturated:.0%} of the values of {worst.name} ({worst.function}{_where(worst.layer, worst.direction)}) "
        "are within 1 % of an end",
        option="model.init_scale=1" if scale > 1 else options.rate(e, 0.1),
        severity="notable",
    )


def dead_units(e: Evidence) -> Finding | None:
    """Units that are always 0, or never move."""
    found = [layer for layer in e.probe.units if layer.still > DEAD] if e.probe else []
    if not found:
        return None
    worst = max(found, key=lambda layer: layer.still)
    dead = worst.zero > worst.still / 2
    what = "0 at every step of every text" if dead else "the same at every step of every text"
    option = options.smaller(e)
    if dead or worst.still > 0.9:
        option = "model.init=identity" if e.model.get("init") != "identity" and dead else options.rate(e, 0.1)
    return Finding(
        symptom="dead units",
        sentence="Units do not react to anything that is read: they tell the rest of the model nothing, and no gradient revives them.",
        figure=f"{worst.still:.0%} of the units of layer {worst.layer + 1}{_from_end(worst.direction)} are {what}",
        option=option,
        severity="serious" if worst.still > 0.9 else "notable",
    )


def _where(layer: int, direction: int) -> str:
    return f", layer {layer + 1}{_from_end(direction)}"


def _from_end(direction: int) -> str:
    return " (read from the end)" if direction else ""
