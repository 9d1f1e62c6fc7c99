"""Labelled texts to evaluate a trained model on."""

from __future__ import annotations

from pathlib import Path

import pytest
from labelled_examples import reviews, settings, tar, write

from elman.data import load_for_evaluation
from elman.errors import DataError


def test_classes_at_evaluation(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\na,pos\nb,neg\nc,pos\n")
    texts, _ = load_for_evaluation(settings(path), ("pos", "neutral", "neg"))
    assert (texts.texts, texts.labels, texts.places[1]) == (("a", "b", "c"), (0, 2, 0), "a.csv, line 3")
    only = write(tmp_path / "b.csv", "text,label\na,pos\nb,pos\n")
    assert load_for_evaluation(settings(only), ("neg", "pos"))[0].labels == (1, 1)
    with pytest.raises(
        DataError, match=r"a\.csv, line 3: the class 'neg' is none of the model's \(pos, bad\); 1 of 3 texts"
    ):
        load_for_evaluation(settings(path), ("pos", "bad"))
    archive = tar(tmp_path / "aclImdb_v1.tar.gz", reviews())
    texts, notes = load_for_evaluation(settings(archive, source="imdb"), ("negative", "positive"))
    assert len(texts) == 8
    assert "Of 28 texts only the 8 of the test part are looked at." in notes
