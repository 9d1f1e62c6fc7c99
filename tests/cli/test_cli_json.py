"""`--json`: one JSON document on standard output, for every verb that prints results, and nothing else there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_process import Said

from elman.recipes.builtin_names import builtin_names

Elman = Callable[..., Said]


def document(said: Said) -> Any:
    assert said.code == 0, said.err
    assert "Traceback" not in said.err

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(said.out, parse_constant=refuse)


@pytest.mark.parametrize(
    "words",
    [
        "recipes",
        "recipes names-quick",
        "data",
        "data names-embedded",
        "data names.txt",
        "data text.txt",
        "data one-line.txt",
        "explain",
        "explain gru",
        "explain gru --gradients",
        "explain good.py:MyCell",
        "worked",
        "worked forward-by-hand",
        "worked lesson-rnn",
        "sample run",
        "sample run --count 3 --top-k 2 --seed 1",
        "sample told --category Greek --temperature 0",
        "sample prose --prompt A --length 20",
        "evaluate run",
        "evaluate run --part train",
        "evaluate run --data names.txt",
        "evaluate told --data languages",
        "evaluate prose --data text.txt",
        "predict tones bang",
        "predict bag bang still --json",
        "predict tones --file tones.csv",
        "evaluate tones",
        "evaluate tones --shuffle-words",
        "evaluate bag --data tones.csv",
        "evaluate bag --data stars.csv --set label_column=tone --set text_column=review",
        "evaluate tones --data tone-folder",
        "doctor",
    ],
)
def test_it_parses(words: str, elman: Elman, home: Path) -> None:
    assert document(elman(*words.split(), "--json"))


def test_what_train_says(elman: Elman, home: Path, tmp_path: Path) -> None:
    said = document(elman("train", "tiny.toml", "--run", tmp_path / "run", "--epochs", 1, "--json"))
    assert said["run"] == str(tmp_path / "run")
    assert said["reason"] == "epochs"
    assert said["results"] == json.loads((tmp_path / "run" / "results.json").read_text("utf-8"))


def test_what_a_search_for_the_rate_says(elman: Elman, home: Path) -> None:
    said = document(elman("train", "tiny.toml", "--data", "names.txt", "--find-rate", "--json"))
    assert len(said["rates"]) == len(said["losses"]) == len(said["smoothed"]) > 10
    assert 1e-6 < said["suggestion"] <= said["lowest"]


def test_what_demo_says(elman: Elman, home: Path, tmp_path: Path) -> None:
    said = document(elman("demo", "--run", tmp_path / "run", "--epochs", 1, "--json"))
    assert said["results"]["samples"]


def test_samples(elman: Elman, home: Path) -> None:
    said = document(elman("sample", "run", "--count", 4, "--seed", 3, "--json"))
    plain = elman("sample", "run", "--count", 4, "--seed", 3)
    assert plain.out.splitlines() == said["samples"]
    assert len(said["samples"]) == 4
    assert document(elman("sample", "run", "--seed", 3, "--json")) != document(
        elman("sample", "run", "--seed", 4, "--json")
    )


def test_evaluations(elman: Elman, home: Path) -> None:
    parts = {p: document(elman("evaluate", "run", "--part", p, "--json")) for p in ("train", "validation", "test")}
    results = json.loads((home / "run" / "results.json").read_text("utf-8"))
    assert parts["test"]["nats"] == pytest.approx(results["test"]["nats"])
    whole = document(elman("evaluate", "run", "--data", "names.txt", "--json"))
    assert whole["count"] == sum(part["count"] for part in parts.values())
    assert whole["nats"] == pytest.approx(sum(part["nats"] for part in parts.values()), rel=1e-5)


def test_explanations(elman: Elman, home: Path) -> None:
    said = document(elman("explain", "lstm", "--json"))
    assert said["cell"] == "lstm"
    assert any("tanh" in line for line in said["equations"])
    assert said["gradients"]
    assert said["text"] == elman("explain", "lstm", "--format", "cell").out


def test_numbers_of_the_course(elman: Elman, home: Path) -> None:
    """Six digits of the exercise in the course, out of the program's own output."""
    there = numbers(document(elman("worked", "forward-by-hand", "--json")))
    for number in (0.462117, 0.845066, 0.238635, 0.353520, 0.5, 1.386294):
        assert any(abs(number - other) < 5e-7 for other in there), number


def numbers(value: Any) -> list[float]:
    """Every number in a document."""
    if isinstance(value, (list, dict)):
        return [n for inner in (value.values() if isinstance(value, dict) else value) for n in numbers(inner)]
    return [value] if isinstance(value, float) else []


def test_a_list_of_recipes_that_programs_can_use(elman: Elman, home: Path) -> None:
    said = document(elman("recipes", "--json"))
    assert [row["name"] for row in said] == list(builtin_names())
    assert {"names", "newsgroups-bow", "imdb-bilstm"} <= {row["name"] for row in said}
