"""The signals that end a server: SIGINT and SIGTERM."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

SECONDS = 0.25
"""The longest that a signal waits. Python can miss one that arrives as it begins to wait without an end."""


def taken() -> Callable[[], None]:
    """Take the signals from now on. Returns what waits for one, or goes on at once if one came."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)

    def wait() -> None:
        while not ended.wait(SECONDS):
            pass

    return wait
