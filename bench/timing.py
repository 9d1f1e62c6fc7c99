"""Time by turns: in every round each side gets a burst, so that a neighbour who takes a core slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

SLICE, SLICES = 0.002, 50  # seconds between two looks at whether the process rests, and how many at most


def seconds(action: Callable[[], Any], times: int) -> float:
    """Of one call, in the mean of `times`."""
    began = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - began) / times


def rest() -> None:
    """Wait for the thread pools of this process, which keep spinning after a call (ONNX Runtime's 25 ms): the next side shall not pay."""
    for _ in range(SLICES):
        before = time.process_time()
        time.sleep(SLICE)
        if time.process_time() - before < SLICE / 4:
            return


def alternate(actions: Mapping[str, Callable[[], Any]], rounds: int, burst: float) -> dict[str, list[float]]:
    """Seconds of a call, by name and round. A side that is quick is repeated for about `burst` seconds."""
    times = {}
    for name, action in actions.items():
        once = seconds(action, 1)
        if once < burst:  # warm by now
            once = min(seconds(action, 1) for _ in range(3))
        times[name] = max(1, min(500, int(burst / once)))
    found: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            rest()
            if times[name] > 1:
                action()  # everything went to sleep
            found[name].append(seconds(action, times[name]))
    return found


def ratio(theirs: list[float], ours: list[float]) -> float:
    """How many times as long theirs takes: the median over rounds, each of which compares neighbours in time."""
    return statistics.median(t / o for t, o in zip(theirs, ours, strict=True))


def figures(theirs: list[float], ours: list[float]) -> dict[str, Any]:
    """For the JSON file: medians, both kinds of ratio, and every round."""
    middle = statistics.median(theirs)
    return {
        "seconds": middle,
        "ratio": ratio(theirs, ours),
        "ratio_of_medians": middle / statistics.median(ours),
        "rounds": theirs,
    }
