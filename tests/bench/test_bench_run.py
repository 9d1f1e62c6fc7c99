"""The bench as `make bench` runs it, on tiny shapes."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from bench.__main__ import main
from bench.options import Options

import bench
from bench import memory, names_tutorial, shakespeare


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def run(tmp_path: Path, *only: str) -> dict[str, Any]:
    chosen = [argument for name in only for argument in ("--only", name)]
    status = main(["--small", "--rounds", "1", "--threads", "1", "--json", str(tmp_path / "bench.json"), *chosen])
    assert status == 0
    found: dict[str, Any] = json.loads((tmp_path / "bench.json").read_text())
    return found


def test_the_main_table(tmp_path: Path) -> None:
    """In a process of its own: with JAX in it, one must not fork any more, which other tests do."""
    command = [
        "-m",
        "bench",
        "--small",
        "--rounds",
        "1",
        "--threads",
        "1",
        "--only",
        "layers",
        "--only",
        "imdb",
        "--only",
        "ragged",
        "--json",
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, *command, str(tmp_path / "bench.json")],
        cwd=Path(bench.__file__).parent.parent, env=environment, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    printed, found = done.stdout, json.loads((tmp_path / "bench.json").read_text())
    assert found["environment"]["threads"] == 1
    assert found["peaks"][0]["threads"] == 1
    rows = found["results"]["layers"]
    ours = [row for row in rows if row["side"] == "elman"]
    assert {(r["workload"], r["cell"], r["pass"]) for r in ours} == {
        (w, c, p) for w in ("imdb", "ragged") for c in ("RNN", "GRU", "LSTM") for p in ("forward", "training")
    }
    for row in ours:
        expected = {"torch padded"} | ({"torch packed"} if row["workload"] == "ragged" else set())
        assert expected <= set(row["others"])
        assert row["seconds"] > 0
        assert row["gflops"] > 0
        assert row["best_torch_ratio"] == min(row["others"][name]["ratio"] for name in expected)
        assert row["peak_share"] is None or row["best_torch_peak_share"] == pytest.approx(
            row["peak_share"] / row["best_torch_ratio"]
        )
        assert all({"seconds", "ratio", "ratio_of_medians", "rounds"} <= set(other) for other in row["others"].values())
        assert "ONNX Runtime" not in row["others"] or row["pass"] == "forward"
    assert "FMA peak" in printed or "No kernels" in printed
    assert "torch packed" in printed


def test_a_cell_of_ones_own(tmp_path: Path) -> None:
    rows = run(tmp_path, "custom_cell", "tiny")["results"]["custom_cell"]
    assert [(r["workload"], r["pass"]) for r in rows] == [("tiny", "forward"), ("tiny", "training")]
    assert all(set(r["sides"]) == {"elman", "own cell", "torch loop"} for r in rows)


def test_memory_is_measured_in_a_process_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CELLS", {"GRU": 3})
    (row,) = run(tmp_path, "memory", "imdb")["results"]["memory"]
    assert row["cell"] == "GRU"
    assert row["elman"] >= 0
    assert row["torch"] >= 0


def test_the_peak_of_memory_is_seen_after_it_is_gone() -> None:
    before = memory._forget_peak()
    with mmap.mmap(-1, 2**25) as block:  # pages of its own: an allocator may hand out some that were there before
        for page in range(0, 2**25, mmap.PAGESIZE):
            block[page] = 1
    assert memory._peak() - before >= 2**25 * 0.9 or not memory.FORGET.exists()


def test_names_one_at_a_time_beside_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path))
    (tmp_path / "names").mkdir()
    for language in ("Czech", "Greek"):
        (tmp_path / "names" / f"{language}.txt").write_text("\n".join(f"{language}{chr(97 + k)}" for k in range(26)))
    (row,) = names_tutorial.run(Options(threads=1, small=True))
    assert row["elman"] > 0
    assert row["tutorial"][0] > 0


def test_the_tutorials_loop_learns() -> None:
    torch.manual_seed(0)
    training = names_tutorial.TutorialTraining(("abc", "bca"), (0, 1), 2)
    before = training.model.to_hidden.weight.clone()
    training.names_per_second(0.01)
    assert not torch.equal(before, training.model.to_hidden.weight)


def test_shakespeare_for_a_moment_and_left_out_where_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path))
    (tmp_path / "tinyshakespeare").mkdir()
    (tmp_path / "tinyshakespeare" / "input.txt").write_text("To be, or not to be.\n" * 200)
    (row,) = shakespeare.run(Options(threads=1, small=True))
    assert 0 < row["nats_per_character"] < 10
    monkeypatch.setattr(shakespeare, "local_files", lambda source: ())
    options = Options(threads=1, small=True)
    assert shakespeare.run(options) == []
    assert "Left out: shakespeare" in options.notes[0]


def test_nonsense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["--only", "nonsense"], ["--rounds", "0"]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
