"""What docs/tuning.md says is run: its commands, and every option it names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from pydantic import ValidationError

from elman.recipes.reading import parse_override, with_overrides
from elman.training import TrainingSettings

PAGE = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text("utf-8")
OPTIONS = re.findall(r"`((?:model|training|data)\.\w+=[^`]+)`", PAGE)
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]

#: What an option needs beside it, where it does not stand alone.
BESIDE = {
    "training.momentum": {"training.optimiser": "sgd"},
    "training.nesterov": {"training.optimiser": "sgd", "training.momentum": 0.9},
    "model.activation": {"model.hidden_layers": [64]},
}
SHAPES = (
    {"model.shape": "language-model"},
    {"model.shape": "classifier", "model.embedding": 8},
    {"model.shape": "average", "model.embedding": 8},
    {"model.shape": "bag-of-words"},
)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_one_of_the_recipe(option: str) -> None:
    """For one shape of model at least."""
    key, value = parse_override(option)
    refused = []
    for shape in SHAPES:
        try:
            recipe = with_overrides({}, {**shape, **BESIDE.get(key, {}), key: value}, where="docs/tuning.md")
        except (ValueError, ValidationError) as error:
            refused.append(str(error))
            continue
        section, name = key.split(".")
        assert getattr(getattr(recipe, section), name) == value
        return
    pytest.fail("; ".join(refused))


def test_the_course_s_list_is_complete() -> None:
    """Every knob of the course has an option here, and every number of the section [training] that shapes learning is told."""
    keys = {option.split("=")[0] for option in OPTIONS}
    course = {
        "rate", "optimiser", "momentum", "nesterov", "weight_decay", "l1", "clip_norm", "clip_value", "epochs", "patience", "schedule",
        "warmup", "minutes", "steps", "balance_classes",
    }  # fmt: skip
    assert {f"training.{name}" for name in course} <= keys
    assert course <= set(TrainingSettings.model_fields)
    model = {
        "init", "init_scale", "forget_bias", "normalise", "dropout", "input_dropout", "word_dropout", "recurrent_dropout", "hidden",
        "layers", "embedding", "cell", "activation", "pooling",
    }  # fmt: skip
    assert {f"model.{name}" for name in model} <= keys
    for optimiser in ("sgd", "rmsprop", "adagrad", "adam", "adamw"):
        assert f"training.optimiser={optimiser}" in OPTIONS
    assert "model.cell=elman-softsign" in OPTIONS


def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """In their order, with less training."""
    from elman.cli.main import main

    monkeypatch.chdir(tmp_path)
    assert len(COMMANDS) >= 4
    for line in COMMANDS:
        words = shlex.split(line)
        if words[1] == "train":
            words += ["--epochs", "1", "--set", "training.batch_size=512"]
        monkeypatch.setattr("sys.argv", words)
        with pytest.raises(SystemExit) as stopped:
            main()
        assert not stopped.value.code, line
        out = capsys.readouterr().out
        if "--find-rate" in line:
            assert "--set training.rate=" in out
        elif words[1] == "coach":
            assert out.strip()


def test_symptoms_that_are_told_are_those_there_are() -> None:
    """The sentence about the coach names as many symptoms as it has."""
    from elman.coaching.advice import SYMPTOMS

    sentence = re.search(r"the one option to change: (.*?)\. It also", PAGE.replace("\n", " "))
    assert sentence is not None
    told = (
        sentence[1]
        .replace("a rate too high or too low", "high, low")
        .replace("an exploding or vanishing gradient", "a, b")
    )
    assert len(told.split(",")) == len(SYMPTOMS)
