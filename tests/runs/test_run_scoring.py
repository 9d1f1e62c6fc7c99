"""`load(...).score` and the evaluation of runs and files: sums that add up, checked symbol by symbol."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny_run
from hypothesis import given
from hypothesis import strategies as st
from tiny_run import KINDS, check_sentence, log_probabilities, parts_of

from elman.data import Vocabulary
from elman.errors import DataError, ElmanError, FolderError, InputError
from elman.runs import Model
from elman.runs.evaluation import evaluate_file, evaluate_part

Get = Callable[[str], Any]


def by_hand(model: Model, text: str, category: str | None = None) -> tuple[float, int]:
    """Minus the sum of ln p over the symbols of a line and its end, or of a text after its first."""
    told = None if category is None else model.categories.index(category)
    tokens = model.vocabulary.encode(text)
    if model.vocabulary.has_boundary:
        inputs, targets = [Vocabulary.BOUNDARY, *tokens], [*tokens, Vocabulary.BOUNDARY]
    else:
        inputs, targets = tokens[:-1], tokens[1:]
    logp = log_probabilities(model, inputs, told)
    return -sum(float(logp[t, k]) for t, k in enumerate(targets)), len(targets)


def beginning(text: str, length: int) -> str:
    """Whole words only: part of one may be a word that the model does not know."""
    return text[: text.rfind(" ", 0, length)] if text else ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_is_the_sum_over_its_symbols(kind: str, trained: Get) -> None:
    done = trained(kind)
    part = parts_of(done.recipe).test
    category = "Greek" if done.model.categories else None
    for text in (*part.lines[:5], beginning(part.text, 300), beginning(part.text, 20)):
        if text:
            nats, count = by_hand(done.model, text, category)
            score = done.model.score(text, category=category)
            assert score.count == count
            assert score.nats == pytest.approx(nats, rel=1e-5)


def test_lines_add_up(trained: Get) -> None:
    done = trained("lines")
    lines = parts_of(done.recipe).test.lines
    alone = [done.model.score(line) for line in lines]
    together = done.model.score("\n".join(lines))
    assert together.count == sum(s.count for s in alone) == sum(len(line) + 1 for line in lines)
    assert together.nats == pytest.approx(sum(s.nats for s in alone), rel=1e-6)
    for spelling in ("\n".join(reversed(lines)), "\r\n".join(lines) + "\r\n", "\n\n" + "\n\n".join(lines) + "\n"):
        again = done.model.score(spelling)
        assert again.count == together.count
        assert again.nats == pytest.approx(together.nats, rel=1e-6)


@pytest.mark.parametrize("kind", ["text", "text words"])
def test_a_text_adds_up_over_its_beginning(kind: str, trained: Get) -> None:
    """Longer than a batch of the scorer: what is predicted first does not depend on what comes behind."""
    done = trained(kind)
    text = beginning(parts_of(done.recipe).train.text, 2000)
    nats, count = by_hand(done.model, text)
    score = done.model.score(text)
    assert score.count == count
    assert score.nats == pytest.approx(nats, rel=1e-5)


def test_the_figures_are_one_figure(trained: Get) -> None:
    score = trained("lines").model.score("Amato")
    assert score.per_symbol == score.nats / score.count
    assert score.bits == pytest.approx(score.per_symbol / math.log(2))
    assert score.perplexity == pytest.approx(math.exp(score.per_symbol))
    told = score.to_json()
    assert (told["nats"], told["count"]) == (score.nats, score.count)
    assert told["nats_per_symbol"] == score.per_symbol


def test_a_trained_model_prefers_its_language_to_noise(trained: Get) -> None:
    done = trained("lines")
    line = parts_of(done.recipe).train.lines[0]
    symbols = sorted(done.model.vocabulary.symbols)[1:]
    noise = "".join(symbols[(7 * k) % len(symbols)] for k in range(len(line)))
    assert done.model.score(line).per_symbol < done.model.score(noise).per_symbol


def test_categories_have_to_be_told(trained: Get) -> None:
    model = trained("categories").model
    assert model.score("Amato", category="Greek").nats != model.score("Amato", category="Italian").nats
    with pytest.raises(InputError, match="Greek, Italian, Russian"):
        model.score("Amato")
    with pytest.raises(InputError, match="Klingon"):
        model.score("Amato", category="Klingon")


@pytest.mark.parametrize("kind", ["lines", "text"])
def test_a_model_without_categories_refuses_one(kind: str, trained: Get) -> None:
    with pytest.raises(InputError, match="categor"):
        trained(kind).model.score("Amato", category="Greek")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["", "\n", "\n\n\n"])
def test_nothing_to_score(kind: str, text: str, trained: Get) -> None:
    model = trained(kind).model
    if not model.vocabulary.has_boundary and len(model.vocabulary.encode(text)) > 1:
        assert model.score(text).count == len(model.vocabulary.encode(text)) - 1
        return
    with pytest.raises(ElmanError) as caught:
        model.score(text, category="Greek" if model.categories else None)
    assert "\n" not in str(caught.value)


def test_unknown_symbols_are_named(trained: Get) -> None:
    for kind in ("lines", "text"):
        with pytest.raises(InputError, match="漢"):
            trained(kind).model.score("A漢")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_text_has_a_score_or_a_sentence(trained: Get, text: str) -> None:
    for kind in ("line bytes", "text bytes", "text words unknown"):
        try:
            score = trained(kind).model.score(text)
            assert math.isfinite(score.nats)
            assert score.nats > 0
        except ElmanError as error:
            check_sentence(error)


@pytest.mark.parametrize("separator", ["\u2028", "\x0c"])
def test_a_line_ends_where_the_data_says(separator: str, tmp_path: Path) -> None:
    """What training reads as one line is one line to `score` and `evaluate` too."""
    lines = [
        f"{a}{separator}{b}" for a, b in zip(tiny_run.names_of("Italian"), tiny_run.names_of("Czech"), strict=True)
    ]
    made = tiny_run.recipe(tmp_path / "data")
    file = tmp_path / "data" / "odd.txt"
    file.write_text("\n".join(lines) + "\n", "utf-8", newline="\n")
    made = made.model_copy(update={"data": made.data.model_copy(update={"path": str(file)})})
    run = tiny_run.train(made, run=tmp_path / "run")
    line = parts_of(made).test.lines[0]
    assert separator in line
    assert run.model().score(line).nats == pytest.approx(by_hand(run.model(), line)[0], rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_evaluating_a_part_gives_what_the_training_measured(kind: str, trained: Get) -> None:
    done = trained(kind)
    test = evaluate_part(done.path, "test")
    assert test["count"] == done.run.results["test"]["count"]
    assert test["nats"] == pytest.approx(done.run.results["test"]["nats"], rel=1e-6)
    validation = evaluate_part(done.path, "validation")
    best = next(row for row in reversed(done.run.metrics) if row["best"])
    assert validation["count"] == best["validation_count"]
    assert validation["nats"] == pytest.approx(best["validation_nats"], rel=0.05 if "text" in kind else 1e-5)
    assert evaluate_part(done.path, "train")["count"] == best["train_count"]


@pytest.mark.parametrize("kind", ["lines", "line bytes", "line words"])
def test_evaluating_a_file_of_lines(kind: str, trained: Get, tmp_path: Path) -> None:
    done = trained(kind)
    lines = parts_of(done.recipe).test.lines
    file = tmp_path / "some.txt"
    file.write_text("\n".join(lines) + "\n", "utf-8")
    result = evaluate_file(done.path, file, None)
    alone = [by_hand(done.model, line) for line in lines]
    assert result["count"] == sum(count for _, count in alone)
    assert result["nats"] == pytest.approx(sum(nats for nats, _ in alone), rel=1e-5)


def test_lines_with_unknown_symbols_are_left_out_and_reported(trained: Get, tmp_path: Path) -> None:
    done = trained("lines")
    lines = parts_of(done.recipe).test.lines
    file = tmp_path / "some.txt"
    file.write_text("\n".join([*lines, "漢字", "Žižek"]) + "\n", "utf-8")
    result = evaluate_file(done.path, file, None)
    assert result["count"] == sum(len(line) + 1 for line in lines)
    assert any("2 of" in note for note in result["notes"])
    file.write_text("漢字\n", "utf-8")
    with pytest.raises(DataError, match="every line"):
        evaluate_file(done.path, file, None)


def test_evaluating_a_file_of_text(trained: Get, tmp_path: Path) -> None:
    done = trained("text")
    file = tmp_path / "some.txt"
    text = parts_of(done.recipe).test.text
    file.write_text(text, "utf-8")
    assert evaluate_file(done.path, file, None)["nats"] == pytest.approx(done.run.results["test"]["nats"], rel=1e-6)
    file.write_text(text + "漢", "utf-8")
    with pytest.raises(DataError, match="漢"):
        evaluate_file(done.path, file, None)


def test_evaluating_categories(trained: Get, tmp_path: Path) -> None:
    """A folder with a file for each, or a file and the category that is told."""
    done = trained("categories")
    model = done.model
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "Greek.txt").write_text("Amato\n")
    (folder / "Italian.txt").write_text("Amato\nAmaro\n")
    expected = [by_hand(model, *pair) for pair in (("Amato", "Greek"), ("Amato", "Italian"), ("Amaro", "Italian"))]
    result = evaluate_file(done.path, folder, None)
    assert result["count"] == 18
    assert result["nats"] == pytest.approx(sum(nats for nats, _ in expected), rel=1e-5)
    result = evaluate_file(done.path, folder / "Italian.txt", "Greek")
    assert result["nats"] == pytest.approx(sum(by_hand(model, n, "Greek")[0] for n in ("Amato", "Amaro")), rel=1e-5)
    with pytest.raises(InputError, match="Greek"):
        evaluate_file(done.path, folder / "Italian.txt", None)
    with pytest.raises(InputError, match="Klingon"):
        evaluate_file(done.path, folder / "Italian.txt", "Klingon")
    (folder / "Klingon.txt").write_text("Amato\n")
    with pytest.raises(InputError, match="Klingon"):
        evaluate_file(done.path, folder, None)


def test_a_category_that_is_not_used_is_refused(trained: Get, tmp_path: Path) -> None:
    """Nothing that is asked for is dropped in silence."""
    file = tmp_path / "some.txt"
    file.write_text("Amato\n")
    with pytest.raises(InputError, match="categor"):
        evaluate_file(trained("lines").path, file, "Greek")


def test_data_that_has_changed_is_noticed(tmp_path: Path) -> None:
    made = tiny_run.recipe(tmp_path / "data")
    run = tiny_run.train(made, run=tmp_path / "run")
    file = tmp_path / "data" / "data.txt"
    file.write_text(file.read_text("utf-8").replace("A", "Á"), "utf-8")
    with pytest.raises(FolderError, match="other data"):
        evaluate_part(run.path, "test")
    file.unlink()
    with pytest.raises(DataError, match=r"data\.txt"):
        evaluate_part(run.path, "test")


def test_unknown_parts_and_folders_that_are_no_runs(trained: Get, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="train, validation and test"):
        evaluate_part(trained("lines").path, "tests")
    with pytest.raises(FolderError, match=r"recipe\.toml"):
        evaluate_part(tmp_path, "test")
    with pytest.raises(FolderError):
        evaluate_part(tmp_path / "nowhere", "test")
