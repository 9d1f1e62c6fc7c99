"""The names that ship with Elman."""

from __future__ import annotations

from elman.data import DataSettings, load_corpus
from elman.data.locating import EMBEDDED


def lists() -> dict[str, list[str]]:
    return {path.stem: path.read_text(encoding="utf-8").split("\n") for path in sorted(EMBEDDED.glob("*.txt"))}


def test_there_are_enough() -> None:
    assert len(lists()) >= 10
    assert sum(len(names) - 1 for names in lists().values()) >= 2_500


def test_each_list_is_sorted_without_repeats_blanks_or_gaps() -> None:
    for language, names in lists().items():
        assert names.pop() == "", f"{language} ends with a line end"
        assert names, language
        assert names == sorted(set(names)), f"{language}: {[n for n in names if names.count(n) > 1]}"
        assert all(name and name == name.strip() for name in names), language
        assert all(character.isalpha() or character in " '’-" for name in names for character in name), language


def test_none_is_too_long_for_the_default_settings() -> None:
    corpus = load_corpus(DataSettings(source="names-embedded", categories=True))
    assert len(corpus.lines) == sum(len(names) - 1 for names in lists().values())
    assert corpus.categories == tuple(lists())
