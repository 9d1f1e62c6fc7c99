"""See every number: worked examples."""

from elman.insight.worked import Worked, WorkedStep, worked

__all__ = ["Worked", "WorkedStep", "worked"]
