"""The verbs, used as a person would; each is called in this process."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_process import Said, tree, weights

import elman as package
from elman.cells import names

Elman = Callable[..., Said]


def test_recipes_to_a_recipe_of_one_s_own(elman: Elman, home: Path, tmp_path: Path) -> None:
    listing = elman("recipes")
    assert listing.code == 0
    for name in ("names-quick", "names", "shakespeare", "code"):
        assert name in listing.out
    printed = elman("recipes", "names-quick").out
    assert tomllib.loads(printed)["training"]["epochs"] > 1
    mine = tmp_path / "mine.toml"
    mine.write_text(printed, "utf-8")
    said = elman("train", mine, "--run", tmp_path / "run", "--epochs", 1, "--data", "languages", "--set", "hidden=8")
    assert said.code == 0, said.err


def test_train_with_every_option(elman: Elman, home: Path, tmp_path: Path) -> None:
    said = elman(
        "train", "names-quick", "--set", "model.dropout=0", "--set", "sample.prompt=A", "--set", "rate=0.01", "--data", "names.txt",
        "--set", "data.source=file", "--set", "data.categories=false", "--run", tmp_path / "run", "--epochs", 1, "--minutes", 5,
        "--seed", 9, "--size", "tiny", "--cell", "mgu",
    )  # fmt: skip
    assert said.code == 0, said.err
    recipe = tomllib.loads((tmp_path / "run" / "recipe.toml").read_text("utf-8"))
    assert recipe["model"]["cell"] == "mgu"
    assert recipe["model"]["hidden"] == 64
    assert recipe["model"]["dropout"] == 0
    assert recipe["training"]["seed"] == 9
    assert recipe["training"]["epochs"] == 1
    assert recipe["training"]["minutes"] == 5
    assert recipe["training"]["rate"] == 0.01
    assert recipe["sample"]["prompt"] == "A"
    assert recipe["data"]["path"].endswith("names.txt")
    for piece in ("top-k 1", "unrestricted", "nats per symbol", "report.html", "elman sample"):
        assert piece in said.out
    assert "in training set" in said.out or "new" in said.out


@pytest.mark.parametrize(
    ("setting", "section", "value"),
    [
        ("epochs=1", "training", 1),
        ("seed=3", "training", 3),
        ("minutes=5", "training", 5),
        ("cell=lstm", "model", "lstm"),
        ("hidden=9", "model", 9),
        ("units=bytes", "data", "bytes"),
        ("count=4", "sample", 4),
    ],
)
def test_set_takes_any_key_of_a_recipe(
    setting: str, section: str, value: object, elman: Elman, home: Path, tmp_path: Path
) -> None:
    """Also those that have an option of their own, and without their section."""
    for spelling in (setting, f"{section}.{setting}"):
        folder = tmp_path / spelling
        said = elman("train", "tiny.toml", "--run", folder, "--set", spelling)
        assert said.code == 0, said.err
        recipe = tomllib.loads((folder / "recipe.toml").read_text("utf-8"))
        assert recipe[section][setting.partition("=")[0]] == value


def test_what_is_said_in_detail_wins_over_the_dial(elman: Elman, home: Path, tmp_path: Path) -> None:
    for k, spelling in enumerate(("hidden=9", "model.hidden=9")):
        said = elman("train", "tiny.toml", "--run", tmp_path / str(k), "--size", "tiny", "--set", spelling)
        assert said.code == 0, said.err
        assert package.load(tmp_path / str(k)).network.settings.hidden == 9


def test_the_rate_is_found_and_nothing_is_left(elman: Elman, home: Path) -> None:
    """`home` itself checks that no file is new."""
    said = elman("train", "tiny.toml", "--find-rate")
    assert said.code == 0, said.err
    option = re.search(r"--set (training.rate=\S+)", said.out)
    assert option is not None
    again = elman("train", "tiny.toml", "--find-rate", "--set", option[1])  # the recipe's own rate plays no part
    assert again.out == said.out
    for words in (["--run", "new"], ["--resume"]):
        refused = elman("train", "tiny.toml", "--find-rate", *words)
        assert refused.code == 2
        assert "leaves no run folder" in refused.err


def test_seeds(elman: Elman, home: Path, tmp_path: Path) -> None:
    shas = []
    for k, seed in enumerate((1, 1, 2)):
        assert elman("train", "tiny.toml", "--run", tmp_path / str(k), "--seed", seed).code == 0
        shas.append(weights(tmp_path / str(k)))
    assert shas[0] == shas[1] != shas[2]
    assert shas[0] == weights(home / "run")


def test_the_folder_is_named_after_the_recipe(
    elman: Elman, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for expected in ("runs/tiny", "runs/tiny-2"):
        said = elman("train", home / "tiny.toml", "--data", home / "names.txt", "--epochs", 1)
        assert said.code == 0, said.err
        assert f"run folder {expected} " in said.out
    assert elman("train", home / "tiny.toml", "--resume").code == 0


def test_resuming_a_finished_run_and_going_further(elman: Elman, home: Path, tmp_path: Path) -> None:
    assert elman("train", "tiny.toml", "--run", tmp_path / "run", "--epochs", 1).code == 0
    assert elman("train", "tiny.toml", "--run", tmp_path / "run", "--resume").code == 0
    assert elman("train", "tiny.toml", "--run", tmp_path / "run", "--resume", "--epochs", 2).code == 0
    assert weights(tmp_path / "run") == weights(home / "run")


@pytest.mark.parametrize("cell", ["good.py:MyCell", "./good.py:MyCell", "good.py:mine"])
def test_a_cell_in_a_file_of_one_s_own(cell: str, elman: Elman, home: Path, tmp_path: Path) -> None:
    """Trained from its file, then used where the file is not."""
    said = elman("train", "tiny.toml", "--run", tmp_path / "run", "--cell", cell)
    assert said.code == 0, said.err
    assert not list(home.glob("__pycache__"))
    model = package.load(tmp_path / "run")
    assert model.network.recurrent.cell.title == "MyCell"
    assert "keep * s.h" in model.config["cell"]
    assert elman("sample", tmp_path / "run", "--count", 2, "--seed", 1).out.splitlines() == model.sample(
        seed=1, count=2
    )


def test_a_cell_of_one_s_own_is_explained(elman: Elman, home: Path) -> None:
    said = elman("explain", "good.py:MyCell", "--gradients")
    assert said.code == 0, said.err
    for piece in ("keep_t", "new_t", "h_t", "δ"):
        assert piece in said.out
    assert "keep_t" in elman("explain", home / "good.py:MyCell").out
    text = elman("explain", "good.py:MyCell", "--format", "cell").out
    assert text.startswith("cell MyCell\n")


@pytest.mark.parametrize("form", ["text", "latex", "mathml", "html", "cell"])
@pytest.mark.parametrize("cell", ["lstm", "gru-cho"])
def test_every_form_of_an_explanation(cell: str, form: str, elman: Elman, home: Path, tmp_path: Path) -> None:
    said = elman("explain", cell, "--gradients", "--format", form)
    assert said.code == 0, said.err
    file = tmp_path / "out"
    written = elman("explain", cell, "--gradients", "--format", form, "--out", file)
    assert written.code == 0
    assert written.out == ""
    assert file.read_text("utf-8") == said.out
    if form == "html":
        assert "<!doctype html>" in said.out.lower()
        assert not re.search(r"""(src|href)\s*=\s*["']?https?:""", said.out)
    biases = {"text": "b_", "latex": "b_", "mathml": "<mi>b</mi>", "html": "<mi>b</mi>"}
    if form in biases:
        assert elman("explain", cell, "--format", form, "--no-bias").out.count("b") < said.out.count("b")


@pytest.mark.parametrize("cell", names())
def test_every_cell_is_explained(cell: str, elman: Elman, home: Path) -> None:
    said = elman("explain", cell, "--gradients")
    assert said.code == 0, said.err
    assert "h_t" in said.out


def test_explain_without_a_cell_lists_them(elman: Elman, home: Path) -> None:
    said = elman("explain")
    assert said.code == 0
    for name in names():
        assert name in said.out


def test_worked(elman: Elman, home: Path, tmp_path: Path) -> None:
    listing = elman("worked").out
    exercises = re.findall(r"^(\S+) {2,}", listing, re.MULTILINE)
    assert "forward-by-hand" in exercises
    for exercise in exercises:
        said = elman("worked", exercise)
        assert said.code == 0, said.err
        assert said.out
    said = elman("worked", "forward-by-hand")
    for number in ("0.462117", "0.845066", "0.238635", "0.353520", "0.500000", "1.386294"):
        assert number in said.out
    assert "0.46212" in elman("worked", "forward-by-hand", "--digits", 5).out
    page = tmp_path / "page.html"
    assert elman("worked", "forward-by-hand", "--html", page).code == 0
    assert "0.462117" in page.read_text("utf-8")


def test_data(elman: Elman, home: Path) -> None:
    listing = elman("data")
    for source in ("names", "names-embedded", "shakespeare", "python"):
        assert source in listing.out
    said = elman("data", "names.txt")
    assert said.code == 0
    assert "lines: 60" in said.out
    assert elman("data", "languages").code == 0
    assert "60" in elman("data", "long.txt").out


def test_sample_prints_a_text_a_line(elman: Elman, home: Path) -> None:
    said = elman("sample", "run", "--seed", 1)
    assert said.code == 0
    assert len(said.out.splitlines()) == 10  # names: ten if not told
    assert elman("sample", "run", "--seed", 1).out == said.out
    assert elman("sample", "run/best", "--seed", 1).out == said.out
    for line in elman("sample", "run", "--prompt", "Al", "--count", 5).out.splitlines():
        assert line.startswith("Al")
    greedy = {elman("sample", "run", "--temperature", 0, "--count", 3).out for _ in range(2)}
    assert len(greedy) == 1
    assert len(set(greedy.pop().splitlines())) == 1
    assert elman("sample", "prose", "--length", 30, "--seed", 2).code == 0


def test_what_a_model_says_does_not_steer_the_terminal(
    elman: Elman, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's model may have the escape character among its symbols: a terminal must not obey it, a pipe gets it as it is."""
    data = tmp_path / "escape.txt"
    data.write_text("".join(f"\x1b[31m{chr(97 + k % 26)}{chr(97 + k // 26)}\n" for k in range(60)))
    said = elman("train", "tiny.toml", "--data", data, "--set", "kind=lines", "--run", tmp_path / "run")
    assert said.code == 0, said.err
    assert "\x1b" not in said.out + said.err
    for words in (["evaluate", tmp_path / "run"], ["data", data]):
        assert "\x1b" not in elman(*words).out
    sampling = ["sample", tmp_path / "run", "--count", 20, "--seed", 1, "--prompt", "\x1b[31m"]
    assert elman(*sampling).out == "".join(
        f"{text}\n" for text in json.loads(elman(*sampling, "--json").out)["samples"]
    )
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert "\x1b" not in elman(*sampling).out


def test_brackets_are_no_markup(elman: Elman, home: Path, tmp_path: Path) -> None:
    data = tmp_path / "brackets.txt"
    data.write_text("".join(f"[/b]{chr(97 + k % 26)}[red]{chr(97 + k // 26)}\n" for k in range(60)))
    said = elman(
        "train", "tiny.toml", "--data", data, "--set", "kind=lines", "--run", tmp_path / "run", "--set", "prompt=[/b]"
    )
    assert said.code == 0, said.err
    assert "[/b]" in said.out


def test_evaluate(elman: Elman, home: Path) -> None:
    for words in (
        "evaluate run",
        "evaluate run --part train",
        "evaluate run --data names.txt",
        "evaluate told --data languages",
    ):
        said = elman(*words.split())
        assert said.code == 0, said.err
        assert "nats per symbol" in said.out
        assert "perplexity" in said.out


def test_doctor(elman: Elman, home: Path) -> None:
    said = elman("doctor")
    assert said.code == 0, said.out
    for piece in ("torch", "agreement", "Python"):
        assert piece in said.out


def test_the_demo(elman: Elman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One epoch of it: no network, no data of one's own; it ends with samples, what to look at and what to try next."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ELMAN_DATA", raising=False)
    said = elman("demo", "--epochs", 1)
    assert said.code == 0, said.err
    assert {"top-k 1", "top-k 3", "top-k 5", "unrestricted"} <= set(re.findall(r"top-k \d|unrestricted", said.out))
    assert "report.html" in said.out
    assert Path("runs/names-quick/report.html").is_file()
    for line in re.findall(r"elman (sample .*|explain .*)", said.out):
        again = elman(*line.split())
        assert again.code == 0, again.err
        assert again.out
    assert {name.split("/")[0] for name in tree(tmp_path)} == {"runs"}
