"""From settings to the cell that they name or write down."""

from __future__ import annotations

from elman.cells import registry
from elman.cells.cell import Cell
from elman.equations.cell_text import cell_from_text
from elman.models.settings import ModelSettings


def make_cell(settings: ModelSettings) -> Cell:
    """The cell of a recurrent model."""
    return cell_from_text(settings.cell_text) if settings.cell_text else registry.get(settings.cell)
