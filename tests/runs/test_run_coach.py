"""The coach at the end of a training: its evidence is what the run's files say, and its advice stands in results.json and the report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_run import recipe, train

from elman.coaching import advise
from elman.recipes.reading import read_recipe
from elman.recipes.recipe import Recipe
from elman.runs.assembly import assemble
from elman.runs.coach import gather
from elman.runs.rate import find_rate


@pytest.mark.parametrize("kind", ["lines", "text"])
def test_the_evidence_of_a_language_model(kind: str, tmp_path: Path) -> None:
    run = train(recipe(tmp_path / "data", kind), run=tmp_path / "run")
    parts = assemble(read_recipe(tmp_path / "run" / "recipe.toml"))
    evidence = gather(parts, run.path, run.results)
    assert [row.epoch for row in evidence.epochs] == [1, 2]
    assert evidence.validation_losses == [
        row["validation_nats"] / row["validation_count"] for row in run.metrics if row["kind"] == "epoch"
    ]
    assert evidence.parameters == run.results["parameters"]
    assert evidence.targets == evidence.tokens == parts.train.symbols
    assert evidence.classes is None
    assert evidence.chance is not None
    assert 1 < evidence.chance < 4  # nats of a letter by frequency alone
    assert evidence.probe is not None
    assert {gate.name for gate in evidence.probe.gates} == {"r", "z", "n"}
    assert run.results["advice"] == [finding.model_dump() for finding in advise(evidence)]
    for finding in run.results["advice"]:
        assert finding["symptom"] in run.report.read_text("utf-8")
    assert "<h2>Coach</h2>" in run.report.read_text("utf-8")


@pytest.mark.parametrize("shape", ["classifier", "bag-of-words"])
def test_the_evidence_of_a_classifier(shape: str, tmp_path: Path) -> None:
    rows = [("red green", "colour"), ("one two", "number"), ("blue red", "colour"), ("two three", "number")] * 12
    (tmp_path / "texts.csv").write_text("text,label\n" + "".join(f"{a} {k},{b}\n" for k, (a, b) in enumerate(rows)))
    own = {"model.shape": shape} | ({"model.embedding": 8, "model.hidden": 8} if shape == "classifier" else {})
    settings = {**own, "data.source": "file", "data.units": "words", "training.epochs": 2}
    values: dict[str, dict[str, object]] = {"data": {"path": str(tmp_path / "texts.csv"), "kind": "labelled"}}
    for key, value in settings.items():
        section, name = key.split(".")
        values.setdefault(section, {})[name] = value
    run = train(Recipe.model_validate(values), run=tmp_path / "run")
    parts = assemble(read_recipe(tmp_path / "run" / "recipe.toml"))
    evidence = gather(parts, run.path, run.results)
    assert evidence.classes is not None
    assert evidence.predicted is not None
    assert sum(evidence.classes) == sum(evidence.predicted) == run.results["validation"]["count"]
    assert set(evidence.names) == {"colour", "number"}
    assert evidence.tokens == parts.train.tokens
    assert (evidence.probe is not None) == (shape == "classifier")
    assert run.results["advice"] == [finding.model_dump() for finding in advise(evidence)]
    assert find_rate(Recipe.model_validate(values), steps=20).rates


def test_results_are_json(tmp_path: Path) -> None:
    run = train(recipe(tmp_path / "data"), run=tmp_path / "run")
    assert isinstance(json.loads((run.path / "results.json").read_text("utf-8"))["advice"], list)
