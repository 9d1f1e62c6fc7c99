"""Ctrl-C and SIGTERM during a training: the first one asks, the second one means it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Signals:
    """Remembers the first signal; the second one leaves the process at once, with 128 + its number."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """The handler."""
        if self.number is not None:
            os._exit(128 + number)
        self.number = number


@contextmanager
def watch_signals() -> Iterator[Signals]:
    """Catch SIGINT and SIGTERM while the block runs, then put the previous handlers back.

    Python lets only the main thread set handlers: in any other thread nothing is caught and the main one stays in charge.
    """
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    previous = {number: signal.signal(number, signals) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
