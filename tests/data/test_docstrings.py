"""The texts with labels that every user has."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from labelled_examples import settings, write

from elman.data import load_labelled, split_labelled
from elman.data.labelled import docstrings
from elman.data.labelled.docstrings import PACKAGES, read_docstrings
from elman.errors import DataError


def test_there_are_enough_of_each_and_always_the_same() -> None:
    corpus = load_labelled(settings(source="docstrings"))
    assert corpus.classes == PACKAGES
    assert len(corpus.texts) > 1000
    counts = [corpus.labels.count(label) for label in range(len(PACKAGES))]
    assert min(counts) >= 50
    assert corpus == load_labelled(settings(source="docstrings"))
    assert all(len(text.split()) >= 5 for text in corpus.texts)
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in corpus.title
    split = split_labelled(corpus, settings(source="docstrings"), 1)
    assert all(min(part.counts(len(PACKAGES))) > 0 for part in split.parts().values())


def test_code_is_read_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = '''"""A module that must not be run."""
raise SystemExit
def f():
    "A function with five words."
    class C:
        r"""One \\d two three four
            five."""
def g():
    "Too short."
'''
    for package in PACKAGES:
        write(tmp_path / package / "deep" / "a.py", code)
        write(tmp_path / package / "tests" / "b.py", '"""Tests are not read at all."""')
    rows = read_docstrings(tmp_path)
    assert {row.label for row in rows} == set(PACKAGES)
    own = [row for row in rows if row.label == "xml"]
    assert [row.text for row in own] == [
        "A module that must not be run.",
        "A function with five words.",
        "One \\d two three four\nfive.",
    ]
    assert own[1].place == "xml/deep/a.py, line 3"


def test_a_python_without_its_sources(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the source code of Python's package asyncio is not in"):
        read_docstrings(tmp_path)
    write(tmp_path / "asyncio" / "a.py", "def (")
    with pytest.raises(DataError, match="can't be read as Python"):
        read_docstrings(tmp_path)


def test_only_parsed() -> None:
    """No import of what is read, and none of the ways to run it."""
    tree = ast.parse(Path(docstrings.__file__).read_text("utf-8"))
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__", "import_module"}
