"""The parts imdb_practical and padding, on tiny reviews and shapes; and the arithmetic of what they print."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from bench.__main__ import main
from bench.imdb_torch import SMALL_SHAPES, ScriptTraining, Texts
from bench.options import Options
from bench_reviews import write_reviews

from bench import imdb_practical, imdb_trainings, padding, recipe_steps, text_turns


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    torch.set_flush_denormal(False)


@pytest.fixture
def reviews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_reviews(tmp_path)
    monkeypatch.setenv("ELMAN_DATA", str(tmp_path))


def run(tmp_path: Path, *arguments: str) -> dict[str, Any]:
    kept = tmp_path / "bench.json"
    assert main(["--small", "--rounds", "2", "--threads", "1", "--json", str(kept), *arguments]) == 0
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def test_an_epoch_is_timed_on_some_batches(reviews: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(tmp_path, "--only", "imdb_practical")["results"]["imdb_practical"]
    assert [row["recipe"] for row in rows] == ["imdb-rnn", "imdb-bilstm"]
    for row in rows:
        assert list(row["sides"]) == ["elman", "usual", "right"]
        assert row["sides"]["elman"]["ratio"] == 1
        for side in row["sides"].values():
            assert len(side["rounds"]) == 2
            assert side["tokens_per_second"] * side["seconds"] == pytest.approx(row["tokens"])
    assert "seconds an epoch" in capsys.readouterr().out


def test_our_recipes_compute_what_the_right_form_computes(reviews: None) -> None:
    for recipe, shape in SMALL_SHAPES.items():
        ours = recipe_steps.RecipeSteps(recipe, recipe_steps.REHEARSAL)
        before = {name: weight.clone() for name, weight in ours.parts.model.state_dict().items()}
        texts = Texts(ours.parts.train)
        right, usual = (ScriptTraining(texts, ours.parts.model.symbols, shape, form) for form in ("right", "usual"))
        assert imdb_practical.apart(ours, right) < imdb_practical.TOLERANCE
        assert imdb_practical.apart(ours, usual) > 0.01
        assert all(torch.equal(weight, before[name]) for name, weight in ours.parts.model.state_dict().items())


def test_other_numbers_fail_the_run(reviews: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imdb_practical, "apart", lambda ours, theirs: 0.5)
    assert main(["--small", "--rounds", "1", "--threads", "1", "--only", "imdb_practical"]) == 1


def test_whole_trainings(reviews: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(tmp_path, "--only", "imdb_practical", "--epochs", "2", "--seeds", "2")
    rows = found["results"]["imdb_practical"]
    assert [(row["recipe"], row["seed"], row["side"]) for row in rows] == [
        (recipe, seed, side) for recipe in SMALL_SHAPES for seed in (1, 2) for side in ("elman", "usual", "right")
    ]
    for row in rows:
        assert len(row["accuracy"]) == len(row["seconds"]) == 2
        assert all(
            0 <= 20 * share <= 20 and 20 * share == pytest.approx(round(20 * share)) for share in row["accuracy"]
        )
        assert min(row["seconds"]) > 0
    assert [note.partition(" ")[0] for note in found["notes"]] == list(SMALL_SHAPES)
    assert "2 seeds" in found["notes"][0]
    assert "imdb-bilstm, right, seed 2: test accuracy" in capsys.readouterr().out


def test_denormal_numbers_are_taken_for_0_where_that_is_asked(tmp_path: Path) -> None:
    small = torch.tensor([1e-20])
    for options in ([], ["--flush-denormals"]):
        assert run(tmp_path, *options, "--only", "streaming")["flush_denormals"] is bool(options)
        assert bool((small * small).view(torch.int32)) is not bool(options)  # the bits of 1e-40


def test_without_reviews_it_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imdb_practical, "local_files", lambda source: ())
    options = Options(threads=1, small=True)
    assert imdb_practical.run(options) == []
    assert "Left out: imdb_practical" in options.notes[0]


def test_mixed_lengths_beside_equal_ones(tmp_path: Path) -> None:
    rows = run(tmp_path, "--only", "padding")["results"]["padding"]
    assert [row["cell"] for row in rows] == ["GRU", "LSTM, both directions"]
    for row in rows:
        mixed, equal = (row["tokens_per_second"][name] for name in ("mixed", "equal"))
        assert len(mixed) == len(equal) == 2
        assert row["ratio"] == pytest.approx(sum(m / e for m, e in zip(mixed, equal, strict=True)) / 2)
        assert 0 <= row["padding"] < 1


def test_texts_have_the_lengths_asked_for_and_common_words(tmp_path: Path) -> None:
    lengths = torch.tensor([3, 1, 2000])
    header, *lines = padding._texts(tmp_path / "texts.csv", lengths).read_text().splitlines()
    texts, labels = zip(*(line.split(",") for line in lines), strict=True)
    assert header == "text,label"
    assert [len(text.split()) for text in texts] == lengths.tolist()
    assert labels == ("0", "1", "0")
    words = [int(word.removeprefix("w")) for word in texts[2].split()]
    assert 1 <= min(words) <= max(words) <= padding.WORDS
    assert sum(word < padding.WORDS**0.5 for word in words) == pytest.approx(1000, abs=100)  # Zipf's law


class Lengths:
    """A side with batches of one text each, of these lengths. It keeps what it is trained on."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths
        self.generator = torch.Generator().manual_seed(1)
        self.seen: list[list[list[int]]] = []

    def draw(self) -> list[list[int]]:
        return [[k] for k in torch.randperm(len(self.lengths), generator=self.generator).tolist()]

    def tokens_in(self, plan: list[list[int]]) -> int:
        return sum(self.lengths[k] for key in plan for k in key)

    def train(self, plan: list[list[int]]) -> None:
        time.sleep(0.001 * self.tokens_in(plan))
        self.seen.append(plan)


def test_a_few_batches_stand_for_short_and_long_ones() -> None:
    side = Lengths([n**2 for n in range(100)])
    assert text_turns.spread(side, 10) == [[n] for n in range(5, 100, 10)]
    assert len(text_turns.spread(side, 1000)) == 100


def test_turns_are_told_in_seconds_a_token_and_have_batches_of_their_own() -> None:
    slow, quick = Lengths([20] * 50), Lengths([10] * 50)
    found = text_turns.turns({"slow": (slow, 2), "quick": (quick, 1)}, 3, "turns")
    assert [len(side.seen) for side in (slow, quick)] == [4, 4]  # the first is not counted
    assert {len(plan) for plan in slow.seen} == {2}
    assert len({str(plan) for plan in slow.seen}) == 4
    for times in found.values():
        assert len(times) == 3
        assert all(0.001 <= t < 0.01 for t in times)


def rows_of(**last: list[float]) -> list[dict[str, Any]]:
    return [
        {"recipe": "imdb-rnn", "side": side, "seed": seed, "accuracy": [0.5, share], "seconds": [1.0, 1.0]}
        for side, shares in last.items()
        for seed, share in enumerate(shares, start=1)
    ]


def test_the_verdict_is_the_mean_over_seeds_with_its_error() -> None:
    rows = rows_of(elman=[0.84, 0.86, 0.88], right=[0.85, 0.85, 0.85], usual=[0.5, 0.51, 0.52])
    said = imdb_trainings._verdict("imdb-rnn", rows)
    assert "elman 0.860, torch packed 0.850 (ours +0.010; standard error 0.012, 3 seeds)" in said
    assert "gives 0.510 and costs 0.340" in said
    assert "one seed" in imdb_trainings._verdict("imdb-rnn", rows_of(elman=[0.8], right=[0.8], usual=[0.5]))


def test_nonsense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--epochs", "--seeds"):
        with pytest.raises(SystemExit, match="2"):
            main([option, "0"])
        assert option in capsys.readouterr().err
