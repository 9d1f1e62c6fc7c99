"""From tables to rows: the text, the class, and the part where a column or the file's name tells it."""

from __future__ import annotations

from pathlib import Path

from elman.data.labelled.columns import find_columns
from elman.data.labelled.rows import PART_NAMES, PartName, Row, Rows
from elman.data.labelled.tables import Table, missing, read_table
from elman.data.settings import DataSettings
from elman.errors import DataError


def read_tables(tables: list[tuple[Path, PartName | None]], settings: DataSettings) -> Rows:
    """The rows of one or several tables, each with the part that its name says.

    Raises:
        DataError: a table can't be read, has no such columns, or a row has no text or no class.
    """
    found = Rows([])
    for path, part in tables:
        table = read_table(path, settings.encoding)
        columns = find_columns(table, settings)
        found.notes += [note for note in (*table.notes, *columns.notes) if note not in found.notes]
        if len(table.rows) <= columns.first:
            raise DataError(f"{path} has names of columns and no rows below them: there is nothing to learn from")
        parts = _parts(table, columns.first, (columns.text, columns.label)) if part is None else None
        if parts is not None:
            found.notes.append('The column "split" says which part each text belongs to.')
        for number in range(columns.first, len(table.rows)):
            text, label = table.rows[number][columns.text], table.rows[number][columns.label].strip()
            if missing(text) or missing(label) or not label:
                what = "text" if missing(text) else "class"
                raise DataError(f"{path}, line {table.lines[number]}: has no {what}: fill it in or take the row away")
            own = part if parts is None else parts[number - columns.first]
            found.rows.append(Row(text, label, own, table.where(number)))
    return found


def _parts(table: Table, first: int, taken: tuple[int, int]) -> list[PartName] | None:
    """What a column called "split" says, if it says it of all rows in words that mean a part."""
    names = [name.strip().lower() for name in table.names or (table.rows[0] if first else ())]
    if names.count("split") != 1 or (column := names.index("split")) in taken:
        return None
    parts = [PART_NAMES.get(row[column].strip().lower()) for row in table.rows[first:]]
    known = [part for part in parts if part is not None]
    return known if len(known) == len(parts) else None
