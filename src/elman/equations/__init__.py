"""From a step to formulas: trace it, derive its backward pass, spell it, compile it, write it down as text and read it back."""

from elman.equations.cell_text import cell_from_text, cell_to_text
from elman.equations.derivation import Derivation, Special, Term, derive
from elman.equations.explainer import explain
from elman.equations.explanation import Equation, Explanation
from elman.equations.program import Instruction, Program, Programs, compile_named, compile_step
from elman.equations.tracing import Trace, trace

__all__ = [
    "Derivation",
    "Equation",
    "Explanation",
    "Instruction",
    "Program",
    "Programs",
    "Special",
    "Term",
    "Trace",
    "cell_from_text",
    "cell_to_text",
    "compile_named",
    "compile_step",
    "derive",
    "explain",
    "trace",
]
