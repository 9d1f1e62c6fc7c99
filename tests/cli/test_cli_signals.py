"""Ctrl-C and SIGTERM in `elman train`: the step is finished, the state saved, and `--resume` ends as if nothing had been."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import Said, run, start, tree, wait_for

Elman = Callable[..., Said]
LONG = ["--set", "sample_every=100000", "--epochs", "100000"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_and_resumed(number: signal.Signals, elman: Elman, home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start("train", "tiny.toml", "--run", folder, *LONG, "--json", cwd=home)
    log = folder / "metrics.jsonl"
    wait_for(lambda: log.exists() and log.read_bytes().count(b"\n") >= 2)
    began = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert process.returncode == 128 + number
    assert out == ""
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    assert last.startswith("elman: ")
    assert "--resume" in last
    assert not (folder / "results.json").exists()

    epochs = 1 + sum(json.loads(line)["kind"] == "epoch" for line in log.read_text().splitlines())
    resumed = elman("train", "tiny.toml", "--run", folder, "--resume", "--epochs", epochs)
    assert resumed.code == 0, resumed.err
    whole = elman("train", "tiny.toml", "--run", tmp_path / "whole", "--set", "sample_every=100000", "--epochs", epochs)
    assert whole.code == 0, whole.err
    trees = [tree(f) for f in (folder, tmp_path / "whole")]
    exact = [
        "best/model.safetensors",
        "last/model.safetensors",
        "last/resume.safetensors",
        "metrics.jsonl",
        "recipe.toml",
    ]
    assert [trees[0][name] for name in exact] == [trees[1][name] for name in exact]


def test_killed_at_once_and_resumed(elman: Elman, home: Path, tmp_path: Path) -> None:
    """`kill -9` leaves no time to save: what was saved last counts, and the end is the same."""
    folder = tmp_path / "run"
    process = start("train", "tiny.toml", "--run", folder, *LONG, "--set", "checkpoint_seconds=0", cwd=home)
    log = folder / "metrics.jsonl"
    wait_for(lambda: log.exists() and log.read_bytes().count(b"\n") >= 2)
    process.kill()
    process.communicate(timeout=30)
    epochs = 1 + log.read_bytes().count(b"\n")
    assert elman("sample", folder, "--count", 1).code == 0
    resumed = elman(
        "train", "tiny.toml", "--run", folder, "--resume", "--epochs", epochs, "--set", "checkpoint_seconds=30"
    )
    assert resumed.code == 0, resumed.err
    assert (
        elman(
            "train", "tiny.toml", "--run", tmp_path / "whole", "--set", "sample_every=100000", "--epochs", epochs
        ).code
        == 0
    )
    trees = [tree(f) for f in (folder, tmp_path / "whole")]
    for name in ("best/model.safetensors", "last/model.safetensors", "metrics.jsonl"):
        assert trees[0][name] == trees[1][name]


def test_out_of_minutes_and_resumed_in_new_processes(home: Path, tmp_path: Path) -> None:
    """Two processes, the first with hardly any time: the same weights as in one go (which made the run in the home folder)."""
    first = run("train", "tiny.toml", "--run", tmp_path / "run", "--minutes", "0.0005", "--json", cwd=home)
    assert first.code == 0, first.err
    assert json.loads(first.out)["reason"] == "minutes"
    second = run("train", "tiny.toml", "--run", tmp_path / "run", "--resume", "--minutes", "60", "--json", cwd=home)
    assert second.code == 0, second.err
    assert json.loads(second.out)["reason"] == "epochs"
    trees = [tree(tmp_path / "run"), tree(home / "run")]
    for name in ("best/model.safetensors", "last/model.safetensors", "metrics.jsonl", "samples.txt"):
        assert trees[0][name] == trees[1][name]


@pytest.mark.parametrize("verb", ["sample run", "predict tones bang", "evaluate run", "explain lstm", "data names.txt"])
def test_ctrl_c_elsewhere(verb: str, elman: Elman, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever else it comes: 130, and no traceback."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for place in (
        "elman.runs.loaded.load_language",
        "elman.runs.classifier.load_classifier",
        "elman.runs.evaluation.evaluate_part",
        "elman.equations.explain",
        "elman.data.description.describe",
    ):
        monkeypatch.setattr(place, interrupt)
    said = elman(*verb.split())
    assert said.code == 130
    assert "Traceback" not in said.err
