"""`elman compare` with real trainings, as other processes see it; killed with SIGKILL and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from made_up_classifiers import write_recipe, write_texts

import elman
from elman.cli.main import main


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "elman.cli.main", "compare", *map(str, words)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(elman.__file__).parents[1]), "OMP_NUM_THREADS": "1", "COLUMNS": "100"}


def run(folder: Path, *words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=folder, env=environment(), capture_output=True, text=True, timeout=180, check=False
    )  # fmt: skip


def kill_when(folder: Path, condition: Callable[[], bool], *words: object) -> None:
    """Start the command, and end it with SIGKILL once the condition holds."""
    with subprocess.Popen(
        command(*words), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:  # fmt: skip
        end = time.monotonic() + 120
        while not condition():
            assert process.poll() is None, "it ended before it was to be killed"
            assert time.monotonic() < end, "waited too long"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Texts, and two recipes that read them, one of them slow enough to be killed in its middle."""
    texts = write_texts(tmp_path / "texts.csv", 200)
    write_recipe(tmp_path / "bag.toml", texts, "bag-of-words", training__epochs=3, training__rate=0.05)
    write_recipe(tmp_path / "gru.toml", texts, training__epochs=8, training__batch_size=4, training__rate=0.01)
    return tmp_path


def lasting(path: Path) -> dict[str, Any]:
    """A comparison without what differs from day to day."""
    found: dict[str, Any] = json.loads(path.read_text())
    for row in found["rows"]:
        for each in (row, *row["attempts"]):
            each["seconds"] = each["tokens_per_second"] = None
    return (
        found | {"folder": "", "again": ""} | {"rows": json.loads(json.dumps(found["rows"]).replace("killed", "whole"))}
    )


def rows_of(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.is_file() else 0


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "nothing is trained yet": lambda out: (out / "plan.json").exists(),
    "the first run begins": lambda out: (out / "runs" / "bag-seed1").exists(),
    "in the middle of the second": lambda out: rows_of(out / "runs" / "gru-seed1" / "metrics.jsonl") >= 2,
    "the third has its recipe": lambda out: (out / "runs" / "bag-seed2" / "recipe.toml").exists(),
    "in the middle of the last": lambda out: rows_of(out / "runs" / "gru-seed2" / "metrics.jsonl") >= 5,
    "the baselines begin": lambda out: (out / "baselines").exists(),
}


@pytest.mark.parametrize(
    "moments",
    [
        pytest.param(["in the middle of the second"], id="once"),
        pytest.param(list(MOMENTS), id="six times", marks=pytest.mark.slow),
    ],
)
def test_a_comparison_killed_again_and_again_ends_as_if_it_had_not_been(home: Path, moments: list[str]) -> None:
    words = ("bag.toml", "gru.toml", "--seeds", 2)
    whole = run(home, *words, "--out", "whole")
    assert whole.returncode == 0, whole.stderr
    for moment in moments:
        kill_when(home, lambda: MOMENTS[moment](home / "killed"), *words, "--out", "killed")  # noqa: B023
    assert not (home / "killed" / "comparison.html").exists()
    done = run(home, *words, "--out", "killed")
    assert done.returncode == 0, done.stderr
    assert lasting(home / "killed" / "comparison.json") == lasting(home / "whole" / "comparison.json")
    weights = [
        [
            (home / name / "runs" / each / "best" / "model.safetensors").read_bytes()
            for each in ("gru-seed1", "gru-seed2")
        ]
        for name in ("whole", "killed")
    ]
    assert weights[0] == weights[1]


def test_what_is_printed_and_left(home: Path) -> None:
    words = ("bag.toml", "gru.toml", "--set", "training.epochs=2")
    done = run(home, *words)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for piece in ("Train", "Accuracy", "majority class", "Best on the validation part", "Wilson", "comparison.html"):
        assert piece in said
    out = home / "comparisons" / "bag-gru"
    assert "run 1 of 2: bag, seed 1" in done.stderr
    assert {path.name for path in out.iterdir()} == {
        "baselines", "comparison.html", "comparison.json", "comparison.md", "comparison.tex", "lock", "plan.json", "runs",
    }  # fmt: skip
    told = run(home, *words, "--json")
    assert json.loads(told.stdout) == json.loads((out / "comparison.json").read_text())
    assert "run 1 of 2" not in told.stderr, "nothing is left to train"
    bag = json.loads(told.stdout)["rows"][2]
    assert bag["title"] == "bag"
    assert bag["shuffled"]["value"] == bag["accuracy"]["value"], "a bag of words has no order to lose"
    assert bag["claimed"]["value"] >= bag["accuracy"]["value"]
    assert bag["epochs"]["value"] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Missing argument"),
        (("bag.toml",), "bag alone can't be compared"),
        (("bag.toml", "nonsense.toml"), "there is no recipe 'nonsense.toml'"),
        (("bag.toml", "gru.toml", "--seeds", "many"), "--seeds"),
        (("bag.toml", "gru.toml", "--set", "training.epochs"), "expected section.key=value"),
        (("bag.toml", "gru.toml", "--out", "texts.csv"), "texts.csv is a file"),
        (("bag.toml", "gru.toml", "--data", "nowhere"), "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    home: Path, words: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in home.iterdir())
    monkeypatch.chdir(home)
    monkeypatch.setattr(sys, "argv", ["elman", "compare", *words])
    with pytest.raises(SystemExit) as left:
        main()
    out, err = capsys.readouterr()
    assert left.value.code == 2
    assert out == ""
    assert err.startswith("elman: ")
    assert said in err
    assert len(err.splitlines()) == 1
    assert sorted(path.name for path in home.iterdir()) == before
