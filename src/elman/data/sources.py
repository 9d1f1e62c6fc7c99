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
    sha256: str | None = None
    size: int | None = None  # exact, in bytes, where it is published
    members: tuple[str, ...] = ()  # a zip archive: the files to take out of it, and no others
    md5: str | None = None  # where the publisher gives nothing better
    redirects: tuple[str, ...] = ()  # other hosts that the address may send us to


@dataclass(frozen=True)
class Source:
    """A text by name. `folder` is its place below `ELMAN_DATA` and in the user's cache.

    `pattern` is how its files are called there and what a download is stored as; `other` is another form that a local copy
    may have.
    """

    name: str
    title: str
    terms: str
    kind: Kind | None
    pattern: str
    folder: str | None = None
    download: Download | None = None
    other: str | None = None

    @property
    def patterns(self) -> tuple[str, ...]:
        """The forms in which its files may be; the other one first, because it is the one of a copy made on purpose."""
        return (self.pattern,) if self.other is None else (self.other, self.pattern)


_TREES = Download(
    address="https://nlp.stanford.edu/sentiment/trainDevTestTrees_PTB.zip",
    sha256="5c613a4f673fc74097d523a2c83f38e0cc462984d847b82c7aaf36b01cbbbfcc",
    size=789_539,
    members=("trees/train.txt", "trees/dev.txt", "trees/test.txt"),
)

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
    Source(
        name="docstrings",
        title="Docstrings of Python's standard library, to be told apart by package",
        terms="Python Software Foundation licence; read from this machine's own Python",
        kind="labelled",
        pattern="*.py",
    ),
    Source(
        name="newsgroups",
        title="Four newsgroups of 1993: cryptography, electronics, medicine, space (20 Newsgroups, by date)",
        terms="no licence stated: fetched from where it is published, never passed on",
        kind="labelled",
        pattern="20news-bydate.tar.gz",
        folder="20newsgroups",
        download=Download(
            address="https://ndownloader.figshare.com/files/5975967",
            sha256="8f1b2514ca22a5ade8fbb9cfa5727df95fa587f4c87b786e15c759fa66d95610",
            redirects=("figshare.com", "s3-eu-west-1.amazonaws.com"),
        ),
    ),
    Source(
        name="imdb",
        title="IMDB film reviews, positive or negative",
        terms="to be cited: Maas et al. 2011; never passed on",
        kind="labelled",
        pattern="aclImdb_v1.tar.gz",
        folder="imdb",
        download=Download(
            address="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            md5="7c2ac02c03563afcf9b574c7e56c153a",
        ),
        other="aclImdb_labelled.tar.gz",
    ),
    Source(
        name="sst",
        title="Stanford Sentiment Treebank, sentences, positive or negative",
        terms="to be cited: Socher et al. 2013",
        kind="labelled",
        pattern="*.txt",
        folder="sentiment/sst",
        download=_TREES,
        other="stsa.binary.*",
    ),
    Source(
        name="sst-fine",
        title="Stanford Sentiment Treebank, sentences, five classes from very negative to very positive",
        terms="to be cited: Socher et al. 2013",
        kind="labelled",
        pattern="*.txt",
        folder="sentiment/sst",
        download=_TREES,
        other="stsa.fine.*",
    ),
    Source(
        name="yelp",
        title="Sentences of Yelp restaurant reviews, positive or negative",
        terms="CC BY 4.0: Kotzias et al. 2015, UCI Machine Learning Repository",
        kind="labelled",
        pattern="yelp_labelled.txt",
        folder="sentiment/uci_sentences",
        download=Download(
            address="https://archive.ics.uci.edu/static/public/331/sentiment+labelled+sentences.zip",
            sha256="afc26626d710899948693e1a61405dce197f57ffa719fa1130d346b4cc095343",
            members=("sentiment labelled sentences/yelp_labelled.txt",),
        ),
    ),
    Source(name="file", title="Your own text", terms="yours", kind=None, pattern="*.txt"),
)

SOURCES: dict[str, Source] = {source.name: source for source in _ALL}
