"""What Elman says when something is wrong: one clear sentence each (what, where, what to do), never a traceback.

Every class also derives from the built-in exception that a caller would expect (`ValueError`, `RuntimeError`, `OSError`), so
code that was written for `torch.nn` catches ours too. `exit_code` is what the command line leaves with.
"""

from __future__ import annotations


class ElmanError(Exception):
    """Base of all errors that Elman raises on purpose."""

    exit_code = 2


class InputError(ElmanError, ValueError):
    """An argument, option or prompt is out of range or of the wrong kind."""


class ShapeError(ElmanError, ValueError, RuntimeError):
    """A tensor has the wrong rank, size or dtype. `torch.nn` raises `ValueError` for some and `RuntimeError` for others: this is both."""


class CellError(ElmanError, ValueError):
    """A cell's equations can't be traced, parsed or derived."""


class EngineError(ElmanError, RuntimeError):
    """The requested engine can't run this cell on this input; the message says why."""


class RecipeError(ElmanError, ValueError):
    """A recipe (TOML) has an unknown key, a wrong type or an impossible value; the message says on which line."""


class DataError(ElmanError, ValueError):
    """A data file or folder is missing, empty, not UTF-8, or not what the task needs."""


class FolderError(ElmanError, ValueError):
    """A model or run folder is missing, truncated, altered, or of a newer format."""


class StorageError(ElmanError, OSError):
    """The disk said no (full, read-only, permission); what was there before is still there."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class RunInUseError(ElmanError, RuntimeError):
    """Another process is writing to the run folder."""


class NonFiniteError(ElmanError, ArithmeticError):
    """A loss or gradient became NaN or infinite; no step was applied and the parameters are as they were."""

    exit_code = 1


class Interrupted(ElmanError):  # noqa: N818 - an event, not a mistake
    """A signal stopped the run after its state was saved. Leaves with 128 + the signal's number."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class WrongTypeError(ElmanError, TypeError):
    """An argument is of another type than is asked for."""
