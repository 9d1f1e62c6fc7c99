"""Clock, ratios and counts of operations: what the figures of the bench rest on."""

from __future__ import annotations

import time

import pytest
from bench.workloads import WORKLOADS, Workload

from bench import peak, timing
from elman.engines.fused import instruction_sets


def test_sides_take_turns() -> None:
    turns: list[str] = []
    found = timing.alternate({name: lambda name=name: turns.append(name) for name in "abc"}, rounds=4, burst=0)
    assert turns[-9:] == list("abc" * 3)
    assert {name: len(times) for name, times in found.items()} == dict.fromkeys("abc", 4)


def test_time_is_of_one_call_and_quick_ones_are_repeated() -> None:
    calls = 0

    def action() -> None:
        nonlocal calls
        calls += 1
        time.sleep(0.001)

    (times,) = timing.alternate({"one": action}, rounds=3, burst=0.02).values()
    assert calls > 3 * 5
    assert all(0.001 <= t < 0.02 for t in times)


def test_the_ratio_is_the_median_over_rounds() -> None:
    found = timing.figures([2.0, 20.0, 6.0], [1.0, 10.0, 2.0])
    assert (found["ratio"], found["ratio_of_medians"], found["seconds"]) == (2.0, 3.0, 6.0)


def test_operations_of_a_layer_counted_by_hand() -> None:
    assert Workload(2, 3, 5, 7).operations("LSTM", training=False) == 2 * (2 * 3) * (4 * 7) * (5 + 7)
    # Back: the weights' gradients (5 + 7) and the old state's (7). Nobody wants the input's.
    assert Workload(2, 3, 5, 7).operations("LSTM", training=True) == 2 * (2 * 3) * (4 * 7) * (5 + 7 + 5 + 7 + 7)


def test_operations_of_two_layers_in_both_directions() -> None:
    w = Workload(2, 3, 5, 7, layers=2, bidirectional=True)
    assert w.operations("GRU", training=False) == 2 * 2 * (2 * 3) * (3 * 7) * ((5 + 7) + (14 + 7))


def test_ragged_lengths_have_the_announced_mean_and_the_padding_is_not_counted() -> None:
    ragged = WORKLOADS["ragged"]
    many = ragged._replace(batch=20000).lengths().double()
    assert many.mean().item() == pytest.approx(176, abs=4)
    assert many.max().item() <= ragged.steps
    whole = ragged._replace(ragged=False)
    share = ragged.lengths().sum().item() / (ragged.batch * ragged.steps)
    assert ragged.operations("GRU", training=True) == pytest.approx(whole.operations("GRU", training=True) * share)


@pytest.mark.skipif(not instruction_sets(), reason="the kernels were not built here")
def test_the_peak_is_a_number_of_operations_that_a_processor_can_do() -> None:
    assert 0.5 < peak.peak(1, 0.01) < 5000
    assert peak.peak(1, 0.01, bf16=True) >= 0
    assert "GF/s" in peak.sentence(peak.peaks(1))


@pytest.mark.skipif(not instruction_sets(), reason="the kernels were not built here")
@pytest.mark.parametrize(("threads", "seconds"), [(0, 0.01), (1, -1.0), (1, float("nan")), (1, 1e9)])
def test_the_kernels_refuse_a_peak_that_makes_no_sense(threads: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="0 to 60 seconds"):
        peak.peak(threads, seconds)


def test_without_kernels_there_is_no_peak_and_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peak, "instruction_sets", lambda: ())
    assert "No kernels" in peak.sentence(peak.peaks(1))
