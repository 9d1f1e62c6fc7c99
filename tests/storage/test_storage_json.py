from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import FolderError, StorageError
from elman.storage import LineLog, append_file, from_json, read_lines, to_json, truncate_file, write_file

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=20)


@given(VALUES)
def test_json_round_trip_and_one_spelling(value: Any) -> None:
    data = to_json(value)
    assert from_json(data, "here") == value
    assert to_json(from_json(data, "here")) == data
    if isinstance(value, dict):
        assert to_json(dict(reversed(value.items()))) == data


def test_json_spelling() -> None:
    assert to_json({"b": [1], "a": "é\n"}) == '{\n "a": "é\\n",\n "b": [\n  1\n ]\n}\n'.encode()


def test_json_keeps_what_a_diverged_run_ends_in() -> None:
    loss, best = from_json(to_json([math.nan, math.inf]), "here")
    assert math.isnan(loss)
    assert best == math.inf


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "recipe.json is not JSON"),
        (b"{", "recipe.json is not JSON"),
        (b"{} {}", "recipe.json is not JSON"),
        (b"\xff", "recipe.json is not JSON"),
        ("{}".encode("utf-16"), "recipe.json is not JSON"),
        (b"9" * 5000, "recipe.json is not JSON"),
        (b" " * (2**24 + 1), "recipe.json has 16777217 bytes; JSON of more than 16777216 is refused"),
        (b"[" * 10**6, "recipe.json is nested deeper than 32 levels"),
        (b'{"a":' * 33 + b"{}" + b"}" * 33, "recipe.json is nested deeper than 32 levels"),
        (b"[" * 33 + b"]" * 33, "recipe.json is nested deeper than 32 levels"),
    ],
)
def test_hostile_json(data: bytes, message: str) -> None:
    with pytest.raises(FolderError, match=message):
        from_json(data, "recipe.json")


def test_json_of_the_greatest_depth() -> None:
    assert json.dumps(from_json(b"[" * 32 + b"]" * 32, "here")) == "[" * 32 + "]" * 32


@settings(max_examples=30)  # each row waits for the disk
@given(st.lists(st.dictionaries(TEXT, VALUES), max_size=5), st.integers(0, 5))
def test_log_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], keep: int) -> None:
    log = LineLog(tmp_path_factory.mktemp("log") / "log.jsonl")
    offsets = [log.offset]
    for row in rows:
        log.append(row)
        offsets.append(log.offset)
    assert offsets[0] == 0
    if rows:
        assert read_lines(log.path) == rows
        log.truncate(offsets[min(keep, len(rows))])
        assert read_lines(log.path) == rows[:keep]


def test_every_torn_last_line_is_ignored_and_mended(tmp_path: Path) -> None:
    log = LineLog(tmp_path / "log.jsonl")
    log.append({"row": 1, "text": "línea"})
    whole = log.path.read_bytes()
    for length in range(len(whole)):
        log.path.write_bytes(whole + whole[:length])
        assert read_lines(log.path) == [{"row": 1, "text": "línea"}]
        assert log.offset == len(whole)
        log.append({"row": 2})
        assert read_lines(log.path) == [{"row": 1, "text": "línea"}, {"row": 2}]


def test_keys_stay_in_their_order(tmp_path: Path) -> None:
    LineLog(tmp_path / "log.jsonl").append({"kind": "epoch", "epoch": 1, "a": 2.5})
    assert (tmp_path / "log.jsonl").read_bytes() == b'{"kind":"epoch","epoch":1,"a":2.5}\n'


@pytest.mark.parametrize("line", [b"{]", b"\xff", b"", b"[1]", b"1", b"[" * 100_000])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "log.jsonl").write_bytes(b'{"a":1}\n' + line + b"\n")
    with pytest.raises(FolderError, match=r"log.jsonl, line 2 is"):
        read_lines(tmp_path / "log.jsonl")


def test_missing_and_replaced_logs(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match=r"there is no .*log.jsonl"):
        read_lines(tmp_path / "log.jsonl")
    log = LineLog(tmp_path / "log.jsonl")
    log.truncate(0)
    assert not log.path.exists()
    log.append({"row": 1})
    with pytest.raises(
        FolderError, match=r"log.jsonl has 10 bytes, 11 were there when its length was noted: it was cut"
    ):
        log.truncate(11)
    with pytest.raises(StorageError, match="can't read"):
        read_lines(tmp_path)


def test_bytes_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "samples.txt"
    append_file(path, b"epoch 1\n")
    append_file(path, "María\n".encode())
    truncate_file(path, 8)
    append_file(path, b"")
    assert path.read_bytes() == b"epoch 1\n"


def test_text_and_bytes_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_file(path, "línea\r\n")
    assert path.read_bytes() == "línea\r\n".encode()
    write_file(path, b"\0")
    assert path.read_bytes() == b"\0"
    (tmp_path / "link").symlink_to(path)
    write_file(tmp_path / "link", "through")
    assert path.read_text() == "through"
    assert (tmp_path / "link").is_symlink()
    with pytest.raises(StorageError, match="Is a directory"):
        write_file(tmp_path, "no")
