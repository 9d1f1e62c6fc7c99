"""Tables of texts: CSV, TSV and JSON lines, as rows of fields with the line that each begins on."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elman.data.reading import read_document
from elman.errors import DataError

SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class Table:
    """Rows of equally many fields. `names` is None where a row of names is not certain yet: then it may be the first row."""

    path: Path
    names: tuple[str, ...] | None
    rows: list[tuple[str, ...]]
    lines: list[int]
    """The line in the file that each row begins on."""
    notes: tuple[str, ...] = ()

    def where(self, row: int) -> str:
        """The place of a row, for a sentence."""
        return f"{self.path.name}, line {self.lines[row]}"


def is_table(path: Path) -> bool:
    """Whether a file's name says that it is a table."""
    return path.suffix.lower() in SUFFIXES


def read_table(path: Path, encoding: str) -> Table:
    """Reads a table by what its name ends with.

    Raises:
        DataError: it can't be read, a quotation mark or bracket is not closed, or a row has other columns than the first one.
    """
    text = read_document(path, encoding).text
    if not text.strip():
        raise DataError(f"{path} is empty: there is nothing to learn from")
    if "\0" in text:
        raise DataError(
            f"{path}, line {text.count(chr(10), 0, text.index(chr(0))) + 1}: has a zero byte: it is no text"
        )
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return _json_lines(path, text)
    return _separated(path, text)


def _separated(path: Path, text: str) -> Table:
    notes = []
    delimiter = "\t"
    if path.suffix.lower() == ".csv":
        delimiter = _delimiter(text)
        if delimiter != ",":
            sign = {"\t": "a tab", ";": "a semicolon"}[delimiter]
            notes.append(f"The columns are separated by {sign}, going by the first line.")
    quoted = delimiter != "\t" or _all_quotes_close(text)
    if not quoted:
        notes.append("Quotation marks are read as they stand: not every one that opens a field closes it.")
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    with _long_fields(len(text)):
        for line, row in _fields(path, text, delimiter, quoted=quoted):
            if rows and len(row) != len(rows[0]):
                raise DataError(
                    f"{path}, line {line}: has {len(row)} column{'s' * (len(row) != 1)}, line {lines[0]} has "
                    f"{len(rows[0])}; {_repair(delimiter, quoted)}"
                )
            rows.append(tuple(row))
            lines.append(line)
    return Table(path, None, rows, lines, tuple(notes))


def _repair(delimiter: str, quoted: bool) -> str:
    if not quoted:
        return "take the tabs out of the text"
    return f"a text with {'a tab' if delimiter == chr(9) else repr(delimiter)} in it needs quotation marks around it"


def _delimiter(text: str) -> str:
    """Comma, semicolon (where the comma is for decimals) or tab: whichever the first line has most of outside quotes."""
    first = "".join(text.lstrip("\n").partition("\n")[0].split('"')[::2])
    return max(",;\t", key=first.count)


def _all_quotes_close(text: str) -> bool:
    """Whether each field that begins with a quotation mark ends with one; many TSV files mean nothing by them."""
    for field in (field for line in text.split("\n") for field in line.split("\t") if field.startswith('"')):
        inner = field[1:-1]
        if len(field) < 2 or not field.endswith('"') or inner.replace('""', "").count('"'):
            return False
    return True


def _blank_before_quotes(text: str, delimiter: str) -> bool:
    """Whether the first two lines are of the kind `1, "A text"`: only then is the blank no part of the field."""
    return any(re.match(rf'[^"]*{delimiter} "', line) for line in text.split("\n", 2)[:2])


@contextmanager
def _long_fields(longest: int) -> Iterator[None]:
    """The csv module refuses fields of more than 131,072 characters unless told; the limit is put back afterwards."""
    before = csv.field_size_limit(max(longest, 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _fields(path: Path, text: str, delimiter: str, *, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """The fields of each row that is not blank, with the line it begins on."""
    reader = csv.reader(
        (line + "\n" for line in text.split("\n")),
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=True,
        skipinitialspace=_blank_before_quotes(text, delimiter),
    )
    begins = 1
    try:
        for row in reader:
            if row:
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error:
        raise DataError(
            f"{path}, line {begins}: a quotation mark in the row that begins here is not closed properly (noticed on line "
            f"{min(reader.line_num, text.rstrip().count(chr(10)) + 1)}); a quotation mark inside a quoted text is written twice"
        ) from None


def _json_lines(path: Path, text: str) -> Table:
    names: list[str] = []
    found: list[dict[str, str]] = []
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", "too deeply nested")
            raise DataError(f"{path}, line {number}: is not JSON ({reason}); each line holds one object") from None
        if not isinstance(value, dict):
            raise DataError(f'{path}, line {number}: is no object such as {{"text": "...", "label": "..."}}')
        found.append({key: _as_text(item) for key, item in value.items()})
        lines.append(number)
        names += [key for key in value if key not in names]
    rows = [tuple(row.get(name, _MISSING) for name in names) for row in found]
    return Table(path, tuple(names), rows, lines)


_MISSING = "\0"  # no field of a table can be this: zero bytes are refused


def missing(field: str) -> bool:
    """Whether an object of JSON lines did not have this field (or had null)."""
    return field == _MISSING


_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # zero bytes and halves of pairs, which JSON can spell


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", value)
    return _MISSING if value is None else json.dumps(value, ensure_ascii=False)
