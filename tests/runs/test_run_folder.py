"""What a training leaves: every file of the run folder, checked against the data and the model itself."""

from __future__ import annotations

import json
import math
import re
import shutil
import tomllib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tiny_run import KINDS, parts_of, pieces, recipe, train, weights

import elman
from elman.data import LineBatches, Part, StreamBatches
from elman.recipes.reading import read_recipe
from elman.storage import from_json, read_folder

Get = Callable[[str], Any]
MODEL = {"README.md", "config.json", "manifest.json", "model.safetensors", "vocabulary.json"}


def targets(part: Part, done: Any) -> int:
    """How many symbols a part asks to predict: of lines each symbol and the end, of text all but the first."""
    encode = done.model.vocabulary.encode
    return sum(len(encode(line)) + 1 for line in part.lines) if part.lines else len(encode(part.text)) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_all_files_and_no_others(kind: str, trained: Get) -> None:
    path = trained(kind).path
    there = {p.name for p in path.iterdir()}
    assert there == {
        "recipe.toml", "metrics.jsonl", "timing.jsonl", "samples.txt", "results.json", "report.html", "environment.json",
        "best", "last", "lock",
    }  # fmt: skip
    assert {p.name for p in (path / "best").iterdir()} == MODEL
    assert {p.name for p in (path / "last").iterdir()} == MODEL | {"resume.json", "resume.safetensors"}
    read_folder(path / "best", kind="model")
    read_folder(path / "last", kind="model")


@pytest.mark.parametrize("kind", KINDS)
def test_the_recipe_is_filled_in_and_makes_the_same_run(kind: str, trained: Get, tmp_path: Path) -> None:
    done = trained(kind)
    assert read_recipe(done.path / "recipe.toml") == done.recipe
    values = tomllib.loads((done.path / "recipe.toml").read_text("utf-8"))
    assert {"data", "model", "training", "sample"} <= set(values)
    assert values["training"]["seed"] == 1
    if kind in ("lines", "text"):
        again = train(done.path / "recipe.toml", run=tmp_path / "again")
        assert weights(again.path) == weights(done.path)


@pytest.mark.parametrize("kind", KINDS)
def test_metrics_are_sums_of_nats_and_counts(kind: str, trained: Get) -> None:
    done = trained(kind)
    parts = parts_of(done.recipe)
    rows = done.run.metrics
    assert [row["epoch"] for row in rows] == [1, 2]
    assert all(row["kind"] == "epoch" for row in rows)
    for row in rows:
        assert row["train_count"] == targets(parts.train, done)
        assert row["validation_count"] == targets(parts.validation, done)
        assert 0 < row["validation_nats"] / row["validation_count"] < 2 * math.log(done.model.vocabulary.size)
        assert row["rate"] == 0.02
        assert 0 <= row["gradient_norm"]["median"] <= row["gradient_norm"]["max"]
        assert not [key for key in row if "second" in key or "time" in key]
    assert rows[0]["best"]
    assert rows[1]["train_nats"] < rows[0]["train_nats"]
    text = (done.path / "metrics.jsonl").read_text()
    assert "NaN" not in text
    assert text.endswith("\n")


def test_steps_are_counted(trained: Get) -> None:
    done = trained("lines")
    train_part = parts_of(done.recipe).train
    batches = len(LineBatches(train_part, done.model.vocabulary, 16).plan(None))
    assert [row["step"] for row in done.run.metrics] == [batches, 2 * batches]
    done = trained("text")
    batches = len(StreamBatches(parts_of(done.recipe).train, done.model.vocabulary, 4, 16).plan(None))
    assert [row["step"] for row in done.run.metrics] == [batches, 2 * batches]


@pytest.mark.parametrize("kind", KINDS)
def test_the_best_model_is_the_one_with_the_lowest_validation(kind: str, trained: Get) -> None:
    done = trained(kind)
    validation = parts_of(done.recipe).validation
    score = done.model.score_part(validation)  # a text as one stream, where the training reads several
    per_row = [row["validation_nats"] / row["validation_count"] for row in done.run.metrics]
    assert done.run.outcome.best == pytest.approx(min(per_row), rel=1e-6)
    assert score.count == done.run.metrics[0]["validation_count"]
    assert score.per_symbol == pytest.approx(min(per_row), rel=0.05 if kind.startswith("text") else 1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_results_say_what_was_measured(kind: str, trained: Get) -> None:
    done = trained(kind)
    results, parts = done.run.results, parts_of(done.recipe)
    assert set(results) == {"test", "samples", "seconds", "parameters", "corpus", "advice"}
    score = done.model.score_part(parts.test)
    assert results["test"]["nats"] == pytest.approx(score.nats, rel=1e-6)
    assert results["test"]["count"] == score.count == targets(parts.test, done)
    assert results["parameters"] == sum(p.numel() for p in done.model.network.parameters())
    assert results["seconds"] >= 0
    assert results["corpus"]["digest"]
    for part in ("train", "validation", "test"):
        assert results["corpus"][part] == len(getattr(parts, part).lines or getattr(parts, part).text)
    assert [table["top_k"] for table in results["samples"]] == [1, 3, None]


@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_marked_new_or_known_and_rightly(kind: str, trained: Get) -> None:
    done = trained(kind)
    part = parts_of(done.recipe).train
    for table in done.run.results["samples"]:
        assert len(table["items"]) == 3
        assert 0 <= table["share_new"] <= 1
        assert 0 <= table["repetition"] <= 1
        for item in table["items"]:
            known = item["text"] in ("", *part.lines) if part.lines else item["text"] in part.text
            assert item["new"] is not known
            copied = item["text"]
            assert 0 <= item["copied_span"] <= len(copied)
            whole = "\0".join(part.lines) if part.lines else part.text
            spans = [copied[i : i + item["copied_span"]] for i in range(len(copied) + 1)]
            assert any(span in whole for span in spans)
            assert item["category"] in (("Italian", "Russian", "Greek") if kind == "categories" else (None,))
    shown = [item["text"] for item in done.run.results["samples"][0]["items"]]
    if kind != "categories":
        assert len(set(shown)) == 1  # top-k 1 has one answer


@pytest.mark.parametrize("kind", KINDS)
def test_samples_on_the_way(kind: str, trained: Get) -> None:
    text = (trained(kind).path / "samples.txt").read_text("utf-8")
    assert re.findall(r"^epoch (\d+)$", text, re.MULTILINE) == ["1", "2"]


def test_where_it_was_made(trained: Get) -> None:
    environment = json.loads((trained("lines").path / "environment.json").read_text())
    assert set(environment["versions"]) >= {"python", "torch", "numpy"}
    assert environment["seed"] == 1


class Outgoing(HTMLParser):
    """Everything in a page that a browser would fetch, or that leads away."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: set[str] = set()
        self.style = False
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.style = tag == "style"
        for name, value in attrs:
            loads = name in ("src", "srcset", "data", "poster", "background", "action") or (
                name == "href" and tag in ("link", "base")
            )
            if loads and not (value or "").startswith(("data:", "#")):
                self.found.append(f"{tag} {name}={value}")
            if name == "style" and "url(" in (value or ""):
                self.found.append(f"{tag} style={value}")

    def handle_data(self, data: str) -> None:
        if self.style and re.search(r"@import|url\(\s*['\"]?(?!data:)", data):
            self.found.append(data[:200])
        if self.lasttag not in ("script", "style"):
            self.text.append(data)


@pytest.mark.parametrize("kind", ["lines", "categories", "text"])
def test_the_report_is_one_page_that_needs_no_network(kind: str, trained: Get) -> None:
    done = trained(kind)
    page = done.run.report.read_text("utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    seen = Outgoing()
    seen.feed(page)
    assert seen.found == []
    assert not {"iframe", "object", "embed", "base"} & seen.tags
    text = " ".join("".join(seen.text).split())
    assert "Tiny" in text
    assert "math" in seen.tags  # the cell's equations
    for item in done.run.results["samples"][1]["items"]:
        assert " ".join(item["text"].split()) in text
    for word in ("new", "validation", "test", "hidden"):
        assert word in text.lower()


def test_a_report_escapes_what_the_data_says(tmp_path: Path) -> None:
    """Symbols, titles and file names may be HTML."""
    made = recipe(tmp_path / "data")
    evil = "<img src=x onerror=alert(1)>"
    lines = [f"<b>{k:02}</b>" for k in range(60)]
    file = tmp_path / "data" / "<img src=x>.txt"
    file.write_text("\n".join(lines) + "\n")
    data = made.data.model_copy(update={"path": str(file)})
    run = train(made.model_copy(update={"title": evil, "about": evil, "data": data}), run=tmp_path / "run")
    seen = Outgoing()
    seen.feed(run.report.read_text("utf-8"))
    assert seen.found == []
    assert "img" not in seen.tags
    assert evil in "".join(seen.text)


def test_a_finished_run_can_be_moved(trained: Get, tmp_path: Path) -> None:
    """Nothing in the model depends on where the folder is."""
    done = trained("lines")
    moved = tmp_path / "moved"
    shutil.copytree(done.path, moved)
    assert elman.load(moved).sample(seed=3, count=5) == done.model.sample(seed=3, count=5)
    assert elman.load(moved / "best").sample(seed=3, count=5) == done.model.sample(seed=3, count=5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_corpus_is_named_in_the_model(kind: str, trained: Get) -> None:
    done = trained(kind)
    config = from_json((done.path / "best" / "config.json").read_bytes(), "config.json")
    assert config["title"] == "Tiny"
    assert config["corpus"]["digest"] == done.run.results["corpus"]["digest"]
    if kind == "categories":
        labels = parts_of(done.recipe).train.labels
        assert config["categories"] == ["Greek", "Italian", "Russian"]
        assert config["category_counts"] == [labels.count(k) for k in range(3)]
    assert pieces(parts_of(done.recipe).train)
