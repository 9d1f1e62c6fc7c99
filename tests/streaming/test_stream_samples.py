"""Sampling from a model folder, in the library and on the command line, runs on a stream and says which engine that was."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from streamed import HAVE_KERNELS, generator

import elman
from elman.data import Vocabulary
from elman.errors import InputError
from elman.generation import sample
from elman.models import LanguageModel, ModelSettings, model_files
from elman.runs import Model, load
from elman.storage import write_folder

LINES = Vocabulary("characters", ("", *"abcdefgh "), has_boundary=True)
RUNNING = Vocabulary("characters", ("\n", *"abcdefgh "), has_boundary=False)
WORDS = Vocabulary("words", ("<unknown>", "the", "a", "cat", "sees", "dog", "one", "of"), has_boundary=False)
FASTEST = "fused" if HAVE_KERNELS else "torch"


def model_of(vocabulary: Vocabulary, engine: str = "auto", categories: int = 0, **settings: Any) -> Model:
    chosen = ModelSettings(**{"cell": "gru", "hidden": 24, "engine": engine, **settings})
    network = LanguageModel(chosen, vocabulary.size, categories, generator(2))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(2)
    names = [f"kind {k}" for k in range(categories)]
    return Model(network.eval(), vocabulary, {"categories": names, "category_counts": list(range(1, categories + 1))})


@pytest.mark.parametrize(
    "arguments",
    [
        {}, {"prompt": "a"}, {"count": 5}, {"count": 40, "length": 7}, {"temperature": 0}, {"temperature": 0.3, "top_k": 4},
        {"top_p": 0.5, "count": 3}, {"length": 1}, {"precision": "bf16", "count": 2},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("vocabulary", [LINES, RUNNING, WORDS], ids=["lines", "running", "words"])
def test_the_same_seed_gives_the_same_text_on_every_engine(vocabulary: Vocabulary, arguments: dict[str, Any]) -> None:
    for categories in (0, 3):
        texts = {}
        for engine in ("auto", "loop", "torch"):
            model = model_of(vocabulary, engine, categories)
            texts[engine] = model.sample(seed=3, **arguments)
            assert model.engine_used == (FASTEST if engine == "auto" else engine)
            assert model.engine_reason
        assert texts["auto"] == texts["loop"] == texts["torch"]


def test_a_stream_by_names_of_categories() -> None:
    model = model_of(LINES, categories=2)
    stream = model.stream(2, ["kind 1", "kind 0"])
    other = model.network.stream(2, [1, 0])
    tokens = torch.tensor([0, 3])
    assert torch.equal(stream.step(tokens), other.step(tokens))
    with pytest.raises(InputError, match="kind 0, kind 1"):
        model.stream(1, ["another"])
    with pytest.raises(InputError, match="bf16"):
        model.sample(category="kind 0", precision="half")


def test_a_stream_for_sampling_begins_anew_and_must_be_of_the_right_count() -> None:
    model = model_of(RUNNING)
    stream = model.stream(2)
    first = sample(stream, RUNNING, count=2, length=20, generator=generator(), prompt="ab")
    assert sample(stream, RUNNING, count=2, length=20, generator=generator(), prompt="ab") == first
    assert all(text.startswith("ab") and len(text) == 22 for text in first)
    with pytest.raises(InputError, match="stream of 2"):
        sample(stream, RUNNING, count=3, generator=generator())


def test_progress_is_told_and_ends_at_the_length() -> None:
    for engine in ("auto", "loop"):
        told: list[int] = []
        model_of(RUNNING, engine).sample(seed=1, length=50, progress=told.append)
        assert told == sorted(told)
        assert told[-1] == 50


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "model"
    facts = {"title": "Test", "categories": [], "category_counts": []}
    write_folder(path, model_files(model_of(RUNNING).network, RUNNING.to_json(), facts), kind="model")
    return path


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "elman.cli.main", "sample", *map(str, words)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(elman.__file__).parents[1]), "OMP_NUM_THREADS": "1"}


def said(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), env=environment(), capture_output=True, text=True, timeout=120, check=False)


def test_the_command_says_which_engine_ran(folder: Path) -> None:
    for precision in ("float32", "bf16"):
        done = said(folder, "--seed", 4, "--length", 30, "--precision", precision, "--json")
        assert done.returncode == 0
        document = json.loads(done.stdout)
        assert document["engine"] == FASTEST
        assert document["precision"] == precision
        assert document["samples"] == load(folder).sample(seed=4, length=30, count=1, precision=precision)
    done = said(folder, "--precision", "int4")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "float32, bf16" in done.stderr


def test_ctrl_c_in_the_middle_of_a_long_text(folder: Path) -> None:
    process = subprocess.Popen(
        command(folder, "--length", 10**9), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(6)  # loaded, and at it
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - began < 10
    assert out == ""
    assert "Traceback" not in err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals like these")
def test_a_long_text_shows_how_far_it_is_on_a_terminal(folder: Path) -> None:
    leader, terminal = pty.openpty()
    process = subprocess.Popen(
        command(folder, "--length", 10**9),
        env={**environment(), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=terminal,
    )
    os.close(terminal)
    shown = b""
    until = time.monotonic() + 60
    while b"symbols" not in shown and time.monotonic() < until:
        shown += os.read(leader, 4096)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    os.close(leader)
    assert b"symbols" in shown
    assert process.returncode == 130
