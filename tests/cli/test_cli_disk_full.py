"""No space left on the device, for a real process: no file may grow beyond a limit. One sentence, and what was there still works."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import Said, run, tree

Elman = Callable[..., Said]


def limit(size: int) -> Callable[[], None]:
    """Files of at most so many bytes; Python ignores the signal that comes with it, so that writing fails."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("size", [1000, 16_000])
def test_a_checkpoint_that_does_not_fit(size: int, elman: Elman, home: Path, tmp_path: Path) -> None:
    """1,000 bytes: not even the recipe may have room. 16,000: the weights have, the state of the optimiser has not."""
    folder = tmp_path / "run"
    assert elman("train", "tiny.toml", "--run", folder, "--epochs", 1).code == 0
    before = tree(folder)
    sample = elman("sample", folder, "--seed", 1).out
    said = run("train", "tiny.toml", "--run", folder, "--resume", "--epochs", 2, cwd=home, preexec=limit(size))
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.splitlines()[-1].startswith("elman: can't write ")
    assert said.err.count("elman: ") == 1
    after = tree(folder)
    assert {name: sha for name, sha in after.items() if name.startswith("last")} == {
        name: sha for name, sha in before.items() if name.startswith("last")
    }
    assert not [name for name in after if name.endswith((".new", ".old"))]
    assert elman("sample", folder, "--seed", 1).code == 0
    assert sample
    assert elman("train", "tiny.toml", "--run", folder, "--resume", "--epochs", 2).code == 0
    for name in ("best/model.safetensors", "last/model.safetensors", "metrics.jsonl"):
        assert tree(folder)[name] == tree(home / "run")[name]


def test_a_new_run_without_room(elman: Elman, home: Path, tmp_path: Path) -> None:
    said = run("train", "tiny.toml", "--run", tmp_path / "run", cwd=home, preexec=limit(16_000))
    assert said.code == 2
    assert said.out == ""
    assert said.err.splitlines()[-1].startswith("elman: can't write ")
    assert "Traceback" not in said.err
    assert (
        elman(
            "train",
            "tiny.toml",
            "--run",
            tmp_path / "run",
            *(["--resume"] if (tmp_path / "run" / "recipe.toml").exists() else []),
        ).code
        == 0
    )


def test_a_report_that_does_not_fit(elman: Elman, home: Path, tmp_path: Path) -> None:
    """Weights and results are there; only the page is missing, and going on makes it."""
    folder = tmp_path / "run"
    said = run("train", "tiny.toml", "--run", folder, cwd=home, preexec=limit(200_000))
    assert said.code == 2
    assert "report.html" in said.err.splitlines()[-1]
    assert not (folder / "report.html").exists()
    assert tree(folder)["best/model.safetensors"] == tree(home / "run")["best/model.safetensors"]
    assert elman("train", "tiny.toml", "--run", folder, "--resume").code == 0
    assert (folder / "report.html").is_file()
