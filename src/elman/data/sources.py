"""The texts that Elman knows by name: where each comes from, how to recognise it, and on what terms it may be used."""

from __future__ import annotations

from dataclasses import dataclass

from elman.data.settings import Kind

LANGUAGES = (
    *("Arabic", "Chinese", "Czech", "Dutch", "English", "French", "German", "Greek", "Irish"),
    *("Italian", "Japanese", "Korean", "Polish", "Portuguese", "Russian", "Scottish", "Spanish", "Vietnamese"),
)


@dataclass(frozen=True)
class Download:
    """An official address and what must arrive from it."""

    address: str
    sha256: str
    size: int | None = None  # exact, in bytes, where it is published
    members: tuple[str, ...] = ()  # a zip archive: the files to take out of it, and no others


@dataclass(frozen=True)
class Source:
    """A text by name. `folder` is its place below `ELMAN_DATA` and in the user's cache."""

    name: str
    title: str
    terms: str
    kind: Kind | None
    pattern: str
    folder: str | None = None
    download: Download | None = None


_ALL = (
    Source(
        name="names",
        title="Personal names of 18 languages",
        terms="MIT licence (PyTorch tutorials)",
        kind="lines",
        pattern="*.txt",
        folder="names",
        download=Download(
            address="https://download.pytorch.org/tutorial/data.zip",
            sha256="fb317e80248faeb62dc25ef3390ae24ca34b94e276bbc5141fd8862c2200bff5",
            members=tuple(f"data/names/{language}.txt" for language in LANGUAGES),
        ),
    ),
    Source(
        name="names-embedded",
        title="Personal names that ship with Elman",
        terms="Apache-2.0, part of Elman",
        kind="lines",
        pattern="*.txt",
    ),
    Source(
        name="shakespeare",
        title="Tiny Shakespeare",
        terms="public domain",
        kind="continuous",
        pattern="input.txt",
        folder="tinyshakespeare",
        download=Download(
            address="https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            sha256="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            size=1_115_394,
        ),
    ),
    Source(
        name="python",
        title="The Python standard library",
        terms="Python Software Foundation licence; read from this machine's own Python",
        kind="continuous",
        pattern="*.py",
    ),
    Source(name="file", title="Your own text", terms="yours", kind=None, pattern="*.txt"),
)

SOURCES: dict[str, Source] = {source.name: source for source in _ALL}
