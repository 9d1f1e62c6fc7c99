"""Texts, two recipes, and a trainer that only writes down."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_classifiers import Bench, Trainer, every, write_recipe, write_texts


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    texts = write_texts(tmp_path / "texts.csv")
    trainer = Trainer({"gru": every(6), "bag": every(3), "other": every(4)})
    monkeypatch.setattr("elman.runs.training.train", trainer)
    return Bench(
        tmp_path,
        texts,
        write_recipe(tmp_path / "gru.toml", texts),
        write_recipe(tmp_path / "bag.toml", texts, "bag-of-words"),
        trainer,
    )
