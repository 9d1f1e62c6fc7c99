"""Files with one labelled sentence per line: the Stanford Sentiment Treebank in two forms, and the UCI sentences.

Sources: Socher et al., Recursive Deep Models for Semantic Compositionality Over a Sentiment Treebank, EMNLP 2013; Kotzias et
al., From Group to Individual Labels using Deep Features, KDD 2015.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from elman.data.labelled.rows import PARTS, PartName, Row, part_called
from elman.data.reading import read_document
from elman.errors import DataError

BINARY = ("negative", "positive")
FINE = ("very negative", "negative", "neutral", "positive", "very positive")


def read_sst(files: tuple[Path, ...], *, fine: bool) -> list[Row]:
    """Sentences from `stsa.*` files (label, blank, sentence) or from the official trees.

    In the trees the label of a sentence is that of its root, 0 to 4; for two classes the neutral ones (2) are not used, as in
    the paper.
    """
    classes = FINE if fine else BINARY
    rows = []
    for path in sorted(files, key=lambda path: PARTS.index(_part(path))):
        trees = path.suffix == ".txt"
        for number, line in _lines(path):
            label, sentence = _tree(line) if trees else line.partition(" ")[::2]
            if trees and not fine:
                if label == "2":
                    continue
                label = {"0": "0", "1": "0", "3": "1", "4": "1"}.get(label, "")
            if not label.isdecimal() or int(label) >= len(classes):
                raise DataError(f"{path}, line {number}: begins with {line[:20]!r}, where a label from 0 should be")
            rows.append(Row(sentence, classes[int(label)], _part(path), f"{path.name}, line {number}"))
    return rows


def _part(path: Path) -> PartName:
    part = part_called(path.name.removesuffix(".txt"))
    if part is None:
        raise DataError(f"{path} is not called train, dev or test, so it is unclear which part of the data it holds")
    return part


_LEAF = re.compile(r"\(\d ([^()\s]+)\)")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "``": '"', "''": '"'}


def _tree(line: str) -> tuple[str, str]:
    """The root's label and the words of `(3 (2 It) (4 (2 is) (4 lovely)))`; an empty label where it is no tree."""
    if not re.match(r"\(\d ", line):
        return "", line
    words = (_BRACKETS.get(word, word.replace("\\/", "/").replace("\\*", "*")) for word in _LEAF.findall(line))
    return line[1], " ".join(words)


def read_sentences(path: Path) -> list[Row]:
    """Sentences of a UCI file: text, tab, 0 or 1."""
    rows = []
    for number, line in _lines(path):
        sentence, tab, label = line.rpartition("\t")
        if not tab or label.strip() not in ("0", "1"):
            raise DataError(f"{path}, line {number}: does not end with a tab and 0 or 1, as a labelled sentence should")
        rows.append(Row(sentence.strip(), BINARY[int(label)], None, f"{path.name}, line {number}"))
    return rows


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(read_document(path).text.split("\n"), start=1):
        if line.strip():
            yield number, line
