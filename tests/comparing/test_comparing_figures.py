"""From the answers of the runs to the rows: worked out here again from the run folders alone."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest
from made_up_classifiers import Bench, every


def results(bench: Bench, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bench.folder / "out" / "runs" / name / "results.json").read_text())
    return found


def test_means_and_sums_are_those_of_the_run_folders(bench: Bench) -> None:
    found = bench.compare(seeds=3)
    row = next(row for row in found.rows if row.title == "gru")
    runs = [results(bench, f"gru-seed{seed}") for seed in (1, 2, 3)]
    accuracies = [run["test"]["correct"] / run["test"]["count"] for run in runs]
    assert row.accuracy.value == pytest.approx(statistics.mean(accuracies))
    assert row.accuracy.how == "student"
    reach = 4.302653 * statistics.stdev(accuracies) / 3**0.5
    assert row.accuracy.low == pytest.approx(max(row.accuracy.value - reach, 0), abs=1e-5)
    lost = [(run["test"]["correct"] - run["shuffled"]["correct"]) / run["test"]["count"] for run in runs]
    assert row.lost is not None
    assert row.lost.value == pytest.approx(statistics.mean(lost))
    assert row.test_loss.value == pytest.approx(0.5)
    assert row.seconds.value == 2.0
    assert row.epochs is not None
    assert row.epochs.value == 4
    assert [attempt.best_epoch for attempt in row.attempts] == [2, 2, 2]
    assert row.parameters == 1234


def test_one_seed_has_an_interval_over_texts(bench: Bench) -> None:
    row = bench.compare().rows[2]
    assert (row.accuracy.how, row.accuracy.of) == ("wilson", row.attempts[0].test.count)
    assert row.test_loss.low is None


def test_the_claim_is_the_highest_that_the_test_part_ever_had(bench: Bench) -> None:
    row = bench.compare().rows[2]
    lines = (bench.folder / "out" / "runs" / "gru-seed1" / "metrics.jsonl").read_text().splitlines()
    watched = [json.loads(line)["test_correct"] / json.loads(line)["test_count"] for line in lines]
    assert row.claimed is not None
    assert row.claimed.value == pytest.approx(max(watched))
    assert row.claimed.value > row.accuracy.value


def test_the_best_row_is_chosen_on_the_validation_part_not_on_the_test_part(bench: Bench) -> None:
    bench.compare()
    for name, right in (("gru", 1), ("bag", 12)):
        path = bench.folder / "out" / "runs" / f"{name}-seed1" / "results.json"
        values = json.loads(path.read_text())
        path.write_text(json.dumps(values | {"validation": values["validation"] | {"correct": right}}))
    found = bench.compare()
    assert found.winner.title == "bag"
    assert found.winner.accuracy.value < found.rows[2].accuracy.value, "the GRU answers the test part better"
    assert found.tests[0].first == "bag"


def test_the_confusion_is_that_of_all_attempts_together(bench: Bench) -> None:
    found = bench.compare(seeds=2)
    assert found.winner.title == "gru"
    total = [[0, 0], [0, 0]]
    for seed in (1, 2):
        for i, row in enumerate(results(bench, f"gru-seed{seed}")["confusion"]):
            for k, count in enumerate(row):
                total[i][k] += count
    assert [list(row) for row in found.confusion] == total


def test_mistakes_are_the_surest_and_each_text_stands_once(bench: Bench) -> None:
    found = bench.compare(seeds=3)
    places = [mistake.place for mistake in found.mistakes]
    assert 0 < len(places) <= 10
    assert len(set(places)) == len(places)
    order = [(-mistake.wrong, -mistake.probability) for mistake in found.mistakes]
    assert order == sorted(order)


def test_the_paired_test_is_of_the_answers_in_the_folders(bench: Bench) -> None:
    found = bench.compare()
    answers = {
        name: json.loads((bench.folder / "out" / "runs" / f"{name}-seed1" / "predictions.json").read_text())
        for name in ("gru", "bag")
    }
    labels = answers["gru"]["labels"]
    right = {name: [a == b for a, b in zip(a["predicted"], labels, strict=True)] for name, a in answers.items()}
    only = [
        sum(one and not other for one, other in zip(right[a], right[b], strict=True))
        for a, b in (("gru", "bag"), ("bag", "gru"))
    ]
    test = found.tests[0]
    assert [test.first, test.second] == ["gru", "bag"]
    assert [test.only_first, test.only_second] == only
    assert found.tests[1].second == "logistic regression (scikit-learn)"


def test_the_value_as_json_is_the_file(bench: Bench, tmp_path: Path) -> None:
    found = bench.compare(seeds=2)
    told = json.loads((bench.folder / "out" / "comparison.json").read_text(), parse_constant=pytest.fail)
    assert told == json.loads(json.dumps(found.to_json()))
    assert told["rows"][2]["accuracy"]["how"] == "student"
    assert told["folder"] == str(bench.folder / "out")


def test_a_loss_that_is_not_finite_is_null(bench: Bench) -> None:
    bench.compare()
    path = bench.folder / "out" / "runs" / "gru-seed1" / "results.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"train": values["train"] | {"nats": float("nan")}}))
    found = bench.compare()
    told = json.loads((bench.folder / "out" / "comparison.json").read_text(), parse_constant=pytest.fail)
    assert told["rows"][2]["train_loss"]["value"] is None
    assert "–" in (bench.folder / "out" / "comparison.md").read_text()
    assert found.rows[2].accuracy.value > 0.5


def test_the_command_that_makes_it_again(bench: Bench) -> None:
    found = bench.compare(
        [bench.gru, bench.bag], seeds=2, settings={"training.rate": 0.5, "model.dropout": 0.0}, out="my out"
    )
    assert found.again == (
        f"elman compare {bench.gru} {bench.bag} --seeds 2 --out 'my out' --set training.rate=0.5 --set model.dropout=0.0"
    )


def test_equal_rows_are_told_to_be_equal(bench: Bench) -> None:
    bench.trainer.answers = {"gru": every(5), "bag": every(5)}
    found = bench.compare()
    assert (found.tests[0].only_first, found.tests[0].only_second, found.tests[0].p) == (0, 0, 1.0)
