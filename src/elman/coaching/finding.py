"""What the coach says: one thing that is wrong, the figure that shows it, and the one option to change."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Severity = Literal["serious", "notable", "slight"]
ORDER: tuple[Severity, ...] = ("serious", "notable", "slight")


class Finding(BaseModel):
    """One symptom.

    Attributes:
        symptom: its name, always the same words.
        sentence: what is wrong, in plain words.
        figure: the numbers that made the coach say so.
        option: what to change, as `--set` takes it (`training.rate=0.001`); None where no option of the recipe helps.
        severity: "serious": the numbers of this run should not be used; "notable": a better run is likely; "slight": worth a try.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    symptom: str
    sentence: str
    figure: str
    option: str | None
    severity: Severity
