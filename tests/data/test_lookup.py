"""Which files a source's name leads to, and in which order places are tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from elman.data import SOURCES, DataSettings, load_corpus, local_files, locating
from elman.errors import DataError


def names_in(folder: Path, **languages: str) -> Path:
    folder.mkdir(parents=True)
    for language, text in languages.items():
        (folder / f"{language}.txt").write_text(text)
    return folder


def test_path_then_variable_then_cache_then_embedded(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = load_corpus(DataSettings())
    assert "names that ship with Elman" in embedded.notes[0]
    assert embedded.lines == load_corpus(DataSettings(source="names-embedded")).lines

    names_in(cache / "names", Cached="Anna\n")
    assert load_corpus(DataSettings()).lines == ("Anna",)

    names_in(tmp_path / "data" / "names", Given="Bela\n")
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path / "data"))
    assert load_corpus(DataSettings()).lines == ("Bela",)

    own = names_in(tmp_path / "own", Mine="Carl\n")
    assert load_corpus(DataSettings(path=str(own))).lines == ("Carl",)
    assert load_corpus(DataSettings(source="names-embedded", path=str(own))).lines == ("Carl",)


def test_data_may_name_a_folder_of_data_sets(tmp_path: Path) -> None:
    names_in(tmp_path / "data" / "names", Given="Bela\n")
    (tmp_path / "data" / "README.txt").write_text("not a language")
    assert load_corpus(DataSettings(path=str(tmp_path / "data"))).lines == ("Bela",)


def test_a_single_file_does_for_any_source(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("Anna\nBela\n")
    assert load_corpus(DataSettings(path=str(path))).lines == ("Anna", "Bela")
    assert load_corpus(DataSettings(source="shakespeare", path=str(path))).text == "Anna\nBela\n"
    assert load_corpus(DataSettings(source="python", path=str(path))).title == "mine.txt"


def test_a_variable_that_names_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"ELMAN_DATA is .*nowhere, which is not a folder"):
        load_corpus(DataSettings())


def test_an_altered_file_is_used_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tinyshakespeare"
    folder.mkdir()
    (folder / "input.txt").write_text("To be, or not to be.\n")
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path))
    corpus = load_corpus(DataSettings(source="shakespeare"))
    assert corpus.text == "To be, or not to be.\n"
    assert "differs from the published one" in corpus.notes[0]
    assert local_files(SOURCES["shakespeare"]) == (folder / "input.txt",)


def test_the_standard_library_without_its_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.py", "a/z.py", "a/__init__.py", "test/t.py", "site-packages/s.py", "a/tests/u.py", "notes.txt"):
        path = tmp_path / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n" if path.name != "__init__.py" else "")
    monkeypatch.setattr(locating.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path / "lib")})
    corpus = load_corpus(DataSettings(source="python"))
    assert (corpus.kind, corpus.text) == ("continuous", "# a/z.py\n# b.py\n")
    assert corpus.title.startswith("Python 3")


def test_python_is_on_every_machine() -> None:
    corpus = load_corpus(DataSettings(source="python", max_characters=100_000))
    assert 50_000 < len(corpus.text) <= 100_000
    assert "import" in corpus.text
    assert corpus == load_corpus(DataSettings(source="python", max_characters=100_000))


def test_the_real_names(real_data: Path) -> None:
    corpus = load_corpus(DataSettings(categories=True))
    assert len(corpus.categories) == 18
    assert corpus.labels is not None
    assert len(corpus.lines) == len(corpus.labels) > 20_000
    assert {line for line in corpus.lines if line != line.strip()} == set()
    assert corpus.categories[corpus.labels[corpus.lines.index("Żuraw")]] == "Polish"


def test_the_real_shakespeare(real_data: Path) -> None:
    corpus = load_corpus(DataSettings(source="shakespeare"))
    assert (len(corpus.text), len(set(corpus.text)), corpus.notes) == (1_115_394, 65, ())
    download = SOURCES["shakespeare"].download
    assert download is not None
    assert corpus.digest == download.sha256
